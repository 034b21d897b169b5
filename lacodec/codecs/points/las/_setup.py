"""The state of the model at the start of a chunk."""

from functools import cache

import numpy as np

from lacodec.codecs.image.lossless.fast.kernel import ESCAPE, GAIN, renew
from lacodec.codecs.image.lossless.fast.tile import token_ranges
from lacodec.codecs.image.lossless.fast.vector import TABLE, TOKENS
from lacodec.codecs.points.las import _layout as at
from lacodec.codecs.points.las._coder import FAR, Tokens
from lacodec.codecs.points.las._kernel import State
from lacodec.kernels.jit import flat_kernel

U = np.uint64
_PRIOR = 48  # symbols that the counts of a new table stand for
_FIRST_DUE = 16  # symbols until a table is first made anew
_SHARES = 1 << 40
_LINE = 64  # bytes of a line of the cache
_SPANS = (
    (0, 1),
    *((m, 1) for m in range(1, 16)),
    *((16, 8), (24, 8), (32, 16), (48, 16), (64, 32), (96, 32), (128, 128), (256, 256)),
)
"""(lowest size, how many) of each token: the one of 0, then in pairs those of both signs."""


def new_state(values: np.ndarray, times: np.ndarray, coded: list[bool], *, decoding: bool) -> State:
    """A model of values, i32[COLUMNS, points], and times, i64[points], of which these columns are coded.

    Its steps and returns are to be set.
    """
    return State(
        coded=np.array(coded, np.int64),
        values=values,
        times=times,
        steps=np.zeros(at.MOST_STEPS, np.int64),
        found=np.zeros(1 if decoding else values.shape[1], np.uint16),
        kinds=np.zeros(at.PLACES, np.int64),
        numbers=np.zeros(at.PLACES, np.int64),
        last=np.zeros(4, np.int64),
        heights=np.zeros((at.KINDS * at.GROUNDS, 2), np.int64),
        levels=np.zeros((at.KINDS, 2), np.int64),
        colours=np.zeros(4, np.int64),
        moves=np.zeros((2, 2, 6), np.int64),
        squares=np.zeros((2, 7), np.float64),
        guesses=np.zeros((2, 2), np.float64),
        bins=_bins(),
    )


def new_tokens(words: np.ndarray, records: np.ndarray) -> Tokens:
    """A coder that reads `words` or writes `records`."""
    counts, tables, due = _first_counts()
    token_of, spans = token_ranges()
    spans = spans.copy()
    spans[ESCAPE::TOKENS] = FAR << 8
    return Tokens(np.zeros(3, np.uint64), words, records, _aligned(tables), counts.copy(), due.copy(), token_of, spans)


def _aligned(tables: np.ndarray) -> np.ndarray:
    """A copy that begins with a line of the cache, so that no part of a table lies in two."""
    room = np.empty(len(tables) + _LINE // tables.itemsize, tables.dtype)
    first = -room.ctypes.data % _LINE // tables.itemsize
    room[first : first + len(tables)] = tables
    return room[first : first + len(tables)]


@cache
def _bins() -> np.ndarray:
    """u8[4096]: twice the logarithm of an expected error, and the next bit; 0 for 0."""
    found = np.zeros(4096, np.uint8)
    for expected in range(2, len(found)):
        octave = expected.bit_length() - 1
        found[expected] = 2 * octave + (expected >> (octave - 1) & 1)
    return found


@cache
def _first_counts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, tables and due updates at the start."""
    counts = np.empty((at.TABLES, TOKENS), np.uint32)
    counts[: at.OF_Z] = _counts([_SHARES // (token + 1) ** 2 for token in range(TOKENS)])
    for number in range(at.BINS):
        counts[at.OF_Z + number :: at.BINS] = _counts(_shares(number))
    due = np.zeros((at.TABLES, 3), np.uint32)
    due[:, 1] = _FIRST_DUE // 2
    due[:, 2] = counts.sum(1) - due[:, 1] * GAIN
    tables, flat = np.zeros(at.TABLES * TABLE, np.uint16), counts.reshape(-1)
    _first_tables(tables, flat, due)
    return flat, tables, due


def _shares(number: int) -> list[int]:
    """How often each token comes, about, where errors are expected in this bin: one over the fourth power of their size."""
    shift = min(max(number // 2 - 7, 0), at.COARSEST)
    middle = max((((2 + number % 2) << number // 2) * 15 >> 4) >> shift, 1)  # sixteenths
    sizes = [many * (_SHARES * middle**4 // (middle + 8 * (2 * low + many - 1)) ** 4) for low, many in _SPANS]
    return [sizes[0], *(size for size in sizes[1:] for _ in range(2)), 0]


def _counts(shares: list[int]) -> list[int]:
    total = sum(shares)
    return [share * (_PRIOR * GAIN) // total + 1 for share in shares]


@flat_kernel
def _first_tables(tables: np.ndarray, counts: np.ndarray, due: np.ndarray) -> None:
    for table in range(U(at.TABLES)):
        renew(tables, counts, due, table)
