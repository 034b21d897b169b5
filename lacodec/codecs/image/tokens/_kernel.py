"""Tokens as binary decisions down a tree whose leaves are the words of the book, each as likely as it has been frequent.

node --(tokens seen below each half, plus its words) --> chance of the upper half --> decision --> node ...
"""

from typing import Any

import numpy as np

from lacodec.entropy.mixing import POSITION, READ_AHEAD, code_decision
from lacodec.kernels.jit import flat_kernel

U: Any = np.uint64
S64: Any = np.int64

TOO_SHORT = -1
"""What `code_tokens` returns where a stream ends before its tokens."""
_LEAST = 32  # 65536ths of a decision
_HALF = 32768


@flat_kernel
def code_tokens(
    registers: np.ndarray,
    stream: np.ndarray,
    decoding: int,
    tokens: np.ndarray,
    words: int,
    counts: np.ndarray,
    start: int,
    limit: int,
) -> int:
    """Code int64[n], all below `words`, from place `start` on; returns the place where it stopped, or TOO_SHORT.

    It stops before a token if the coder has come to byte `limit`. counts: int64[2 * leaves], zeros at first;
    leaves is a power of two.
    """
    leaves = S64(counts.size >> 1)
    for at in range(start, tokens.size):
        if registers[POSITION] >= limit:
            return S64(at)
        node, first, span, token = S64(1), S64(0), leaves, S64(tokens[at])
        while span > 1:
            span >>= 1
            upper = max(min(first + 2 * span, words) - (first + span), 0)
            if upper:
                lower = span
                above, below = counts[2 * node + 1] + upper, counts[2 * node] + lower
                p = min(max((above << 16) // (above + below), _LEAST), 65536 - _LEAST)
                bit = S64(code_decision(registers, stream, p, U(token >= first + span), decoding))
            else:
                bit = S64(0)
            first += bit * span
            node = 2 * node + bit
            counts[node] += 1
        tokens[at] = first
        if decoding and registers[POSITION] > stream.size + READ_AHEAD:
            return S64(TOO_SHORT)
    return S64(tokens.size)


@flat_kernel
def code_check(registers: np.ndarray, stream: np.ndarray, decoding: int, check: int) -> int:
    """Code 32 even decisions, the highest bit of `check` first; returns them."""
    found = U(0)
    for k in range(32):
        bit = (U(check) >> U(31 - k)) & U(1)
        found = (found << U(1)) | code_decision(registers, stream, _HALF, bit, decoding)
    return S64(found)
