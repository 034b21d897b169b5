"""Codec `video.lossless`, method 1: planes by the pixel model of pictures, each given others that are known.

    first frame:     Y | -               U | Y       V | Y, U
    those behind it: Y | Y'', Y'         U | U', Y   V | V', U      ' moved from the frame before, '' from the one before that

Y is reduced to the size of the others. In the second frame Y'' is the plane of the first one, not moved. Each of the six kinds of
planes keeps its state from frame to frame.

    body = u8 effort, u8 s, number size, vectors, then the stream of each kind: number size, range coder's bytes
"""

from dataclasses import dataclass

import numpy as np

from reference import bytes_codec
from reference.image_mixed import MAX_SHIFT, PAD, READ_AHEAD, Tile
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

BLOCK = 16  # rows and columns of the first plane that have a vector


@dataclass(frozen=True)
class Known:
    """A plane, and the sizes and signs of the errors that were made where it was decoded; all [height, width]."""

    pixels: np.ndarray
    sizes: np.ndarray
    signed: np.ndarray

    def moved(self, vectors: np.ndarray, halvings: tuple[int, int]) -> "Known":
        """To where `vectors` (of blocks: rows, columns) take each pixel from; beyond the border lies its edge."""
        height, width = self.pixels.shape
        down, across = halvings
        rows, columns = np.zeros((height, width), int), np.zeros((height, width), int)
        for y in range(height):
            for x in range(width):
                dy, dx = (int(v) for v in vectors[y // (BLOCK >> down), x // (BLOCK >> across)])
                rows[y, x] = min(max(y + ((dy + (1 << down >> 1)) >> down), 0), height - 1)
                columns[y, x] = min(max(x + ((dx + (1 << across >> 1)) >> across), 0), width - 1)
        return Known(self.pixels[rows, columns], self.sizes[rows, columns], self.signed[rows, columns])

    def reduced(self, halvings: tuple[int, int]) -> "Known":
        """Means of two rows so often, then of two columns; pixels are rounded up from the half."""
        known = self
        for axis in (0,) * halvings[0] + (1,) * halvings[1]:
            first = np.arange(0, known.pixels.shape[axis], 2)
            second = np.minimum(first + 1, known.pixels.shape[axis] - 1)
            a, b = ([plane.take(lines, axis) for plane in (known.pixels, known.sizes, known.signed)] for lines in (first, second))
            known = Known((a[0] + b[0] + 1) >> 1, (a[1] + b[1]) * 0.5, (a[2] + b[2]) * 0.5)
        return known


class Planes(Tile):
    """One kind of planes: each is the last of a tile whose other planes are known."""

    def decode(self, known: list[Known]) -> Known:
        """The next plane."""
        p, height, width = len(known), self.height, self.width
        for q, other in enumerate(known):
            self.pixels[q] = np.pad(other.pixels, ((PAD, 1), (PAD, PAD)), mode="edge")
        if known:
            self.pixels[p, :PAD] = self.pixels[p - 1, :PAD]
        sizes, signed = np.zeros((height, width)), np.zeros((height, width))
        for y in range(height):
            for q, other in enumerate(known):
                for row in (0, 1) if y == 0 else (y + 1,):
                    at = min(row, height - 1)
                    self.errors[q, row % 4, :, -1] = np.pad(other.sizes[at], PAD, mode="edge")
                    self.signed[q, row % 4] = np.pad(other.signed[at], PAD, mode="edge")
            self.row(p, y)
            sizes[y] = self.errors[p, y % 4, PAD : PAD + width, -1]
            signed[y] = self.signed[p, y % 4, PAD : PAD + width]
        return Known(self.pixels[p, PAD:-1, PAD : PAD + width].copy(), sizes, signed)


def decode(
    data: bytes, frames: int, shapes: list[tuple[int, int]], halvings: list[tuple[int, int]], depth: int
) -> list[list[np.ndarray]]:
    """The planes of each frame."""
    stream = Stream(data)
    effort, shift = stream.byte(), stream.byte()
    need(shift <= MAX_SHIFT, "an impossible pixel model")
    fields = _vectors(stream.take(stream.number()), max(0, 2 * frames - 3), *shapes[0])
    kinds = []
    for inter in range(2 if frames > 1 else 1):
        for p, shape in enumerate(shapes):
            coder = RangeDecoder(stream.take(stream.number()))
            planes = (2 if inter else p) + 1
            kinds.append(Planes(effort, (planes, *shape), (1 << depth) - 1, 1.0 / (1 << shift), coder))
    stream.finish()
    found: list[list[Known]] = []
    for t in range(frames):
        found.append([])
        for p in range(len(shapes)):
            known = _known(p, t, found, fields, halvings[p])
            found[t].append(kinds[p + len(shapes) * (t > 0)].decode(known))
    need(all(kind.decisions.coder.at == len(kind.decisions.coder.data) + READ_AHEAD for kind in kinds), "a stream ends elsewhere")
    return [[known.pixels for known in planes] for planes in found]


def _known(p: int, t: int, found: list[list[Known]], fields: np.ndarray, halvings: tuple[int, int]) -> list[Known]:
    """What plane p of frame t is given, the most useful last."""
    now, known = found[t], []
    if p == 0 and t > 1:
        known.append(found[t - 2][0].moved(fields[2 * t - 2], halvings))
    if p == 0 and t == 1:
        known.append(found[0][0])
    if t > 0:
        known.append(found[t - 1][p].moved(fields[max(0, 2 * t - 3)], halvings))
    if p == 1 or (p == 2 and t == 0):
        known.append(now[0].reduced(halvings))
    if p == 2:
        known.append(now[1])
    return known


def _vectors(data: bytes, fields: int, height: int, width: int) -> np.ndarray:
    """int8[fields, blocks down, blocks across, 2], from differences to the vector on the left."""
    down, across = -(-height // BLOCK), -(-width // BLOCK)
    raw = bytes_codec.decode(data, 2 * fields * down * across)
    vectors = np.zeros((fields, down, across, 2), np.int8)
    for i, byte in enumerate(raw):
        axis, rest = divmod(i, fields * down * across)
        field, rest = divmod(rest, down * across)
        by, bx = divmod(rest, across)
        left = int(vectors[field, by, bx - 1, axis]) if bx else 0
        vectors[field, by, bx, axis] = (left + byte + 128) % 256 - 128
    return vectors
