"""The payload of a chunk: how many bytes follow, as LEB128, and those of the range coder.

Of a beginning of them, those tokens are known that no rest could change. The number tells a payload that was cut off from a
damaged one.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.image.tokens._kernel import GOOD, code_tokens
from lacodec.entropy.mixing import CODE, HIGH, POSITION, READ_AHEAD
from lacodec.errors import CorruptFile

Numbers = NDArray[np.int64]
_AHEAD = 8  # bytes that stand for what is missing: more than the coder looks at


def encode_tokens(tokens: Numbers, words: int) -> bytes:
    """The payload of int64[n]."""
    found = tokens.copy()
    stream = np.zeros(4 * tokens.size + 64, np.uint8)
    registers = _registers()
    code_tokens(registers, stream, 0, found, words, _counts(words))
    out = Writer()
    out.number(int(registers[POSITION]) + 1)
    out.write(stream[: int(registers[POSITION])].tobytes() + (int(registers[HIGH]) >> 24).to_bytes(1, "big"))
    return out.data


def decode_tokens(payload: bytes, count: int, words: int) -> Numbers:
    """The inverse of `encode_tokens`; raises CorruptFile."""
    size, stream = _parts(payload)
    found, result, registers = _read(stream, count, words)
    if result != GOOD or size > len(stream):
        raise CorruptFile("its stream ends early")
    if int(registers[POSITION]) != len(stream) + READ_AHEAD or size != len(stream):
        raise CorruptFile("its stream does not end with its last token")
    return found


def first_tokens(beginning: bytes, count: int, words: int) -> Numbers:
    """The tokens that are certain of a beginning of a payload: those that the least and the greatest rest both give."""
    try:
        size, stream = _parts(beginning)
    except CorruptFile:
        return np.zeros(0, np.int64)
    if len(stream) >= size:  # it is whole, so that it is damaged if it does not decode
        return np.zeros(0, np.int64)
    one, other = (_read(stream + rest * _AHEAD, count, words)[0] for rest in (b"\0", b"\xff"))
    same = one == other
    return one[: count if same.all() else int(same.argmin())]


def _parts(payload: bytes) -> tuple[int, bytes]:
    reader = Reader(payload, 0)
    return reader.number(), bytes(reader.rest())


def _read(payload: bytes, count: int, words: int) -> tuple[Numbers, int, NDArray[np.int64]]:
    stream, registers = np.frombuffer(payload, np.uint8).copy(), _registers()
    registers[CODE], registers[POSITION] = int.from_bytes(payload[:4].ljust(4, b"\0"), "big"), 4
    found = np.full(count, -1, np.int64)
    result = code_tokens(registers, stream, 1, found, words, _counts(words))
    return found, int(result), registers


def _registers() -> NDArray[np.int64]:
    registers = np.zeros(8, np.int64)
    registers[HIGH] = 0xFFFFFFFF
    return registers


def _counts(words: int) -> NDArray[np.int64]:
    return np.zeros(2 << (words - 1).bit_length(), np.int64)
