"""Records of las files: method 11 of `points_codec`.

    las  = head; u64 state, number of words, these (u32); the columns that COLUMNS does not name, as `columns` has them, if any
    head = for each of COLUMNS that there are: u8 0, its value where all are equal; or u8 1 and
           returns, classification: how many different values less one, these, u8 each
           time: u8 power, number of steps, these, signed; power: times are whole numbers of its negative power of ten, 255: bits
           z, x, y: unit; base, signed, if the unit is not 1     intensity, colours: unit     others: nothing

A point's columns come in the order of COLUMNS. Numbers are tokens of `image_fast`, with tables of their own; those too far off
for a token follow it: how many bits they have behind the highest one, then these in plain, 22 at a time. Fits are in doubles, in
the order that is written here.
"""

from collections.abc import Callable, Hashable
from math import floor
from struct import pack, unpack

from reference.image_fast import BITS, ESCAPE, FIRST_DUE, GAIN, TOKENS, Tokens, table
from reference.stream import Stream, need

COLUMNS = (
    *("returns", "time", "classification", "flags", "scan_angle", "user_data", "point_source_id"),
    *("z", "x", "y", "intensity", "red", "green", "blue", "infrared"),
)
PLACED, STEADY, COORDINATES = ("returns", "classification"), COLUMNS[3:7], ("z", "x", "y")
MEASURED, COLOURS = COLUMNS[10:], COLUMNS[11:]
PLAIN, SHARES, PRIOR, BINS, COARSEST = 22, 1 << 40, 48, 40, 9
KEEP, SOFT, FARTHEST, MOST = (0.6, 0.95), 4.0, 1e9, 1 << 24
SPANS = [(m, 1) for m in range(16)] + [(16, 8), (24, 8), (32, 16), (48, 16), (64, 32), (96, 32), (128, 128), (256, 256)]


def decode(data: Stream, names: list[str], types: list[str], count: int) -> dict[str, list[int]]:
    """The bits of each of COLUMNS that the records have."""
    head = Head(data, names, types)
    model = Model(head, data)
    rows = [model.point() for _ in range(count)]
    coder = model.coder
    need(coder.state == 1 << 32 and coder.at == len(coder.words), "words that do not end with the last point")
    return {name: head.bits(name, [row.get(name, 0) for row in rows]) for name in head.widths}


class Head:
    """How the columns become whole numbers."""

    def __init__(self, data: Stream, names: list[str], types: list[str]) -> None:
        widths = {name: int(kind[2]) for name, kind in zip(names, types, strict=True)}
        self.widths = {name: widths[name] for name in COLUMNS if name in widths}
        self.constants: dict[str, int] = {}
        self.places: dict[str, list[int]] = {}
        self.units: dict[str, tuple[int, int]] = {}
        self.power, self.steps = 255, list[int]()
        for name, width in self.widths.items():
            how = data.byte()
            need(how < 2, "a column that is coded in an unknown way")
            if how == 0:
                self.constants[name] = data.uint(width)
            elif name in PLACED:
                self.places[name] = list(data.take(data.number() + 1))
            elif name == "time":
                self.power = data.byte()
                need(self.power < 10 or self.power == 255, "times in an unknown unit")
                self.steps = [data.signed() for _ in range(data.number())]
            elif name in COORDINATES or name in MEASURED:
                unit = data.number()
                self.units[name] = unit, data.signed() if unit != 1 and name in COORDINATES else 0

    def coded(self, name: str) -> bool:
        """Whether the words have this column."""
        return name in self.widths and name not in self.constants

    def bits(self, name: str, found: list[int]) -> list[int]:
        """The bits of a column whose whole numbers are these."""
        whole = 1 << 8 * self.widths[name]
        if name in self.constants:
            return [self.constants[name]] * len(found)
        if name in PLACED:
            return [self.places[name][place] for place in found]
        if name == "time" and self.power != 255:
            return [unpack("<Q", pack("<d", float(time) / 10.0**self.power))[0] for time in found]
        unit, base = self.units.get(name, (1, 0))
        return [(base + unit * value) % whole for value in found]


class Numbers(Tokens):
    """A coder whose tables are known by any name, and begin with the shares of tokens that their kind has."""

    def __init__(self, data: Stream) -> None:
        self.state = data.uint(8)
        words = Stream(data.take(4 * data.number()))
        self.words, self.at = [words.uint(4) for _ in range(words.left() // 4)], 0
        self.counts: dict[Hashable, list[int]] = {}  # type: ignore[assignment]
        self.tables: dict[Hashable, list[int]] = {}  # type: ignore[assignment]
        self.due: dict[Hashable, list[int]] = {}  # type: ignore[assignment]

    def error(self, kind: Hashable, expected: int) -> int:
        """An error of this expected size, in sixteenths."""
        number = _bin(expected)
        return _int32(self._number((kind, number), max(0, min(number // 2 - 7, COARSEST)), lambda: _shares(number)))

    def plain(self, kind: Hashable, shift: int = 0) -> int:
        """Any number."""
        return self._number(kind, shift, lambda: [SHARES // (token + 1) ** 2 for token in range(TOKENS)])

    def place(self, kind: Hashable) -> int:
        """A number from 0: 0, 1, -1, 2, -2 ... stand for 0, 1, 2, 3, 4 ..."""
        value = self.plain(kind)
        return 2 * value - 1 if value > 0 else -2 * value

    def _number(self, kind: Hashable, shift: int, shares: Callable[[], list[int]]) -> int:
        if kind not in self.counts:
            found = shares()
            self.counts[kind] = [share * PRIOR * GAIN // sum(found) + 1 for share in found]
            self.tables[kind], self.due[kind] = table(self.counts[kind]), [FIRST_DUE, FIRST_DUE]
        slot, starts = self.state % (1 << BITS), self.tables[kind]
        token = max(k for k in range(TOKENS) if starts[k] <= slot)
        self.state = (starts[token + 1] - starts[token]) * (self.state >> BITS) + slot - starts[token]
        if token != ESCAPE:
            low, many = SPANS[token + 1 >> 1]
            bits = (many - 1).bit_length() + shift
            low = 1 - low - many if token and token % 2 == 0 else low
            value = (low << shift) + self._bits(bits)
            self.count(kind, token)  # type: ignore[arg-type]
            return value
        self._bits(0)
        self.count(kind, token)  # type: ignore[arg-type]
        size = min(self.place("size"), 63)
        found, known = 1 << size, 0
        while known < size:
            found |= self._bits(min(size - known, PLAIN)) << known
            known += min(size - known, PLAIN)
        return -(found + 1 >> 1) if found & 1 else found >> 1

    def _bits(self, bits: int) -> int:
        """Plain bits; then the next word, if the state has room for it."""
        found = self.state % (1 << bits)
        self.state >>= bits
        if self.state < 1 << 32:
            need(self.at < len(self.words), "too few words")
            self.state = self.state << 32 | self.words[self.at]
            self.at += 1
        return found


class Model:
    """What is known of the points before."""

    def __init__(self, head: Head, data: Stream) -> None:
        self.head, self.coder = head, Numbers(data)
        self.first = True
        self.before = dict.fromkeys(COLUMNS, 0)
        self.place, self.step, self.kind_of_class, self.changes = 0, 0, 0, 0
        self.heights: dict[tuple, list[int]] = {}
        self.levels: dict[int, list[int]] = {}
        self.colours = dict.fromkeys(COLOURS, 0)
        self.moves: dict[tuple, tuple[list[int], list[int]]] = {}  # the last three; errors by both fits and by their median
        self.squares = [[0.0] * 7, [0.0] * 7]
        given = head.places.get("returns") or [head.constants.get("returns", 0)]
        bits = 4 if "flags" in head.widths else 3
        self.returns = [(value % (1 << bits), (value >> bits) % (1 << bits)) for value in given]

    def point(self) -> dict[str, int]:
        """The whole numbers of the next point."""
        coded, coder, row = self.head.coded, self.coder, dict[str, int]()
        last = self.returns[self.place] if self.place < len(self.returns) else (0, 0)
        if coded("returns"):
            row["returns"] = self.place = coder.place(("returns", min(self.place, 31))) % 256
        number, several = self.returns[self.place] if self.place < len(self.returns) else (0, 0)
        kind = 0 if several <= 1 else 1 if number <= 1 else 2 if number < several else 3
        goes_on = int(number + 16 * several == last[0] + 16 * last[1] + 1)
        step = self._time(row, goes_on)
        if coded("classification"):
            self.kind_of_class = coder.place(("class", min(self.kind_of_class, 7), kind)) % 256
            row["classification"] = self.kind_of_class
        self._steady(row, goes_on)
        rise = 0
        if coded("z"):
            rise = self._height(row, kind, min(self.kind_of_class, 1))
        if coded("x") or coded("y"):
            self._place(row, step, rise)
        if coded("intensity"):
            level = self.levels.setdefault(kind, [0, 0])
            error = coder.error(("intensity", kind), level[1])
            row["intensity"] = _int32(level[0] + error)
            level[:] = level[0] + row["intensity"] >> 1, level[1] + (_off(error) - level[1] >> 3)
        self._colours(row, goes_on)
        self.before.update(row)
        self.first = False
        return row

    def _time(self, row: dict[str, int], goes_on: int) -> int:
        if not self.head.coded("time"):
            return 1 - goes_on
        self.step = self.coder.place(("time", min(self.step, 31), goes_on)) % 512
        steps = self.head.steps
        if self.step:
            step = steps[self.step - 1] if self.step <= len(steps) else 0
        else:
            step = self.coder.plain("step", COARSEST)
        row["time"] = _wrapped(self.before["time"] + step, 64)
        return step

    def _steady(self, row: dict[str, int], goes_on: int) -> None:
        if not any(self.head.coded(name) for name in STEADY):
            return
        self.changes = self.coder.place(("changes", goes_on, self.changes != 0))
        for i, name in enumerate(STEADY):
            row[name] = self.before[name]
            if self.changes >> i & 1:
                row[name] = _int32(row[name] + self.coder.plain(name))

    def _height(self, row: dict[str, int], kind: int, ground: int) -> int:
        height = self.heights.setdefault((kind, ground), [0, 0])
        error = self.coder.error(("z", kind, ground), height[1])
        row["z"] = _int32(height[0] + error)
        height[:] = row["z"], height[1] + (_off(error) - height[1] >> 2)
        return row["z"] - self.before["z"]

    def _place(self, row: dict[str, int], step: int, rise: int) -> None:
        guesses = [self._guess(square, float(step), float(rise)) for square in self.squares]
        moving, surprise, far, usual, moved = step != 0, 0, 0.0, 0.0, [0, 0]
        for axis, name in enumerate("xy"):
            if not self.head.coded(name):
                continue
            moves, errors = self.moves.setdefault((name, moving), ([0, 0, 0], [0, 0, 0]))
            told = [floor(min(max(guess[axis], -FARTHEST), FARTHEST) + 0.5) for guess in guesses] + [sorted(moves)[1]]
            best = errors.index(min(errors))
            expected = errors[best]
            error = self.coder.error((name, moving, surprise), expected)
            move = moved[axis] = _int32(told[best] + error)
            row[name] = _int32(self.before[name] + move)
            off = abs(error) << 4
            surprise = (off > expected) + (off > 4 * expected)
            far, usual = far + float(abs(error)), usual + float(expected) * 0.0625
            moves[:] = [move, *moves[:2]]
            errors[:] = [old + (_off(move - each) - old >> 1) for old, each in zip(errors, told, strict=True)]
        ratio = far / (usual * SOFT + 1.0)
        weight = 1.0 / (1.0 + ratio * ratio)
        by_time, by_height = weight * float(step), weight * float(rise)
        for square, keep in zip(self.squares, KEEP, strict=True):
            added = [by_time * float(step), by_time * float(rise), by_height * float(rise)]
            added += [by * float(move) for move in moved for by in (by_time, by_height)]
            square[:] = [old * keep + new for old, new in zip(square, added, strict=True)]

    def _guess(self, square: list[float], time: float, height: float) -> list[float]:
        """x and y by a fit."""
        tt, tz, zz, *sums = square
        apart = tt * zz - tz * tz
        by_time, by_height, crossed, scale = 1.0, 0.0, 0.0, 0.0
        if apart > 1e-9 * (tt * zz) + 1e-30:
            by_time, by_height, crossed, scale = zz, tt, tz, 1.0 / apart
        elif tt > 1e-30:
            scale = 1.0 / tt
        found = []
        for times, heights in (sums[:2], sums[2:]):
            sweep = (times * by_time - heights * crossed) * scale
            slope = (heights * by_height - times * crossed) * scale
            found.append(sweep * time + slope * height)
        return found

    def _colours(self, row: dict[str, int], goes_on: int) -> None:
        told = changed = 0
        for name in COLOURS:
            if not self.head.coded(name):
                continue
            kind = (name, goes_on) if name == "red" else (name, (changed != 0) + (abs(told) > 8))
            error = self.coder.error(kind, self.colours[name])
            change = _int32(told + error)
            row[name] = _int32(self.before[name] + change)
            self.colours[name] += _off(error) - self.colours[name] >> 2
            told = change if name == "red" else told + change >> 1
            changed |= change


def _bin(expected: int) -> int:
    """Two to an octave; from 4096 on by what stands above the lowest 8 bits."""
    if expected >= 4096:
        return min(_bin(min(expected >> 8, 4095)) + 16, BINS - 1)
    octave = max(expected.bit_length() - 1, 0)
    return 2 * octave + (expected >> octave - 1 & 1 if octave else 0)


def _shares(number: int) -> list[int]:
    """How often each token comes where errors are expected in this bin."""
    shift = max(0, min(number // 2 - 7, COARSEST))
    middle = max(((2 + number % 2) * 2 ** (number // 2) * 15 // 16) >> shift, 1)
    sizes = [many * (SHARES * middle**4 // (middle + 8 * (2 * low + many - 1)) ** 4) for low, many in SPANS]
    return [sizes[0], *(size for size in sizes[1:] for _ in range(2)), 0]


def _off(error: int) -> int:
    """The size of an error in sixteenths."""
    return min(abs(error), MOST) << 4


def _int32(value: int) -> int:
    return _wrapped(value, 32)


def _wrapped(value: int, bits: int) -> int:
    """A signed number of so many bits."""
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
