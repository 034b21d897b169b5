"""Sweeps of the KITTI sensor: method 5 of codec `points`; method 4, with other limits in least squares and other contexts after a
frame before; and method 1, which has neither `after` nor motion.

sweep      = u8 engine, u8 kind of the intensities, u8 after, motion, exceptions, runs, presence, ranges, misses, rest
motion     = if `after` is 1, and there is a frame before: 12 doubles (`points_before`)
exceptions = number, places (differences), 12 bytes each
runs       = number; ring (difference to the run before), points, first place of each
presence   = size, decisions: which of the 4000 ticks are used; which of the used ones each run has, from its first place on
ranges     = see `points_values`
misses     = size, decisions: millimetres by which points are elsewhere, signs of zeros
rest       = intensities in hundredths if the kind is 1, like ranges; for each further column size, payload of columns

A point is at distance d = count * 0.002 + zero on ring r at tick t, 0.09 degrees each; see `Sensor.place`.
"""

import math
import struct
from collections.abc import Callable

from reference import columns
from reference.points_before import Before
from reference.points_bits import Flags
from reference.points_sensor import RINGS, TICKS, Sensor
from reference.points_values import (
    BYTES,
    LEVELS,
    OLDER_RANGES,
    RANGES,
    RANGES_AFTER,
    TIGHT_RANGES,
    TIGHT_RANGES_AFTER,
    Points,
    Sides,
)
from reference.stream import Stream, need

EDGES, MOST_BITS = 64, 40
ENGINES = (0, 7, 8, 9)
MODELS = {1: (OLDER_RANGES, OLDER_RANGES), 4: (RANGES, RANGES_AFTER), 5: (TIGHT_RANGES, TIGHT_RANGES_AFTER)}  # by method
OCTAVES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096)


def decode(data: Stream, types: list[str], count: int, method: int, before: list[tuple[float, ...]]) -> list[list[int]]:
    """The bits of every column. before: x, y, z of the frame before."""
    engine, kind = data.byte(), data.byte()
    after = 0 if method == 1 else data.byte()
    need(after <= 1, "a sweep of an unknown kind")
    need(engine in ENGINES and kind <= 1 and types[:3] == ["<f4"] * 3, "a sweep of an unknown kind")
    need(not kind or types[3] == "<f4", "intensities that are no float32")
    look = Before(before, struct.unpack("<12d", data.take(96))).image if after else None
    exceptions = _exceptions(data, count)
    runs = read_runs(data, count)
    places, ticks, image = presence(data, runs, look)
    rings = [ring for ring, size, _ in runs for _ in range(size)]
    sides = Sides(starts_of(runs), places, len(ticks), rings, image=image)
    ranges, errors = values(data, MODELS[method][after], engine, count, sides)
    sensor = Sensor()
    found = [sensor.place(rings[i], ticks[places[i]], ranges[i]) for i in range(count)]
    xyz = _misses(data, found)
    for i, bits in exceptions.items():
        for axis in range(3):
            xyz[axis][i] = bits[axis]
    rest = 3
    if kind:
        sides.told, sides.image = told_by(errors, ranges), None
        levels, _ = values(data, LEVELS, engine, count, sides)
        xyz.append([_bits(level / 100.0) for level in levels])
        rest = 4
    return xyz + [columns.decode(data.piece(), (name[1], int(name[2])), (count,)) for name in types[rest:]]


def told_by(errors: list[int], ranges: list[int]) -> list[tuple[int, int]]:
    """What ranges tell of intensities."""
    return [(sum(abs(error) >= octave for octave in OCTAVES), n >> 10) for error, n in zip(errors, ranges, strict=True)]


def _bits(value: float) -> int:
    """Of the nearest float32."""
    return int.from_bytes(struct.pack("<f", value), "little")


def _exceptions(data: Stream, count: int) -> dict[int, tuple[int, ...]]:
    places, at = [], 0
    for _ in range(data.number()):
        at += data.number()
        need(at < count, "an exception that is no point")
        places.append(at)
    return {place: (data.uint(4), data.uint(4), data.uint(4)) for place in places}


def read_runs(data: Stream, count: int) -> list[tuple[int, int, int]]:
    """(ring, points, first place) of each run."""
    runs, ring = [], -1
    several = data.number()
    need(several <= RINGS + count // 64, "too many runs")
    for _ in range(several):
        ring += data.signed()
        need(0 <= ring < RINGS, "an impossible ring")
        runs.append((ring, data.number(), data.number()))
    need(sum(size for _, size, _ in runs) == count, "runs that do not make up the points")
    return runs


def starts_of(runs: list[tuple[int, int, int]]) -> list[int]:
    """Where each run begins; where the last one ends."""
    starts = [0]
    for _, size, _ in runs:
        starts.append(starts[-1] + size)
    return starts


def presence(
    data: Stream, runs: list[tuple[int, int, int]], look: Callable[[list[int]], list[list[int]]] | None = None
) -> tuple[list[int], list[int], list[list[int]] | None]:
    """(place of each point among the used ticks, the used ticks, what the frame before has by ring and place)."""
    flags = Flags(data.piece())
    used: list[int] = []
    before = 0
    for tick in range(TICKS):
        bit = flags.bit(("tick", before))
        before = (before * 2 + bit) % 16
        used += [tick] * bit
    n = len(used)
    image = look(used) if look else None
    seen = [0] * n  # the last eight runs, the newest in the lowest bit
    places = []
    for ring, size, first in runs:
        row = image[ring] if image else [0] * n
        need(first < n, "a run that begins at a tick that is not used")
        now, left, before = [0] * n, size, 0
        for turned in range(n):
            if not left:
                break
            at = (first + turned) % n
            present = 1
            if turned:
                ahead, after = (at + 1) % n, (at + 2) % n
                near = (seen[at] & 7, seen[ahead] & 3, seen[at - 1] & 1, seen[after] & 1)
                dense = min(seen[at].bit_count(), 7)
                hint = (row[at] > 0, row[at - 1] > 0 and row[ahead] > 0)
                present = flags.bit_by_two(("near", hint, near, before & 31), ("dense", hint, dense, before & 15))
            if present:
                places.append(at)
                now[at] = 1
                left -= 1
            before = before * 2 + present
        need(not left, "more points in a run than ticks in a turn")
        seen = [(old * 2 + new) & 255 for old, new in zip(seen, now, strict=True)]
    flags.finish()
    return places, used, image


def values(data: Stream, model: str, engine: int, count: int, sides: Sides) -> tuple[list[int], list[int]]:
    """(numbers, by how much predictions missed)."""
    if not engine:
        return columns.decode(data.piece(), ("u", 1 if model in (LEVELS, BYTES) else 2), (count,)), [0] * count
    return Points(data, model, engine, count, sides).run()


def _misses(data: Stream, found: list[tuple[float, float, float]]) -> list[list[int]]:
    """The bits of x, y and z, float32, where the sensor's numbers give these millimetres."""
    flags = Flags(data.piece())
    out: list[list[int]] = [[], [], []]
    before = 0
    for place in found:
        missed = 0
        for axis, exact in enumerate(place):
            whole = math.floor(exact + 0.5)
            edge = axis, min(int((exact + 0.5 - whole) * EDGES), EDGES - 1)
            if flags.bit(("miss", edge, before)):
                negative = flags.bit(("negative", edge))
                size = flags.size(MOST_BITS) + 1
                whole += -size if negative else size
                missed += 1 if size == 1 else 2
            minus = whole == 0 and flags.bit(("minus", exact < 0.0))
            out[axis].append(1 << 31 if minus else _bits(whole / 1000.0))
        before = min(missed, 3)
    flags.finish()
    return out
