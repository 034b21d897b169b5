"""The payload of a chunk: how many bytes follow, as LEB128, and those of the range coder.

    map:        all tokens
    sequence:   tokens | check | tokens | check | ... | tokens        segments in one stream, which counts go on through

A check is the low half of the xxh3-64 of the chunk's content hash and all tokens before it, coded as 32 even decisions. Of a
beginning of a payload, the segments with the right check are certain, and of this chunk. The number of bytes tells a payload
that was cut off from a damaged one.
"""

import numpy as np
import xxhash
from numpy.typing import NDArray

from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.image.tokens._kernel import TOO_SHORT, code_check, code_tokens
from lacodec.container.types import content_hash
from lacodec.entropy.mixing import CODE, HIGH, POSITION, READ_AHEAD
from lacodec.errors import CorruptFile

Numbers = NDArray[np.int64]
_FIRST = 24  # bytes of the coder before the first check: half of 32 tokens of 4096 words
_NEXT = 96  # bytes before the next one, and a quarter of those so far: checks take about 3 % at most, less in long sequences
_MOST_MORE = 1 << 14  # bytes that this quarter may be: so many are lost of a long sequence that was cut, for 0.02 %
_NEVER = 1 << 62
_AHEAD = READ_AHEAD + 1  # bytes that a decoder reads at once when it starts
_HALF = 0xFFFFFFFF


def encode_tokens(tokens: Numbers, words: int, whole_hash: int | None) -> bytes:
    """The payload of int64[n]. whole_hash: content hash of a sequence, for its checks; None for maps."""
    coder = _Coder(np.zeros(5 * tokens.size + 128, np.uint8), words, False)
    coder.code(tokens.copy(), whole_hash)
    size = coder.position
    out = Writer()
    out.number(size + 1)
    out.write(coder.stream[:size].tobytes() + (int(coder.registers[HIGH]) >> 24).to_bytes(1, "big"))
    return out.data


def decode_tokens(payload: bytes, count: int, words: int, whole_hash: int | None) -> Numbers:
    """The inverse of `encode_tokens`; raises CorruptFile."""
    size, stream = _parts(payload)
    coder, found = _Coder(stream, words, True), np.zeros(count, np.int64)
    _, whole = coder.code(found, whole_hash)
    if not whole:
        raise CorruptFile("its stream ends early, or a check contradicts its tokens")
    if coder.position + 1 != stream.size or size != stream.size:
        raise CorruptFile("its stream does not end with its last token")
    return found


def first_tokens(beginning: bytes, count: int, words: int, whole_hash: int) -> Numbers:
    """The certain tokens of the beginning of a sequence's payload.

    A payload whose bytes are all there, and yet not right, is damaged: it has none.
    """
    try:
        size, stream = _parts(beginning)
    except CorruptFile:
        return np.zeros(0, np.int64)
    found = np.zeros(count, np.int64)
    certain, whole = _Coder(stream, words, True).code(found, whole_hash)
    if whole and stream.size <= size and content_hash(found.astype("<i8").tobytes()) == whole_hash:
        return found
    return found[: certain if stream.size < size else 0]


class _Coder:
    """Range coder and counts, at the start of `stream`, which is written or read."""

    def __init__(self, stream: NDArray[np.uint8], words: int, decoding: bool) -> None:
        self.stream, self._words, self._decoding = stream, words, int(decoding)
        self.registers = np.zeros(8, np.int64)
        self.registers[HIGH] = 0xFFFFFFFF
        if decoding:
            self.registers[CODE] = int.from_bytes(stream[:_AHEAD].tobytes().ljust(_AHEAD, b"\0"), "big")
            self.registers[POSITION] = _AHEAD
        self._counts = np.zeros(2 << (words - 1).bit_length(), np.int64)

    @property
    def position(self) -> int:
        """Bytes that an encoder has written so far."""
        return int(self.registers[POSITION]) - _AHEAD * self._decoding

    def code(self, tokens: Numbers, whole_hash: int | None) -> tuple[int, bool]:
        """Code int64[n]; returns how many are known by checks, and whether there was nothing wrong up to the last one."""
        digest = xxhash.xxh3_64((whole_hash or 0).to_bytes(8, "little"))
        known, step = 0, _NEVER if whole_hash is None else _FIRST
        while True:
            limit = int(self.registers[POSITION]) + step
            stop = code_tokens(self.registers, self.stream, self._decoding, tokens, self._words, self._counts, known, limit)
            if stop in (TOO_SHORT, tokens.size):
                return known, stop != TOO_SHORT
            digest.update(tokens[known:stop].astype("<i8").tobytes())
            check = digest.intdigest() & _HALF
            if code_check(self.registers, self.stream, self._decoding, check) != check:
                return known, False
            known, step = int(stop), _NEXT + min(self.position // 4, _MOST_MORE)


def _parts(payload: bytes) -> tuple[int, NDArray[np.uint8]]:
    """(bytes that the stream should have, the stream); raises CorruptFile."""
    reader = Reader(payload, 0)
    return reader.number(), np.frombuffer(bytes(reader.rest()), np.uint8).copy()
