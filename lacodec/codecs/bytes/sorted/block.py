"""Block sorting for `bytes`, effort 4: blocks in and out.

    block -> filter for x86 code -> Burrows-Wheeler transform -> adaptive coder

Payload: u8 filter, varint row of the whole data, varint rows where the chains of the inverse begin, coded bytes. A block of more
than 2**24 bytes is cut into parts of that size: varint size and payload of each, but for the size of the last.
"""

import numpy as np

from lacodec.codecs.bytes.filters import NONE, X86, apply_filter, looks_like_x86, undo_filter
from lacodec.codecs.bytes.sorted.coder import CODE, HIGH, LOW, POSITION, Coder, code_bytes, new_coder
from lacodec.codecs.bytes.sorted.transform import MAX_SIZE, chain_ends, inverse, transform
from lacodec.entropy.rans_stream import read_varint, varint
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore

_SLICE = 1 << 18  # bytes between two reports of progress
_FIXED = 8 << 20  # bytes of memory whatever the size
_READ_AHEAD = 4  # bytes that a decoder may have read behind the end


def bwt_encode(data: np.ndarray, on_work: Report = ignore) -> bytes:
    """Payload for uint8[n]; the result may be longer than the input, and is then useless. `on_work` is told of coded bytes."""
    parts = [_encode_part(data[at : at + MAX_SIZE], on_work) for at in range(0, data.size, MAX_SIZE)]
    return b"".join(varint(len(part)) + part for part in parts[:-1]) + b"".join(parts[-1:])


def bwt_decode(payload: bytes, size: int, on_work: Report = ignore) -> np.ndarray:
    """uint8[size] from the result of `bwt_encode`. CorruptFile if the payload is invalid, or not of this size."""
    out, at = np.zeros(size, np.uint8), 0
    for start in range(0, size, MAX_SIZE):
        length = len(payload) - at
        if start + MAX_SIZE < size:
            length, at = read_varint(payload, at)
        out[start : start + MAX_SIZE] = _decode_part(payload[at : at + length], min(size - start, MAX_SIZE), on_work)
        at += length
    if at != len(payload):
        raise CorruptFile("a block-sorting payload does not end with its content")
    return out


def _encode_part(data: np.ndarray, on_work: Report) -> bytes:
    number = X86 if looks_like_x86(data) else NONE
    transformed, rows = transform(apply_filter(data, number))
    coder = new_coder(np.zeros(data.size + data.size // 4 + 64, np.uint8))
    _run(coder, transformed, on_work, decoding=False)
    return bytes([number]) + b"".join(map(varint, rows)) + _ended(coder)


def _decode_part(payload: bytes, size: int, on_work: Report) -> np.ndarray:
    if not payload or payload[0] not in (NONE, X86):
        raise CorruptFile("a block-sorting payload has no filter, or one that is unknown")
    rows, at = [], 1
    for _ in range(1 + len(chain_ends(size))):
        row, at = read_varint(payload, at)
        rows.append(row)
    stream = np.frombuffer(payload, np.uint8, offset=at).copy()
    coder = new_coder(stream)
    coder.registers[CODE] = int.from_bytes(bytes(payload[at : at + 4]).ljust(4, b"\0"), "big")
    coder.registers[POSITION] = 4
    transformed = np.zeros(size, np.uint8)
    if not _run(coder, transformed, on_work, decoding=True):
        raise CorruptFile("a block-sorting payload holds a run that does not fit")
    if not stream.size <= coder.registers[POSITION] <= stream.size + _READ_AHEAD:
        raise CorruptFile("a block-sorting payload does not end with its content")
    return undo_filter(inverse(transformed, rows), payload[0])


def bwt_memory(size: int, *, decoding: bool) -> int:
    """Bytes that coding `size` bytes needs at most: suffixes, and half as many places that are sorted first."""
    part = min(size, MAX_SIZE)
    return (9 * part if decoding else 28 * part) + 3 * size + _FIXED


def _run(coder: Coder, data: np.ndarray, on_work: Report, *, decoding: bool) -> bool:
    """All bytes through the coder, with reports; False when they do not fit."""
    at = 0
    while at < data.size:
        end = int(code_bytes(coder, data, at, min(at + _SLICE, data.size), data.size, decoding))
        if end < 0:
            return False
        on_work(end - at)
        at = end
    return True


def _ended(coder: Coder) -> bytes:
    """The stream with the fewest bytes behind it that stay within the bounds when zeros follow; zeros for what did not fit."""
    low, high, at = (int(coder.registers[k]) for k in (LOW, HIGH, POSITION))
    for kept in range(1, 5):
        unit = 1 << 32 - 8 * kept
        value = -(-low // unit) * unit
        if value <= high:
            return coder.stream[:at].tobytes() + bytes(max(0, at - coder.stream.size)) + value.to_bytes(4, "big")[:kept]
    raise AssertionError("low is within its own bounds")
