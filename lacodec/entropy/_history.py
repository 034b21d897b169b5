"""Bit-history states: what one byte remembers about the bits seen so far in one context.

A state stands for (number of zeros, number of ones, last bit). Counts are small and the opposite count is cut down
when a bit contradicts it, so that recent behaviour weighs more (non-stationary counting, after M. Mahoney's PAQ6 and the
ZPAQ specification, section "Indirect context model"). The exact pairs and bounds here are lacodec's own.

States are numbered by total count, so that a greater number means more evidence; 0 means "never seen".
"""

import numpy as np

#: Largest count of the more frequent bit, by the count of the rarer one.
_BOUNDS = (44, 30, 20, 12, 7, 6)


def next_state_table() -> np.ndarray:
    """uint8[512]: `table[state * 2 + bit]` is the state after seeing `bit`."""
    states = _states()
    number = {state: i for i, state in enumerate(states)}
    table = np.zeros(512, np.uint8)
    for state, i in number.items():
        for bit in (0, 1):
            table[2 * i + bit] = number[_after(state, bit)]
    return table


def state_counts() -> np.ndarray:
    """uint8[256, 2]: zeros and ones that each state stands for (unused numbers repeat state 0)."""
    counts = np.zeros((256, 2), np.uint8)
    for i, (zeros, ones, _) in enumerate(_states()):
        counts[i] = zeros, ones
    return counts


def _allowed(zeros: int, ones: int) -> bool:
    rare, frequent = min(zeros, ones), max(zeros, ones)
    return rare < len(_BOUNDS) and frequent <= _BOUNDS[rare] and (frequent in _GRID or frequent <= 12)


_GRID = (14, 16, 19, 22, 26, 32, 38, 44)  # long runs need no finer counts than this


def _states() -> list[tuple[int, int, int]]:
    """All (zeros, ones, last bit), by total count. With one kind of bit only, the last bit is that bit."""
    reach = range(_BOUNDS[0] + 1)
    found = []
    for zeros in reach:
        for ones in reach:
            if _allowed(zeros, ones):
                lasts = (0, 1) if zeros and ones else (int(ones > 0),)
                found += [(zeros, ones, last) for last in lasts]
    found.sort(key=lambda s: (s[0] + s[1], s))
    if len(found) > 255:
        raise AssertionError(f"{len(found)} states do not fit a byte")
    return found


def _after(state: tuple[int, int, int], bit: int) -> tuple[int, int, int]:
    counts = [state[0], state[1]]
    other = counts[1 - bit]
    if other > 2:
        counts[1 - bit] = 2 + (other - 2) // 3
    grown = counts[bit] + 1
    # Step to the next count that exists; stay where none does.
    while grown <= _BOUNDS[0]:
        trial = (grown, counts[1]) if bit == 0 else (counts[0], grown)
        if _allowed(*trial):
            return (*trial, bit)
        grown += 1
    while not _allowed(*counts):
        counts[0 if counts[0] > counts[1] else 1] -= 1
    return counts[0], counts[1], bit
