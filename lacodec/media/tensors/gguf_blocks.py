"""Blocks of quantised values as GGUF stores them: bytes <-> fields, and fields -> the values that llama.cpp computes.

    blocks u8[n, size] <--split/join--> Fields: halves (16-bit scales), scales and mins of sub-blocks, quants
                       ---dequantise--> f32[n, values]

Every bit of a block is in exactly one field, so `join` restores any bytes. The layouts are those of ggml-common.h in llama.cpp.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import UnsupportedFile

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """Numbers of `bits` bits: `groups` times `width` bytes from `start` on.

    A group has 8 / bits layers of `width` numbers each, one after the other; the first layer is in the lowest bits of its bytes.
    """

    start: int
    groups: int
    width: int
    bits: int

    @property
    def stop(self) -> int:
        """The byte behind it."""
        return self.start + self.groups * self.width

    def split(self, blocks: Bytes) -> Bytes:
        """u8[n, numbers] of blocks u8[n, size]."""
        raw = blocks[:, self.start : self.stop].reshape(-1, self.groups, 1, self.width)
        return (raw >> self._shifts & np.uint8((1 << self.bits) - 1)).reshape(len(blocks), -1)

    def join(self, blocks: Bytes, numbers: Bytes) -> None:
        """The inverse of `split`."""
        layers = numbers.reshape(len(blocks), self.groups, -1, self.width) << self._shifts
        blocks[:, self.start : self.stop] = np.bitwise_or.reduce(layers, axis=2).reshape(len(blocks), -1)

    @property
    def _shifts(self) -> Bytes:
        return np.arange(0, 8, self.bits, dtype=np.uint8)[None, None, :, None]


@dataclass(frozen=True)
class Fields:
    """halves: u16[n, 1 or 2], the bits of the block's scale and, if it has two, of what its mins are multiples of.

    scales, mins: u8[n, sub-blocks], or of no columns. quants: u8[n, values], in the order of the values.
    """

    halves: NDArray[np.uint16]
    scales: Bytes
    mins: Bytes
    quants: Bytes


@dataclass(frozen=True)
class BlockType:
    """A layout. halves: where they are; low, high: the lower and upper bits of the quants; zero: the quant that means 0.

    subs: how scales and mins of sub-blocks are stored: "" none, "i8", "6+6" (K-quants of 4 and 5 bits), "4+4", "6".
    """

    name: str
    size: int
    values: int
    halves: tuple[int, ...]
    low: Part
    high: Part | None = None
    zero: int = 0
    subs: str = ""

    @property
    def levels(self) -> int:
        """Values that a quant may have."""
        return 1 << (self.low.bits + (self.high.bits if self.high else 0))

    def split(self, blocks: Bytes) -> Fields:
        """The fields of blocks u8[n, size]."""
        halves = np.concatenate([blocks[:, at : at + 2] for at in self.halves], axis=1)
        quants = self.low.split(blocks)
        if self.high:
            quants |= self.high.split(blocks) << np.uint8(self.low.bits)
        return Fields(np.ascontiguousarray(halves).view("<u2"), *_SPLIT[self.subs](blocks), quants)

    def join(self, fields: Fields) -> Bytes:
        """The inverse of `split`; numbers that are too large lose their upper bits."""
        blocks = np.zeros((len(fields.quants), self.size), np.uint8)
        halves = np.ascontiguousarray(fields.halves, "<u2").view(np.uint8)
        for number, at in enumerate(self.halves):
            blocks[:, at : at + 2] = halves[:, 2 * number : 2 * number + 2]
        mask = np.uint8((1 << self.low.bits) - 1)
        self.low.join(blocks, fields.quants & mask)
        if self.high:
            self.high.join(blocks, fields.quants >> np.uint8(self.low.bits) & np.uint8((1 << self.high.bits) - 1))
        _JOIN[self.subs](blocks, fields.scales, fields.mins)
        return blocks

    def dequantise(self, blocks: Bytes) -> NDArray[np.float32]:
        """f32[n, values]: what llama.cpp computes, in the same order of single-precision operations."""
        fields = self.split(blocks)
        halves = fields.halves.view("<f2").astype(np.float32)
        scale = halves[:, :1]
        if self.subs:
            scale = scale * self._signed(fields.scales)
        quants = fields.quants.astype(np.float32) if not self.signed else fields.quants.view(np.int8).astype(np.float32)
        shaped = quants.reshape(len(blocks), scale.shape[1], -1) - np.float32(self.zero)
        with np.errstate(all="ignore"):  # blocks of arbitrary bytes may hold NaN and infinity
            values = shaped * scale[:, :, None]
            if len(self.halves) == 2:
                least = halves[:, 1:]
                values += -(least * fields.mins.astype(np.float32))[:, :, None] if self.subs else least[:, :, None]
        return values.reshape(len(blocks), self.values)

    @property
    def signed(self) -> bool:
        """Whether quants are signed bytes."""
        return self.low.bits == 8

    def _signed(self, scales: Bytes) -> NDArray[np.float32]:
        if self.subs == "i8":
            return scales.view(np.int8).astype(np.float32)
        return scales.astype(np.float32) - np.float32(32 if self.subs == "6" else 0)


def _none(blocks: Bytes) -> tuple[Bytes, Bytes]:
    empty = np.zeros((len(blocks), 0), np.uint8)
    return empty, empty


def _split_bytes(blocks: Bytes) -> tuple[Bytes, Bytes]:
    return np.ascontiguousarray(blocks[:, 192:208]), _none(blocks)[1]


def _join_bytes(blocks: Bytes, scales: Bytes, mins: Bytes) -> None:
    blocks[:, 192:208] = scales


def _split_pairs(blocks: Bytes) -> tuple[Bytes, Bytes]:
    return blocks[:, :16] & np.uint8(15), blocks[:, :16] >> np.uint8(4)


def _join_pairs(blocks: Bytes, scales: Bytes, mins: Bytes) -> None:
    blocks[:, :16] = scales & np.uint8(15) | mins << np.uint8(4)


_SIX_LOW, _SIX_HIGH = Part(96, 1, 8, 4), Part(104, 1, 4, 2)


def _split_six(blocks: Bytes) -> tuple[Bytes, Bytes]:
    return _SIX_LOW.split(blocks) | _SIX_HIGH.split(blocks) << np.uint8(4), _none(blocks)[1]


def _join_six(blocks: Bytes, scales: Bytes, mins: Bytes) -> None:
    _SIX_LOW.join(blocks, scales & np.uint8(15))
    _SIX_HIGH.join(blocks, scales >> np.uint8(4) & np.uint8(3))


def _split_twelve(blocks: Bytes) -> tuple[Bytes, Bytes]:
    """12 bytes for eight scales and eight mins of 6 bits: the first four of each are whole, above them lie bits of the others."""
    first, second, third = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    mask, low, high, two = np.uint8(63), np.uint8(15), np.uint8(4), np.uint8(6)
    scales = np.concatenate([first & mask, third & low | first >> two << high], axis=1)
    mins = np.concatenate([second & mask, third >> high | second >> two << high], axis=1)
    return scales, mins


def _join_twelve(blocks: Bytes, scales: Bytes, mins: Bytes) -> None:
    mask, low, high, two = np.uint8(63), np.uint8(15), np.uint8(4), np.uint8(6)
    blocks[:, 4:8] = scales[:, :4] & mask | scales[:, 4:] >> high << two
    blocks[:, 8:12] = mins[:, :4] & mask | mins[:, 4:] >> high << two
    blocks[:, 12:16] = scales[:, 4:] & low | mins[:, 4:] << high


_SPLIT = {"": _none, "i8": _split_bytes, "4+4": _split_pairs, "6": _split_six, "6+6": _split_twelve}
_JOIN = {
    "": lambda blocks, scales, mins: None,
    "i8": _join_bytes,
    "4+4": _join_pairs,
    "6": _join_six,
    "6+6": _join_twelve,
}

BLOCK_TYPES = {
    2: BlockType("Q4_0", 18, 32, (0,), Part(2, 1, 16, 4), zero=8),
    3: BlockType("Q4_1", 20, 32, (0, 2), Part(4, 1, 16, 4)),
    6: BlockType("Q5_0", 22, 32, (0,), Part(6, 1, 16, 4), Part(2, 4, 1, 1), zero=16),
    7: BlockType("Q5_1", 24, 32, (0, 2), Part(8, 1, 16, 4), Part(4, 4, 1, 1)),
    8: BlockType("Q8_0", 34, 32, (0,), Part(2, 1, 32, 8)),
    10: BlockType("Q2_K", 84, 256, (80, 82), Part(16, 2, 32, 2), subs="4+4"),
    11: BlockType("Q3_K", 110, 256, (108,), Part(32, 2, 32, 2), Part(0, 1, 32, 1), zero=4, subs="6"),
    12: BlockType("Q4_K", 144, 256, (0, 2), Part(16, 4, 32, 4), subs="6+6"),
    13: BlockType("Q5_K", 176, 256, (0, 2), Part(48, 4, 32, 4), Part(16, 1, 32, 1), subs="6+6"),
    14: BlockType("Q6_K", 210, 256, (208,), Part(0, 2, 64, 4), Part(128, 2, 32, 2), zero=32, subs="i8"),
}
"""By their numbers in GGUF."""
BY_SIZE = {kind.size: (number, kind) for number, kind in BLOCK_TYPES.items()}
"""Bytes of a block -> (number, type)."""


def dequantise(number: int, blocks: Bytes) -> NDArray[np.float32]:
    """f32[n, values] of blocks u8[n, size] of the GGUF type `number`; raises UnsupportedFile for other types."""
    if number not in BLOCK_TYPES:
        raise UnsupportedFile(f"GGUF type {number} cannot be dequantised; {', '.join(k.name for k in BLOCK_TYPES.values())} can")
    return BLOCK_TYPES[number].dequantise(blocks)
