"""A field in and out of bytes.

payload = u8 number of a start, u8 of each array of weights: fractional bits + 16 * scale / 6, then the range coder's bytes:
          what is added to the start, array by array, then latents, the coarsest level first
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.image.field._kernel import HIDDEN, MAX_LATENT, PAD, SCALES, code_level, code_values
from lacodec.codecs.image.field._network import Network, at_level, context_shapes, level_shapes, synthesis_shapes
from lacodec.codecs.image.field._start import PRICES, networks
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile

_READ_AHEAD = 2  # bytes that a decoder has read past the end
_MOST_BITS = 10
_SCALE_STEP = 6
_OCTAVE = (65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734)  # 65536 * 2**(-k / 8)


@dataclass(frozen=True)
class Field:
    """A picture as latents int32[height, width] of each level, the finest first, and two networks, changed from a start."""

    start: int
    latents: list[np.ndarray]
    context: Network
    synthesis: Network


class _Coder:
    def __init__(self, stream: np.ndarray, decoding: bool) -> None:
        self.stream, self.decoding = stream, int(decoding)
        self.registers = np.zeros(6, np.int64)
        self.registers[HIGH] = 0xFFFFFFFF
        if decoding:
            self.registers[CODE] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big")
            self.registers[LOW], self.registers[POSITION] = 0, 4
        slopes = [_OCTAVE[k % 8] * 64 >> k // 8 for k in range(SCALES)]
        self.tables = mixing_tables()[2], np.array(slopes, np.int64)

    def values(self, values: np.ndarray, scale: int) -> None:
        code_values(self.registers, self.stream, self.decoding, values, self.tables, scale)

    def bytes_so_far(self) -> bytes:
        """What has been encoded."""
        size = int(self.registers[POSITION])
        return self.stream[:size].tobytes() + (int(self.registers[HIGH]) >> 16).to_bytes(2, "big")

    def levels(self, levels: list[np.ndarray], context: Network) -> None:
        """Latents with `PAD` zeros around each level, the finest first; coded in place."""
        weights, work = context.weights, np.zeros((2, HIDDEN))
        parent = np.zeros_like(levels[-1])
        for k in range(len(levels) - 1, -1, -1):
            own = at_level(weights, k)
            code_level(self.registers, self.stream, self.decoding, levels[k], parent, own, self.tables, work)
            parent = levels[k]


def encode_field(field: Field) -> bytes:
    """The payload."""
    head, coder = _weights_coded([field.context, field.synthesis], sum(level.size for level in field.latents))
    coder.levels([np.pad(level.astype(np.int32), PAD) for level in field.latents], field.context)
    return bytes([field.start]) + head + coder.bytes_so_far()


def weights_size(network: Network) -> int:
    """Bytes of what is stored of a network."""
    head, coder = _weights_coded([network], 0)
    return len(head) + len(coder.bytes_so_far())


def _weights_coded(networks: list[Network], latents: int) -> tuple[bytes, _Coder]:
    """A byte for each array, and a coder that has their numbers, and place for as many latents."""
    arrays = [codes for network in networks for codes in network.codes]
    shifts = [shift for network in networks for shift in network.shifts]
    scales = [_scale_of(codes) for codes in arrays]
    coder = _Coder(np.zeros(8 * (latents + sum(codes.size for codes in arrays)) + 64, np.uint8), False)
    for codes, scale in zip(arrays, scales, strict=True):
        coder.values(codes.astype(np.int64).reshape(-1), scale * _SCALE_STEP)
    return bytes(shift + 16 * scale for shift, scale in zip(shifts, scales, strict=True)), coder


def decode_field(payload: bytes, shape: tuple[int, int, int]) -> Field:
    """The field of a picture of this height, width and number of channels; raises CorruptFile."""
    height, width, channels = shape
    count = len(context_shapes()) + len(synthesis_shapes(channels))
    head = payload[1 : count + 1]
    if len(payload) <= count + 1 or payload[0] >= len(PRICES) or any(each % 16 > _MOST_BITS for each in head):
        raise CorruptFile("its field has no valid head")
    coder = _Coder(np.frombuffer(payload, np.uint8, offset=count + 1).copy(), True)
    found, at = [], 0
    for start in networks(channels, payload[0]):
        codes, own = [], head[at : at + len(start)]
        for weights, each in zip(start, own, strict=True):
            values = np.zeros(weights.size, np.int64)
            coder.values(values, each // 16 * _SCALE_STEP)
            codes.append(np.clip(values, -MAX_LATENT, MAX_LATENT).reshape(weights.shape))
        found.append(Network(codes, [each % 16 for each in own], start))
        at += len(start)
    levels = [np.zeros((rows + 2 * PAD, columns + 2 * PAD), np.int32) for rows, columns in level_shapes(height, width)]
    coder.levels(levels, found[0])
    if int(coder.registers[POSITION]) != len(coder.stream) + _READ_AHEAD:
        raise CorruptFile("its field does not end with its last latent")
    latents = [np.clip(level[PAD:-PAD, PAD:-PAD], -MAX_LATENT, MAX_LATENT) for level in levels]
    return Field(payload[0], latents, *found)


def _scale_of(codes: np.ndarray) -> int:
    """The scale that suits the mean size of these numbers, in steps."""
    size = float(np.abs(codes).mean()) * 0.72 + 0.02
    return int(np.clip(round((8 * np.log2(size) + 48) / _SCALE_STEP), 0, 15))
