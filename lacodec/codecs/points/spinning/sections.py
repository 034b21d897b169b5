"""Sections of a sweep besides its numbers: runs, the places that have a point, misses."""

from collections.abc import Callable

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.spinning import _misses_kernel as misses_kernel
from lacodec.codecs.points.spinning import _presence_kernel as presence_kernel
from lacodec.codecs.points.spinning.bits import Bits, check_end, finished, new_bits, started
from lacodec.codecs.points.spinning.calibration import RINGS, TICKS
from lacodec.entropy.mixing import start
from lacodec.errors import CorruptFile


def most_runs(count: int) -> int:
    """Runs that so many points may have: bounds the work for forged ones."""
    return RINGS + count // 64


def write_runs(out: Writer, rings: np.ndarray, starts: np.ndarray, places: np.ndarray) -> None:
    """Ring, size and first place of each run."""
    out.number(len(rings))
    for step, size, first in zip(np.diff(rings.astype(int), prepend=-1), np.diff(starts), places[starts[:-1]], strict=True):
        out.signed(int(step))
        out.numbers([int(size), int(first)])


def read_runs(reader: Reader, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rings u8[runs], starts i64[runs + 1], first places i64[runs]) of `count` points; raises CorruptFile."""
    several = reader.number()
    if several > most_runs(count):
        raise CorruptFile(f"it claims {several} runs for {count} points")
    ring, rings, starts, firsts = -1, [], [0], []
    for _ in range(several):
        ring += reader.signed()
        size, first = reader.number(), reader.number()
        if not 0 <= ring < RINGS or not 0 < size <= count - starts[-1] or first >= TICKS:
            raise CorruptFile("a run of a sweep has an impossible ring, size or place")
        rings.append(ring)
        starts.append(starts[-1] + size)
        firsts.append(first)
    if starts[-1] != count:
        raise CorruptFile("the runs of a sweep do not make up its points")
    return np.array(rings, np.uint8), np.array(starts, np.int64), np.array(firsts, np.int64)


Look = Callable[[np.ndarray], np.ndarray]
"""Used ticks -> range counts by the frame before, u16[RINGS, used], 0 where it tells nothing."""


def write_places(
    out: Writer, rings: np.ndarray, starts: np.ndarray, places: np.ndarray, used: np.ndarray, image: np.ndarray | None = None
) -> None:
    """Which ticks are used, and which of those each run has. used: the ticks, i64; places: positions among them.

    rings: u8[runs]; image: what the frame before has, of a `Look`.
    """
    flags = np.zeros(TICKS, np.uint8)
    flags[used] = 1
    b = new_bits(presence_kernel.COUNTERS, np.zeros(2 * len(places) * max(1, len(starts)) + 2 * TICKS, np.uint8), decoding=False)
    start(b)
    presence_kernel.code_ticks(b, flags)
    _code_runs(b, rings, starts, places[starts[:-1]], _hints(image, len(used)), places.copy())
    out.piece(finished(b))


def read_places(
    reader: Reader, rings: np.ndarray, starts: np.ndarray, firsts: np.ndarray, look: Look | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(places i64[n], ticks that are used i64, what the frame before has); raises CorruptFile."""
    b = started(reader.piece(), presence_kernel.COUNTERS)
    flags = np.zeros(TICKS, np.uint8)
    presence_kernel.code_ticks(b, flags)
    used = np.flatnonzero(flags)
    if not len(used) or (firsts >= len(used)).any():
        raise CorruptFile("a run of a sweep begins at a tick that is not used")
    image = None if look is None else look(used)
    places = np.zeros(int(starts[-1]), np.int64)
    if _code_runs(b, rings, starts, firsts, _hints(image, len(used)), places) < len(places):
        raise CorruptFile("a run of a sweep has more points than a turn has ticks")
    check_end(b)
    return places, used, image


def write_misses(
    out: Writer, whole: np.ndarray, edges: np.ndarray, signs: np.ndarray, misses: np.ndarray, minus: np.ndarray
) -> None:
    """By how much coordinates differ from those of the sensor's numbers, and the signs of zeros."""
    b = new_bits(misses_kernel.COUNTERS, np.zeros(48 * len(whole) + 64, np.uint8), decoding=False)
    start(b)
    misses_kernel.code_misses(b, edges, signs, misses.copy(), whole.copy(), minus.astype(np.uint8))
    out.piece(finished(b))


def read_misses(reader: Reader, whole: np.ndarray, edges: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Add them to coordinates i64[n, 3]; returns which zeros are negative, u8[n, 3]. Raises CorruptFile."""
    b = started(reader.piece(), misses_kernel.COUNTERS)
    minus = np.zeros(whole.shape, np.uint8)
    misses_kernel.code_misses(b, edges, signs, np.zeros(whole.shape, np.int64), whole, minus)
    check_end(b)
    return minus


def _hints(image: np.ndarray | None, used: int) -> np.ndarray:
    """u8[RINGS, used]: whether the frame before has a point (1), and one on both sides (2)."""
    if image is None:
        return np.zeros((RINGS, used), np.uint8)
    there = image > 0
    return (there + 2 * (np.roll(there, 1, axis=1) & np.roll(there, -1, axis=1))).astype(np.uint8)


def _code_runs(b: Bits, rings: np.ndarray, starts: np.ndarray, firsts: np.ndarray, hints: np.ndarray, places: np.ndarray) -> int:
    seen, now = np.zeros((2, hints.shape[1]), np.uint8)
    return int(presence_kernel.code_runs(b, firsts, np.diff(starts), rings, hints, seen, now, places))
