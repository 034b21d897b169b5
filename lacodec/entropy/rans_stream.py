"""The bytes around the words of a rANS stream: head, start and end states, escaped values.

    stream = head, state, escapes, words                                                  one lane
           | head, varint tail symbols, tail words, end states, escapes, words            more lanes
    head   = kind, varint count, varint bytes of escapes (if bit 7 of the kind is set)

kind: bits 0-2 log2 of the lanes, bit 3 set for width 64, bits 4-6 (one lane) bytes of the state less one, bit 7 set when values
were escaped: their distances, in push order, are the block `escapes` (see `_rans_escape`); never set for an empty block.
With one lane the coder starts from state 1, so that the flush costs its own information and nothing else. With more lanes,
the last symbols of the stream are coded that way first, and their words become the low halves of the lanes' start states.
The lanes' end states are stored as bit lengths (4 or 5 bits each), then as the bits below the leading one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import CorruptFile

MAX_LANES = 64


@dataclass(frozen=True)
class Head:
    """What the decoder knows before the first symbol. `states` are the lanes' states; `escapes` is bytes of escaped values."""

    width: int
    lanes: int
    count: int
    tail: int
    tail_words: int
    states: list[int]
    escapes: int
    start: int = 0
    """Where the head ends: escaped values begin there, if any, then the words."""


def pack_head(head: Head) -> bytes:
    """The bytes of a head."""
    kind = head.lanes.bit_length() - 1 | (head.width == 64) << 3 | (head.escapes > 0) << 7
    sizes = varint(head.count) + (varint(head.escapes) if head.escapes else b"")
    if head.lanes == 1:
        state = head.states[0].to_bytes((head.states[0].bit_length() + 7) // 8, "little")
        return bytes([kind | (len(state) - 1) << 4]) + sizes + state
    return bytes([kind]) + sizes + varint(head.tail) + bytes([head.tail_words]) + _pack_states(head.states, head.width)


def unpack_head(data: bytes | memoryview) -> Head:
    """The head of a stream; raises CorruptFile."""
    if not len(data):
        raise CorruptFile("rANS stream: empty; the file was cut short")
    kind = data[0]
    width = 64 if kind & 8 else 32
    lanes = 1 << (kind & 7)
    if lanes > MAX_LANES or (lanes > 1 and kind & 0x70):
        raise CorruptFile(f"rANS stream: unknown kind {kind:#04x} in the first byte")
    count, at = read_varint(data, 1)
    escapes = tail = tail_words = 0
    if kind & 0x80:
        escapes, at = read_varint(data, at)
    if lanes == 1:
        size = (kind >> 4 & 7) + 1
        raw = bytes(data[at : at + size])
        if len(raw) < size or raw[-1] == 0 or size > width // 8:
            raise CorruptFile("rANS stream: damaged state in the head")
        states, tail, at = [int.from_bytes(raw, "little")], count, at + size
    else:
        tail, at = read_varint(data, at)
        if at >= len(data) or tail > count or not 2 <= data[at] <= lanes:
            raise CorruptFile("rANS stream: damaged head")
        tail_words = data[at]
        states, at = _unpack_states(data, at + 1, lanes, width)
    if bool(escapes) != kind >> 7 or escapes > len(data) - at:
        raise CorruptFile(f"rANS stream: {escapes} bytes of escaped values announced, {len(data) - at} left")
    return Head(width, lanes, count, tail, tail_words, states, escapes, at)


def _pack_states(states: list[int], width: int) -> bytes:
    half = width // 2
    length_bits = half.bit_length() - 1
    lengths = mantissas = bits = 0
    for k, state in enumerate(states):
        length = state.bit_length() - 1
        lengths |= (length - half) << (k * length_bits)
        mantissas |= (state - (1 << length)) << bits
        bits += length
    return lengths.to_bytes((len(states) * length_bits + 7) // 8, "little") + mantissas.to_bytes((bits + 7) // 8, "little")


def _unpack_states(data: bytes | memoryview, at: int, lanes: int, width: int) -> tuple[list[int], int]:
    half = width // 2
    length_bits = half.bit_length() - 1
    size = (lanes * length_bits + 7) // 8
    packed = int.from_bytes(data[at : at + size], "little")
    lengths = [(packed >> (k * length_bits) & (half - 1)) + half for k in range(lanes)]
    at += size
    size = (sum(lengths) + 7) // 8
    if at + size > len(data):
        raise CorruptFile("rANS stream: cut short within the lane states")
    packed = int.from_bytes(data[at : at + size], "little")
    states = []
    for length in lengths:
        states.append(1 << length | packed & ((1 << length) - 1))
        packed >>= length
    if packed:
        raise CorruptFile("rANS stream: damaged lane states")
    return states, at + size


def varint(value: int) -> bytes:
    """A whole number, 7 bits a byte, lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """(number at `at`, offset behind it); raises CorruptFile."""
    value = 0
    for shift in range(0, 63, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise CorruptFile("rANS stream: damaged number in the head")


def word_array(data: bytes | memoryview, start: int, width: int, margin: int) -> NDArray[Any]:
    """The words from byte `start` on, in an aligned array of our own with `margin` zero words behind for overreading."""
    size = width // 16
    count, rest = divmod(len(data) - start, size)
    if rest:
        raise CorruptFile(f"rANS stream: {rest} odd bytes after the last {size}-byte word; the file was cut short")
    dtype = np.uint16 if width == 32 else np.uint32
    words = np.empty(count + margin, dtype)
    words[:count] = np.frombuffer(data, np.dtype(dtype).newbyteorder("<"), count, start)
    words[count:] = 0
    return words
