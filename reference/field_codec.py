"""Codec `image.field`: the chunks of a picture -> its samples, by networks that are stored with it.

    payload = number size of the field, field, [alpha: a payload of `image.lossless`]
    field   = u8 number of a start, u8 for each array of weights: fractional bits + 16 x scale / 6, then the range coder's bytes:
              what is added to the weights of the start, array by array, then latents, the coarsest level first

    latents around --network--> mean, scale --> decisions --> latent
    latents of seven levels, each widened to the picture's size --network, two 3x3 filters--> samples

Activations are multiples of 1/256 (in the network that predicts latents) or of 2**-14, rounded down, weights of 1/1024; all sums
of products are exact in float64.
"""

from typing import Any

import numpy as np

from reference import image_codec
from reference.container import CRITICAL, Chunk
from reference.data_files import arrays
from reference.mixing_tables import squash_table
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

LEVELS, WIDTH, HIDDEN, PAD, SIDE, STARTS = 7, 24, 16, 3, 1024, 5
OWN = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1), (0, -3), (-3, 0))
PARENT = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))
INPUTS = len(OWN) + len(PARENT)
SCALES = 96  # eight to an octave from 2**-6 on
OCTAVE = (65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734)
MOST = 32767.0  # of an activation
MAX_LATENT = 1 << 14
UNARY = 20  # steps before a magnitude is escaped
READ_AHEAD = 2
CONTEXT = [(INPUTS, HIDDEN), (LEVELS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, 2), (2,)]


def decode(header: dict[str, Any], chunks: list[Chunk]) -> np.ndarray:
    """uint8[height, width, channels]."""
    height, width, channels = header["metadata"]["shape"]
    picture = np.zeros((height, width, channels), np.uint8)
    for chunk in chunks:
        if chunk.kind != CRITICAL or not chunk.covers:
            continue
        (top, bottom), (left, right) = chunk.covers
        need(bottom - top <= SIDE and right - left <= SIDE, "a tile that is too large")
        stream = Stream(chunk.payload)
        colours = channels - (channels % 2 == 0)
        tile = picture[top:bottom, left:right]
        tile[:, :, :colours] = field(stream.piece(), bottom - top, right - left, colours)
        if colours < channels:
            tile[:, :, colours:] = image_codec.decode_tile(stream.rest(), (bottom - top, right - left, 1), 8)
        chunk.check(tile.tobytes())
    return picture


def field(data: bytes, height: int, width: int, channels: int) -> np.ndarray:
    """The samples of a tile."""
    synthesis = [(LEVELS, WIDTH), (WIDTH,), (WIDTH, channels), (channels,), *[(channels, channels, 3, 3), (channels,)] * 2]
    stream = Stream(data)
    number, head = stream.byte(), [stream.byte() for _ in (*CONTEXT, *synthesis)]
    need(max(each % 16 for each in head) <= 10 and number < STARTS, "an impossible field")
    reader = Reader(stream.rest())
    weights = []
    for each, begin, shape in zip(head, start(number), [*CONTEXT, *synthesis], strict=True):
        codes = [reader.value(0, each // 16 * 6) for _ in range(int(np.prod(shape)))]
        changes = np.clip(np.array(codes, float), -MAX_LATENT, MAX_LATENT).reshape(shape) / 2 ** (each % 16)
        weights.append(np.clip(begin[tuple(map(slice, shape))] + changes, -64.0, 64.0))
    shapes = [(-(-height >> k), -(-width >> k)) for k in range(LEVELS)]
    parent, levels = np.zeros([side + 2 * PAD for side in shapes[-1]]), []
    for k, (rows, columns) in reversed([*enumerate(shapes)]):
        first, biases, *others = weights[: len(CONTEXT)]
        parent = reader.level(rows, columns, parent, [first, biases[k], *others])
        levels.append(np.clip(parent[PAD:-PAD, PAD:-PAD], -MAX_LATENT, MAX_LATENT) / 16.0)
    need(reader.coder.at == len(reader.coder.data) + READ_AHEAD, "a field that ends elsewhere")
    return samples(levels, shapes, weights[len(CONTEXT) :])


def start(number: int) -> list[np.ndarray]:
    """Weights for three channels."""
    stored = arrays("field.npz")
    return [stored[name][number] / 1024.0 for name in [*(f"context{k}" for k in range(6)), *(f"synthesis{k}" for k in range(8))]]


class Reader:
    """Numbers out of decisions whose chances follow from a logistic distribution."""

    def __init__(self, data: bytes) -> None:
        self.coder, self.squash = RangeDecoder(data), squash_table()
        self.slopes = [OCTAVE[k % 8] * 64 >> k // 8 for k in range(SCALES)]

    def level(self, rows: int, columns: int, parent: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
        """Latents with zeros around them."""
        first, first_bias, second, second_bias, last, last_bias = weights
        level = np.zeros((rows + 2 * PAD, columns + 2 * PAD))
        for y in range(PAD, rows + PAD):
            for x in range(PAD, columns + PAD):
                py, px = (y - PAD) // 2 + PAD, (x - PAD) // 2 + PAD
                seen = [level[y + dy, x + dx] for dy, dx in OWN] + [parent[py + dy, px + dx] for dy, dx in PARENT]
                hidden = np.clip(np.clip(seen, -127, 127) @ first + first_bias, 0.0, MOST)
                hidden = np.clip(np.floor((hidden @ second + second_bias) * 256) / 256, 0.0, MOST)
                mean, size = hidden @ last + last_bias
                mean = int(np.floor(min(max(mean, -MAX_LATENT), MAX_LATENT) * 256))
                scale = min(max(int(np.floor(min(max(size, -100.0), 100.0) * 8)) + 48, 0), SCALES - 1)
                level[y, x] = self.value(mean, scale)
        return level

    def value(self, mean: int, scale: int) -> int:
        """A whole number: zero? (as far as the nearest one to mean / 256 goes), above? then larger? again and again."""
        slope, centre = self.slopes[scale], (mean + 128) >> 8
        shift = (centre << 8) - mean
        above, below = self.beyond(slope, 128 + shift), self.beyond(slope, 128 - shift)
        if not self.coder.bit(chance(above + below, 65536)):
            return centre
        up = self.coder.bit(chance(above, above + below))
        side, left, k = (shift, above, 1) if up else (-shift, below, 1)
        while k < UNARY:
            rest = self.beyond(slope, 256 * k + 128 + side)
            if not self.coder.bit(chance(rest, left)):
                break
            left, k = rest, k + 1
        if k == UNARY:
            bits, found = 0, 1
            while bits < 20 and self.coder.bit(32768):
                bits += 1
            for _ in range(bits):
                found = 2 * found + self.coder.bit(32768)
            k += found - 1
        return centre + k if up else centre - k

    def beyond(self, slope: int, distance: int) -> int:
        """65536 times the chance of more than distance / 256 above the mean."""
        return self.squash[3072 - min(max(distance * slope >> 16, -3071), 3071)]


def chance(part: int, whole: int) -> int:
    """Of a decision, in 65536ths."""
    return min(max((part << 16) // max(whole, 1), 24), 65536 - 24)


def samples(levels: list[np.ndarray], shapes: list[tuple[int, int]], weights: list[np.ndarray]) -> np.ndarray:
    """From features, the coarsest level first, which are all widened to the size of the finest."""
    features: list[np.ndarray] = []
    for level, shape in zip(levels, reversed(shapes), strict=True):
        features = [widen(each, shape) for each in features] + [level]
    first, first_bias, second, second_bias, *filters = weights
    hidden = np.maximum(rounded(np.stack(features[::-1], 2) @ first + first_bias), 0.0)
    picture = rounded(hidden @ second + second_bias)
    for matrix, bias in zip(filters[::2], filters[1::2], strict=True):
        padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
        picture = rounded(picture + np.einsum("yxiab,oiab->yxo", windows, matrix) + bias)
    return np.clip(np.floor(picture * 255 + 0.5), 0, 255).astype(np.uint8)


def rounded(values: np.ndarray) -> np.ndarray:
    """Down to multiples of 2**-14."""
    return np.clip(np.floor(values * 16384) / 16384, -2048.0, 2048.0)


def widen(level: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Twice as many rows and columns, less those beyond `shape`: 3/4 of the nearest value, 1/4 of the one on the other side."""
    for axis in (0, 1):
        found = []
        for place in range(shape[axis]):
            near = place // 2
            other = min(max(near + (1 if place % 2 else -1), 0), level.shape[axis] - 1)
            found.append(3.0 * level.take(near, axis) + level.take(other, axis))
        level = np.stack(found, axis)
    return np.floor(level * 1024) / 16384
