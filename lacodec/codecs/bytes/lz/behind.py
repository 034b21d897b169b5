"""Positions behind the same byte: their ranks, for the encoder, and room for their lists, for the decoder.

    rooms = 32 bytes, bit b % 8 of byte b // 8 set when any position is behind byte b; for each such b, a slot: at least so many

The first position counts as behind a zero.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.bytes.lz.layout import LENGTH_DETAIL, U, slot_of
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import kernel

_SYMBOLS = 256


@kernel
def rank_positions(data, size, ranks, counts):  # type: ignore[no-untyped-def]
    """Fill ranks u32[size]: positions before each that are behind the same byte; and counts u64[256], zeros before."""
    before = U(0)
    for i in range(U(size)):
        ranks[i] = counts[before]
        counts[before] += U(1)
        before = U(data[i])


def pack_rooms(counts: NDArray[np.uint64]) -> bytes:
    """The least slots that hold counts u64[256]."""
    used = np.flatnonzero(counts)
    slots = [_slot_above(int(counts[symbol])) for symbol in used]
    return np.packbits(counts > 0, bitorder="little").tobytes() + bytes(slots)


def unpack_rooms(data: bytes | memoryview, size: int) -> tuple[NDArray[np.uint64], int]:
    """Room u64[256] for every list, and the bytes read; CorruptFile when it is more than `size` positions can need."""
    if len(data) < _SYMBOLS // 8:
        raise CorruptFile("LZ payload: too short for its lists")
    used = np.flatnonzero(np.unpackbits(np.frombuffer(data, np.uint8, _SYMBOLS // 8), bitorder="little"))
    end = _SYMBOLS // 8 + len(used)
    if len(data) < end:
        raise CorruptFile("LZ payload: too short for its lists")
    rooms = np.zeros(_SYMBOLS, np.uint64)
    for symbol, slot in zip(used, bytes(data[_SYMBOLS // 8 : end]), strict=True):
        rooms[symbol] = _slot_start(slot)
    if int(rooms.sum()) > size + size // 4 + 8 * len(used):
        raise CorruptFile("LZ payload: lists that are larger than the block")
    return rooms, end


def _slot_start(slot: int) -> int:
    detail, extra = 1 << LENGTH_DETAIL, max((slot >> LENGTH_DETAIL) - 1, 0)
    return slot if slot < detail else (slot % detail + detail) << min(extra, 40)


def _slot_above(count: int) -> int:
    slot = int(slot_of(np.uint64(count), np.uint64(LENGTH_DETAIL)))
    return slot + (_slot_start(slot) < count)
