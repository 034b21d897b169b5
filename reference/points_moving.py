"""Sweeps of a moving HDL-32E: method 3 of codec `points`, and method 2, in which `rest` is only columns.

sweep     = u8 engine, u8 phase, u8 slip, 30 doubles, lines, columns, number of returns, runs, presence, ranges, residuals, rest
doubles   = the map's axes in the file's frame (9, by rows), offset, centres, steps (3 each), the way back (9 by rows, then 3)
lines     = number of segments; first column (difference), 12 signed numbers of 2**-36 each: place, its speed, rotation vector,
            its speed, by 10 ms
columns   = sizes and payloads of columns: steps of azimuth, u16; durations less expected ones, i16
runs, presence, ranges: as in `points_sweep`, with a place for each column
residuals = size, decisions
rest      = for each further column size, payload of columns

The sensor fires 32 rings in each column. Azimuth is counted in 0.01 degrees, range in 2 mm. What follows is in float32 where
`single` stands, in doubles elsewhere, in this order. Points without a return are at the sensor's place in their column.
"""

import math
import struct

import numpy as np

from reference import columns
from reference.points_bits import Flags
from reference.points_sensor import PI, turned
from reference.points_sweep import ENGINES, presence, read_runs, starts_of, told_by, values
from reference.points_values import BYTES, OLDER_RANGES, RANGES, Sides
from reference.stream import Stream, need

RINGS, CIRCLE, PACKET, SLIPS = 32, 36000, 12, 25
UNIT, LARGEST, MOST_BITS = 2.0**-36, 1e6, 40
FAR = (750, 2500, 5000, 10000, 20000)
HUNDREDTHS = (
    *(-3067, -2933, -2800, -2666, -2533, -2400, -2267, -2133, -2000, -1867, -1733, -1600, -1467, -1333, -1200, -1067),
    *(-933, -800, -666, -533, -400, -267, -133, 0, 133, 267, 400, 533, 667, 800, 933, 1067),
)
single = np.float32


class Model:
    """What is the same for all points of a column."""

    def __init__(self, data: Stream, count: int) -> None:
        phase, slip = data.byte(), data.byte()
        doubles = struct.unpack("<30d", data.take(240))
        need(phase < PACKET and slip < SLIPS and all(abs(x) <= LARGEST for x in doubles), "an impossible map or clock")
        self.turn, self.offset = [doubles[i : i + 3] for i in (0, 3, 6)], doubles[9:12]
        self.centres, self.steps = doubles[12:15], doubles[15:18]
        self.back, self.move = [doubles[i : i + 3] for i in (18, 21, 24)], doubles[27:]
        segments, at = [], 0
        for _ in range(data.number()):
            at += data.number()
            segments.append((at, [float(data.signed()) * UNIT for _ in range(12)]))
        steps = columns.decode(data.piece(), ("u", 2), (count,))
        odd = columns.decode(data.piece(), ("i", 2), (count,))
        self.azimuths: list[tuple[int, int]] = []
        first = duration = 0
        for i in range(count):
            last = (i + phase) % PACKET == PACKET - 1 or i + 1 == count
            expected = duration if last and i else steps[(i + 1) % count]
            first = (first + steps[i]) % CIRCLE
            duration = expected + (odd[i] ^ 32768) - 32768
            self.azimuths.append((first, duration))
        packets = [divmod(i + phase, PACKET) for i in range(count)]
        clock = [553 * packet - (packet + slip) // SLIPS + 46 * inside for packet, inside in packets]
        lines = [next(line for start, line in reversed(segments) if start <= i) for i in range(count)]
        self.poses = [pose(line, float(tau - clock[-1]) * 1e-4) for line, tau in zip(lines, clock, strict=True)]

    def azimuth(self, column: int, ring: int) -> int:
        """Of a ring in a column."""
        first, duration = self.azimuths[column]
        slot = 2 * ring if ring < 16 else 2 * (ring - 16) + 1
        return (40 * first + slot * duration + 20) // 40 % CIRCLE


def pose(line: list[float], t: float) -> tuple[list[list[float]], list[float]]:
    """(rotation by rows, place) of the sensor."""
    x, y, z = (min(max(line[6 + i] + line[9 + i] * t, -1.0), 1.0) for i in range(3))
    square = x * x + y * y + z * z
    sine = cosine = 0.0
    for n in range(9, -1, -1):
        sine = 1.0 - sine * square / ((2.0 * n + 2.0) * (2.0 * n + 3.0))
        cosine = 1.0 - cosine * square / ((2.0 * n + 3.0) * (2.0 * n + 4.0))
    cosine *= 0.5
    still = 1.0 - cosine * square
    rows = [
        [still + cosine * x * x, cosine * x * y - sine * z, cosine * x * z + sine * y],
        [cosine * x * y + sine * z, still + cosine * y * y, cosine * y * z - sine * x],
        [cosine * x * z - sine * y, cosine * y * z + sine * x, still + cosine * z * z],
    ]
    return rows, [min(max(line[i] + line[3 + i] * t, -1e4), 1e4) for i in range(3)]


class Tables:
    """float32 cosines and sines of elevations and azimuths; those of azimuths from whole degrees and hundredths."""

    def __init__(self) -> None:
        def at(steps: int) -> tuple[float, float]:
            return turned(2 * PI * steps // CIRCLE)

        self.elevations = [(single(c), single(s)) for c, s in map(at, HUNDREDTHS)]
        quarter = []
        for degree in range(90):
            c, s = at(100 * degree)
            for hundredth in range(100):
                fine_c, fine_s = at(hundredth)
                quarter.append((single(c * fine_c - s * fine_s), single(s * fine_c + c * fine_s)))
        self.azimuths = quarter + [(-s, c) for c, s in quarter] + [(-c, -s) for c, s in quarter] + [(s, -c) for c, s in quarter]


def decode(data: Stream, types: list[str], count: int, older: bool) -> list[list[int]]:
    """The bits of every column of the file."""
    engine = data.byte()
    need(engine in ENGINES and types[:3] == ["<f4"] * 3 and count % RINGS == 0, "a sweep of an unknown kind")
    model, returns = Model(data, count // RINGS), data.number()
    runs = read_runs(data, returns)
    places, used, _ = presence(data, runs)
    need(used[-1] < count // RINGS and max(ring for ring, _, _ in runs) < RINGS, "returns that are no points")
    rings = [ring for ring, size, _ in runs for _ in range(size)]
    sides = Sides(starts_of(runs), places, len(used), rings)
    ranges, errors = values(data, OLDER_RANGES if older else RANGES, engine, returns, sides)
    there = {(used[place], ring) for place, ring in zip(places, rings, strict=True)}
    still = [column for column in range(count // RINGS) if any((column, ring) not in there for ring in range(RINGS))]
    points = [(column, 0, 0) for column in still]
    points += [(used[place], ring, n) for place, ring, n in zip(places, rings, ranges, strict=True)]
    floats = _floats(Flags(data.piece()), model, points)
    at_rest = dict(zip(still, floats, strict=False))
    found = {(column, ring): xyz for (column, ring, _), xyz in zip(points[len(still) :], floats[len(still) :], strict=True)}
    rows = [found.get((i // RINGS, i % RINGS)) or at_rest[i // RINGS] for i in range(count)]
    sides.told = told_by(errors, ranges)
    known = 0 if older else data.byte()
    need(known <= 3 and all(types[at : at + 1] == ["<f4"] for bit, at in ((1, 3), (2, 4)) if known & bit), "impossible columns")
    levels = _levels(data, engine, [(used[p], r) for p, r in zip(places, rings, strict=True)], sides, count) if known & 1 else []
    rest = []
    for i, name in enumerate(types[3:], 3):
        if i == 3 and known & 1:
            rest.append([_bits(float(level)) for level in levels])
        elif i == 4 and known & 2:
            rest.append([_bits(float(at % RINGS)) for at in range(count)])
        else:
            rest.append(columns.decode(data.piece(), (name[1], int(name[2])), (count,)))
    return [[row[axis] for row in rows] for axis in range(3)] + rest


def _levels(data: Stream, engine: int, returned: list[tuple[int, int]], sides: Sides, count: int) -> list[int]:
    """The intensity of every point: those of returns, then those of others, ring by ring."""
    found, _ = values(data, BYTES, engine, len(returned), sides)
    levels = dict(zip(returned, found, strict=True))
    flags = Flags(data.piece())
    for ring in range(RINGS):
        last = history = 0
        for column in range(count // RINGS):
            if (column, ring) in levels:
                continue
            other = flags.bit(("other", ring, history))
            history = history * 2 % 4 + other
            if other:
                node = 1
                for _ in range(8):
                    node = node * 2 + flags.bit(("level", ring, node))
                last = node & 255
            levels[column, ring] = last
    flags.finish()
    return [levels[divmod(at, RINGS)] for at in range(count)]


def _bits(value: float) -> int:
    return int.from_bytes(struct.pack("<f", value), "little")


def _floats(flags: Flags, model: Model, points: list[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """The bits of x, y and z of each point."""
    tables, out = Tables(), []
    for column, ring, n in points:
        far = sum(n >= limit for limit in FAR)
        place = _mapped(model, tables, column, ring, n)
        missed, near, moved = 0, 3, []
        for axis in range(3):
            at = model.centres[axis] + place[axis]
            unit = model.steps[axis] or spacing(at)
            scaled = at / unit + 0.5
            whole = math.floor(scaled)
            edge = min(int((scaled - whole) * 64.0), 63)
            if model.steps[axis]:
                context = axis, edge
                step = _step(flags, ("lattice", context, missed), ("lattice sign", context), ("lattice", axis))
                missed = min(missed + (step != 0), 2)
                whole += step
            else:
                apart = min(edge, 63 - edge)
                near = min(near, 0 if apart < 2 else 1 if apart < 6 else 2 if apart < 14 else 3)
            moved.append(float(whole) * unit - model.centres[axis])
        bits = []
        for axis in range(3):
            a, b, c = model.back[axis]
            exact = a * moved[0] + b * moved[1] + c * moved[2] + model.move[axis]
            rounded = single(exact)
            off = (exact - float(rounded)) / spacing(exact) + 0.5
            context = axis, min(int(max(off, 0.0) * 16), 15), near  # type: ignore[assignment]
            step = _step(flags, ("float", context, far, missed), ("float sign", context), ("float", axis))
            missed = min(missed + (step != 0), 2)
            found = ordered(rounded) + step
            need(-(1 << 31) <= found < 1 << 31, "a coordinate that is no float32")
            bits.append(found if found >= 0 else (-found - 1) | 1 << 31)
        out.append(tuple(bits))
    flags.finish()
    return out


def _step(flags: Flags, context: object, sign: object, sizes: object) -> int:
    """By how many steps a number is off."""
    if not flags.bit(context):  # type: ignore[arg-type]
        return 0
    negative = flags.bit(sign)  # type: ignore[arg-type]
    size = flags.size(MOST_BITS, sizes) + 1
    return -size if negative else size


def _mapped(model: Model, tables: Tables, column: int, ring: int, n: int) -> list[float]:
    """Place of a point along the map's axes."""
    cosine, sine = tables.azimuths[model.azimuth(column, ring)]
    level, height = tables.elevations[ring]
    distance = single(n) * single(0.002)
    flat = distance * level
    x, y, z = float(flat * sine), float(flat * cosine), float(distance * height)
    rows, place = model.poses[column]
    g = [a * x + b * y + c * z + p for (a, b, c), p in zip(rows, place, strict=True)]
    return [a * g[0] + b * g[1] + c * g[2] - offset for (a, b, c), offset in zip(model.turn, model.offset, strict=True)]


def spacing(value: float) -> float:
    """The distance of float32 numbers as large as a double."""
    exponent = int(single(abs(value)).view(np.int32)) >> 23
    return 2.0 ** (max(exponent, 1) - 150)


def ordered(value: np.float32) -> int:
    """The bits of a float32 as a number that grows with it."""
    bits = int(value.view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF) - 1
