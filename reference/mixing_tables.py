"""Constant tables of the mixing engine: the logistic function and its inverse, 1/n, and bit histories.

exp and ln are taken to 20 digits and rounded, so that every machine gets the same integers.
"""

from bisect import bisect_left
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cache

UNITS = 256  # stretch units per nat
HALF_RANGE = 3072  # squash covers -12 to 12 nats
BOUNDS = (44, 30, 20, 12, 7, 6)  # largest count of the more frequent bit, by the count of the rarer one
GRID = (14, 16, 19, 22, 26, 32, 38, 44)  # counts above 12 that a history may have


@cache
def squash_table() -> list[int]:
    """squash[x + 3072]: 65536 / (1 + e ** (-x / 256)), from 1 to 65535; what lies below 0 mirrors what lies above."""
    with localcontext(Context(prec=20, rounding=ROUND_HALF_EVEN)):
        upper = [int(65536 / (1 + (Decimal(-x) / UNITS).exp()) + Decimal("0.5")) for x in range(HALF_RANGE)]
    return [1] + [65536 - min(p, 65535) for p in upper[:0:-1]] + [min(p, 65535) for p in upper]


@cache
def stretch_table() -> list[int]:
    """stretch[p]: 256 ln((p + 1/2) / (4095.5 - p)) for p of 0 to 4095, rounded; the lower half mirrors the upper one."""
    with localcontext(Context(prec=20, rounding=ROUND_HALF_EVEN)):
        upper = [int((Decimal(2 * p + 1) / Decimal(8191 - 2 * p)).ln() * UNITS + Decimal("0.5")) for p in range(2048, 4096)]
    return [-x for x in reversed(upper)] + upper


@cache
def fine_stretch_table() -> list[int]:
    """fine[p] for p of 0 to 65535: the least x of -3071 to 3071 whose squash reaches p; 3071 where none does."""
    squash = squash_table()
    return [min(max(bisect_left(squash, p) - HALF_RANGE, 1 - HALF_RANGE), HALF_RANGE - 1) for p in range(65536)]


@cache
def reciprocal_table() -> list[int]:
    """reciprocal[n]: 65536 / (n + 3/2), rounded down; 0 for 1023, a count that never learns."""
    return [2 * 65536 // (2 * n + 3) for n in range(1023)] + [0]


@cache
def history_states() -> list[tuple[int, int, int]]:
    """(zeros, ones, last bit) of each bit history; numbered by zeros + ones, then by zeros, ones, last bit."""
    found = []
    for zeros in range(BOUNDS[0] + 1):
        for ones in range(BOUNDS[0] + 1):
            if _allowed(zeros, ones):
                found += [(zeros, ones, last) for last in ((0, 1) if zeros and ones else (int(ones > 0),))]
    return sorted(found, key=lambda state: (state[0] + state[1], state))


@cache
def next_state_table() -> list[int]:
    """next[2 * state + bit]: the history after a bit; 0 for numbers that are no state."""
    number = {state: i for i, state in enumerate(history_states())}
    following = [number[_after(state, bit)] for state in history_states() for bit in (0, 1)]
    return following + [0] * (512 - len(following))


def _allowed(zeros: int, ones: int) -> bool:
    rare, frequent = min(zeros, ones), max(zeros, ones)
    return rare < len(BOUNDS) and frequent <= BOUNDS[rare] and (frequent <= 12 or frequent in GRID)


def _after(state: tuple[int, int, int], bit: int) -> tuple[int, int, int]:
    """The other count shrinks when it is above 2; the bit's own grows to the next that is allowed, or both are cut to fit."""
    counts = [state[0], state[1]]
    if counts[1 - bit] > 2:
        counts[1 - bit] = 2 + (counts[1 - bit] - 2) // 3
    for grown in range(counts[bit] + 1, BOUNDS[0] + 1):
        trial = (grown, counts[1]) if bit == 0 else (counts[0], grown)
        if _allowed(*trial):
            return *trial, bit
    while not _allowed(*counts):
        counts[0 if counts[0] > counts[1] else 1] -= 1
    return counts[0], counts[1], bit
