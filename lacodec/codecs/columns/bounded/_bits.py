"""Adaptive binary decisions through a range coder, and raw bits beside it.

A chance is a u32: 22 bits for a one, 10 bits how often it was seen. The range coder has 64 bits and moves words of 32: `low` is
its lower bound (a decoder: the code less that), `span` what is left, `at` the next word. Raw bits are words, too, filled from
below.
Both go through local variables: an array of registers would take twice as long.
"""

import numpy as np

from lacodec.kernels.jit import inlined

CHANCE = np.uint32(1 << 31)  # one half, never seen
LIMIT = np.uint32(250)  # times seen after which a chance no longer slows down
FULL = np.uint64(0xFFFFFFFFFFFFFFFF)

_ONE, _SIXTEEN, _WORD = np.uint64(1), np.uint64(16), np.uint64(32)
_LEAST = np.uint64(1 << 32)
_MASK = np.uint64(0xFFFFFFFF)


@inlined
def decide(chances, which, bit, low, span, at, words, reciprocal, decoding):  # type: ignore[no-untyped-def]
    """Code one bit with the chance at `which` and learn from it; returns (bit, low, span, at)."""
    entry = chances[which]
    count = entry & np.uint32(1023)
    p = np.int64(entry >> np.uint32(10))
    bound = (span >> _SIXTEEN) * np.uint64(min(max(p >> 6, np.int64(1)), np.int64(65535)))
    if decoding:
        bit = low < bound
        if not bit:
            low -= bound
    elif not bit:
        low += bound
        if low < bound:
            carry(words, at)
    if bit:
        span = bound
        p += ((4194303 - p) * np.int64(reciprocal[count])) >> 16
    else:
        span -= bound
        p -= (p * np.int64(reciprocal[count])) >> 16
    chances[which] = np.uint32(p) << np.uint32(10) | count + np.uint32(count < LIMIT)
    if span < _LEAST:
        span <<= _WORD
        if decoding:
            low <<= _WORD
            if at < np.uint64(len(words)):
                low |= np.uint64(words[at])
        else:
            if at < np.uint64(len(words)):
                words[at] = np.uint32(low >> _WORD)
            low <<= _WORD
        at += _ONE
    return bit, low, span, at


@inlined
def carry(words, at):  # type: ignore[no-untyped-def]
    """Add one to the words before `at`."""
    at = min(at, np.uint64(len(words)))
    while at > np.uint64(0):
        at -= _ONE
        words[at] += np.uint32(1)
        if words[at]:
            break


@inlined
def raw(value, count, pool, filled, place, words, decoding):  # type: ignore[no-untyped-def]
    """`count` (at most 32) raw bits of value; returns (value, pool, filled, place). pool: `filled` bits on their way."""
    if decoding:
        if filled < count:
            if place < np.uint64(len(words)):
                pool |= np.uint64(words[place]) << filled
            place += _ONE
            filled += _WORD
        value = pool & ((_ONE << count) - _ONE)
        pool >>= count
        filled -= count
    else:
        pool |= value << filled
        filled += count
        if filled >= _WORD:
            if place < np.uint64(len(words)):
                words[place] = np.uint32(pool & _MASK)
            place += _ONE
            pool >>= _WORD
            filled -= _WORD
    return value, pool, filled, place
