"""A field in and out of bytes.

payload = u8 fractional bits of the weights of both networks (context + 16 * synthesis), u8 scale of each array of weights, then
          the range coder's bytes: weights, array by array, then latents, the coarsest level first
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.image.field._kernel import MAX_LATENT, PAD, SCALES, code_level, code_values
from lacodec.codecs.image.field._network import Network, context_shapes, level_shapes, synthesis_shapes
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile

_READ_AHEAD = 2  # bytes that a decoder has read past the end
_MOST_BITS = 8
_OCTAVE = (65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734)  # 65536 * 2**(-k / 8)


@dataclass(frozen=True)
class Field:
    """A picture as latents int32[height, width] of each level, the finest first, and two networks."""

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

    def levels(self, levels: list[np.ndarray], context: Network) -> None:
        """Latents with `PAD` zeros around each level, the finest first; coded in place."""
        weights, work = tuple(context.weights), np.zeros((2, len(context.codes[1])))
        parent = np.zeros_like(levels[-1])
        for level in reversed(levels):
            code_level(self.registers, self.stream, self.decoding, level, parent, weights, self.tables, work)
            parent = level


def encode_field(field: Field) -> bytes:
    """The payload."""
    arrays = [*field.context.codes, *field.synthesis.codes]
    scales = [_scale_of(codes) for codes in arrays]
    stream = np.zeros(
        64 * sum(level.size for level in field.latents) // 8 + 8 * sum(codes.size for codes in arrays) + 64, np.uint8
    )
    coder = _Coder(stream, False)
    for codes, scale in zip(arrays, scales, strict=True):
        coder.values(codes.astype(np.int64).reshape(-1), scale)
    coder.levels([np.pad(level.astype(np.int32), PAD) for level in field.latents], field.context)
    size = int(coder.registers[POSITION])
    body = stream[:size].tobytes() + (int(coder.registers[HIGH]) >> 16).to_bytes(2, "big")
    return bytes([field.context.shift + 16 * field.synthesis.shift, *scales]) + body


def decode_field(payload: bytes, shape: tuple[int, int, int]) -> Field:
    """The field of a picture of this height, width and number of channels; raises CorruptFile."""
    height, width, channels = shape
    shapes = [context_shapes(), synthesis_shapes(channels)]
    count = len(shapes[0]) + len(shapes[1])
    if len(payload) <= count or any(scale >= SCALES for scale in payload[1 : 1 + count]):
        raise CorruptFile("its field has no valid head")
    shifts = payload[0] % 16, payload[0] // 16
    if max(shifts) > _MOST_BITS:
        raise CorruptFile("its field has no valid head")
    coder = _Coder(np.frombuffer(payload, np.uint8, offset=1 + count).copy(), True)
    networks, at = [], 1
    for each, shift in zip(shapes, shifts, strict=True):
        codes = []
        for one in each:
            values = np.zeros(int(np.prod(one)), np.int64)
            coder.values(values, payload[at])
            codes.append(np.clip(values, -MAX_LATENT, MAX_LATENT).reshape(one))
            at += 1
        networks.append(Network(codes, shift))
    levels = [np.zeros((rows + 2 * PAD, columns + 2 * PAD), np.int32) for rows, columns in level_shapes(height, width)]
    coder.levels(levels, networks[0])
    if int(coder.registers[POSITION]) != len(coder.stream) + _READ_AHEAD:
        raise CorruptFile("its field does not end with its last latent")
    latents = [np.clip(level[PAD:-PAD, PAD:-PAD], -MAX_LATENT, MAX_LATENT) for level in levels]
    return Field(latents, *networks)


def _scale_of(codes: np.ndarray) -> int:
    """The scale that suits the mean size of these numbers."""
    size = float(np.abs(codes).mean()) * 0.72 + 0.02
    return int(np.clip(round(8 * np.log2(size)) + 48, 0, SCALES - 1))
