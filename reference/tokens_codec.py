"""Codec `image.tokens`: chunks -> the tokens.

payload = how many bytes follow (LEB128) | the range coder's: of each token, whether it is in the upper half of
the book, in the upper half of that ...; of a sequence, also checks of the tokens so far.
"""

import io
from typing import Any

import numpy as np

from reference.container import CRITICAL, Chunk, hash64
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

LEAST = 32
AHEAD = 4  # bytes that the coder reads at once when it starts
FIRST_CHECK = 24  # bytes of the coder before the first check
NEXT_CHECK, MOST_MORE = 96, 16384  # bytes before the next one, and a quarter of those so far, but at most so many


def npy(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The .npy file."""
    out = io.BytesIO()
    np.save(out, decode(header, chunks))
    return out.getvalue()


def decode(header: dict[str, Any], chunks: list[Chunk]) -> np.ndarray:
    """In the form that they had."""
    shape, dtype, words = header["metadata"]["tokens"]
    found: list[int] = []
    for chunk in chunks:
        if chunk.kind == CRITICAL:
            ((start, stop),) = chunk.covers
            tokens = _tokens(chunk.payload, stop - start, words, chunk.content_hash if len(shape) == 1 else None)
            need(hash64(_packed(tokens)) == chunk.content_hash, "other tokens than were encoded")
            found += tokens
    return np.array(found, dtype).reshape(shape)


def _packed(tokens: list[int]) -> bytes:
    return np.array(tokens, "<i8").tobytes()


def _check(coder: RangeDecoder) -> int:
    found = 0
    for _ in range(32):
        found = 2 * found + coder.bit(32768)
    return found


def _tokens(data: bytes, count: int, words: int, whole_hash: int | None) -> list[int]:
    """whole_hash: content hash of a sequence; None for maps."""
    stream = Stream(data)
    data = stream.piece()
    stream.finish()
    coder, seen = RangeDecoder(data), {}
    leaves = 1
    while leaves < words:
        leaves *= 2
    found: list[int] = []
    due = FIRST_CHECK
    for _ in range(count):
        if whole_hash is not None and coder.at - AHEAD >= due:
            digest = hash64(whole_hash.to_bytes(8, "little") + _packed(found))
            need(_check(coder) == digest % 2**32, "a check contradicts the tokens before it")
            due = coder.at - AHEAD + NEXT_CHECK + min((coder.at - AHEAD) // 4, MOST_MORE)
        first, span = 0, leaves
        while span > 1:
            span //= 2
            lower, upper = (first, span), (first + span, span)
            words_above = min(first + 2 * span, words) - (first + span)
            if words_above > 0:
                above, below = seen.get(upper, 0) + words_above, seen.get(lower, 0) + span
                if coder.bit(min(max((above << 16) // (above + below), LEAST), 65536 - LEAST)):
                    first += span
            seen[first, span] = seen.get((first, span), 0) + 1
        found.append(first)
    need(coder.at - AHEAD == len(data) - 1, "its stream does not end with its last token")
    return found
