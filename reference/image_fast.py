"""The fast pixel model: method 4 of a group of channels.

    payload = u8 level, u64 rANS state, words (u32)

Planes are decoded side by side, each a row and two columns behind the one before it. All is IEEE single precision, in the order
that is written here: numpy's float32 scalars and vectors of 16, one element a predictor.
"""

from functools import cache
from itertools import pairwise

import numpy as np

from reference.data_files import arrays
from reference.stream import Stream, need

F = np.float32
# Neighbours (dy, dx): in the own plane; in the plane before, of which the first five also in the one before that.
OWN = ((-1, 0), (-1, -1), (-1, 1), (-2, 0), (-2, 1), (-1, 2), (-1, -2), (-2, -1), (0, -2), (0, -1))
BESIDE = ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
#: Where the errors lie that tell how good each predictor is.
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1))
#: (planes back, dy, dx) of the errors that the expected size is made of: factors 1 to 5, and in later planes 7 to 10.
EXPECTED = ((0, -1, 0), (0, -1, 1), (0, -1, -1), (0, -2, 0), (0, 0, -2))
EXPECTED_BEFORE = ((1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0))
TOKENS, BITS, BINS, SHIFTS = 48, 15, 64, 11
ESCAPE, ESCAPE_BITS = TOKENS - 1, 17
GAIN, LIMIT, FIRST_DUE, INTERVAL, PRIOR = 32, 1 << 17, 16, 256, 256


def decode(payload: bytes, shape: tuple[int, int, int], top: int) -> np.ndarray:
    """Whole numbers 0..top of `shape` (1 or 3 planes in coding order, height, width)."""
    planes, height, width = shape
    reader = _Reader(payload, shape, top)
    for step in range(height + planes - 1):
        for x in range(width + 2 * planes - 2):
            for p in range(planes):
                if 0 <= step - p < height and 0 <= x - 2 * p < width:
                    reader.pixel(p, step - p, x - 2 * p)
    need(reader.coder.state == 1 << 32 and reader.coder.at == len(reader.coder.words), "it ends in another place than its pixels")
    return reader.values


class _Reader:
    def __init__(self, payload: bytes, shape: tuple[int, int, int], top: int) -> None:
        stream = Stream(payload)
        self.planes, self.height, self.width = shape
        self.top, self.level = top, stream.byte()
        need(self.level <= 2, "an unknown level")
        self.coder = Tokens(stream)
        model = arrays("fast.npz")
        self.coefficients, self.near, self.factors = model["coefficients"], model["near"], model["expect"]
        self.values = np.full(shape, -1)
        self.errors: dict[tuple[int, int, int], np.ndarray] = {}  # of each predictor
        self.sizes: dict[tuple[int, int, int], np.float32] = {}  # of the mean's error
        self.trust: dict[tuple, np.ndarray] = {}

    def place(self, p: int, y: int, x: int) -> tuple[int, int, int]:
        """Where the value for a neighbour lies: margins repeat the row above's first pixel, the own last one, the last row."""
        y = min(y, self.height - 1)
        if x < 0:
            return p, y - 1, 0
        return p, y, min(x, self.width - 1)

    def value(self, p: int, y: int, x: int) -> np.float32:
        """The value of a neighbour; above the first row, half of the range."""
        p, y, x = self.place(p, y, x)
        return F((self.top + 1) // 2) if y < 0 else F(self.values[p, y, x])

    def pixel(self, p: int, y: int, x: int) -> None:
        """Decode a pixel and learn from it."""
        guess = self.guesses(p, y, x)
        none = np.zeros(16, F)
        parts = [self.errors.get(self.place(p, y + dy, x + dx), none) * self.near[p, k] for k, (dy, dx) in enumerate(AROUND)]
        ratio = self.near[p, 6] / ((pairs(parts[:-1]) + self.near[p, 5]) + parts[-1])
        weight = ratio * ratio
        blend = halves(weight * guess) / halves(weight)
        size = self.expected_size(p, y, x)
        number = min(max((int(size.view(np.uint32)) >> 21) - 4 * (127 - 3), 0), BINS - 1)  # four to an octave from 1/8 on
        apart = guess - blend
        sets = self.sets(p, y, x, blend, number)
        fixes = [halves(apart * self.trust.setdefault(chosen, none)) for chosen in sets]
        fix = F(0)
        for each in fixes:
            fix = fix + each
        power = halves(apart * apart) if sets else F(0)
        sought = blend + fix
        mean = min(max(sought, F(0)), F(self.top))
        base = int(mean + F(0.5))
        beyond = mean - F(base)
        shift = max(number // 4 - 6, 0)
        context = (p * BINS + number) * 2 + int(abs(beyond) > F(0.25))
        value = base + (-1 if beyond < 0 else 1) * self.coder.read(context, shift)
        need(0 <= value <= self.top, "a value out of its range")
        self.values[p, y, x] = value
        step = (F(value) - sought) * F(0.08) / (power + size * size * F(2048) + F(1))
        for chosen in sets:
            self.trust[chosen] = self.trust[chosen] + apart * step
        self.errors[p, y, x] = abs(F(value) - guess)
        self.sizes[p, y, x] = abs(F(value) - mean)

    def guesses(self, p: int, y: int, x: int) -> np.ndarray:
        """What each of 16 linear predictors says. The left neighbour is added last."""
        taps = [(1, *at) for at in BESIDE] if p else []
        taps += [(2, *at) for at in BESIDE[:5]] if p == 2 else []
        taps += [(0, *at) for at in OWN]
        terms = [self.coefficients[p, k] * self.value(p - back, y + dy, x + dx) for k, (back, dy, dx) in enumerate(taps)]
        return pairs(terms[:-1]) + terms[-1]

    def sets(self, p: int, y: int, x: int, blend: np.float32, number: int) -> list[tuple]:
        """Which sets of factors correct the blend: by expected size; at level 2 also by signs, and by columns of 32."""
        if not self.level:
            return []
        sets: list[tuple] = [(p, "size", min(max((number - 4) // 8, 0), 3))]
        if self.level > 1:
            neighbours = ((-1, 0), (-1, 1), (-1, -1), (0, -1))
            sets.append((p, "signs", *(bool(self.value(p, y + dy, x + dx) > blend) for dy, dx in neighbours)))
            sets.append((p, "place", (x + 4) // 32 % 64))
        return sets

    def expected_size(self, p: int, y: int, x: int) -> np.float32:
        """Expected size of the error. The left neighbour's is added last."""
        f = self.factors[p]

        def size(back: int, dy: int, dx: int) -> np.float32:
            return self.sizes.get(self.place(p - back, y + dy, x + dx), F(0))

        total = f[0] + size(*EXPECTED[0]) * f[1]
        for k, at in enumerate(EXPECTED[1:], 2):
            total = total + size(*at) * f[k]
        if p == 0:
            n, nw, ne, w = (self.value(p, y + dy, x + dx) for dy, dx in ((-1, 0), (-1, -1), (-1, 1), (0, -1)))
            for k, term in enumerate((abs(n - nw), abs(n - ne), abs(w - nw)), 7):
                total = total + term * f[k]
        else:
            for k, at in enumerate(EXPECTED_BEFORE, 7):
                total = total + size(*at) * f[k]
        if p == 2:
            total = total + size(2, 0, 0) * f[11]
        return total + size(0, 0, -1) * f[6]


class Tokens:
    """rANS with a state of 64 bits and words of 32; a table for each context, made anew from its counts at intervals."""

    def __init__(self, stream: Stream) -> None:
        self.state = stream.uint(8)
        need(stream.left() % 4 == 0, "words that are cut off")
        self.words, self.at = [stream.uint(4) for _ in range(stream.left() // 4)], 0
        self.counts = [list(row) for row in _first_counts()]
        self.tables = [table(counts) for counts in self.counts]
        self.due = [[FIRST_DUE, FIRST_DUE] for _ in self.counts]  # symbols until the next table, and from the last to this

    def restart(self) -> None:
        """Go on with a new state, which stands in the next two words, where one has been used up."""
        need(self.state == 1 << 32 and self.at + 2 <= len(self.words), "a state that does not end with its values")
        self.state = self.words[self.at] | self.words[self.at + 1] << 32
        self.at += 2

    def read(self, context: int, shift: int) -> int:
        """A token and its raw bits: the value that they stand for after this shift."""
        starts = self.tables[context]
        slot = self.state % (1 << BITS)
        token = max(k for k in range(TOKENS) if starts[k] <= slot)
        self.state = (starts[token + 1] - starts[token]) * (self.state >> BITS) + slot - starts[token]
        low, bits = _spans()[token]
        low, bits = (low << shift, bits + shift) if token != ESCAPE else (low, bits)
        raw = self.state & (1 << bits) - 1
        self.state >>= bits
        if self.state < 1 << 32:
            need(self.at < len(self.words), "too few words")
            self.state = self.state << 32 | self.words[self.at]
            self.at += 1
        self.count(context, token)
        return low + raw

    def count(self, context: int, token: int) -> None:
        """Count a token; make the table anew after 16 symbols, 32 more, and so on up to every 256."""
        counts, due = self.counts[context], self.due[context]
        counts[token] += GAIN
        due[0] -= 1
        if due[0]:
            return
        if sum(counts) > LIMIT:
            counts[:] = [(count + 1) >> 1 for count in counts]
        self.tables[context] = table(counts)
        due[:] = [min(2 * due[1], INTERVAL)] * 2


def table(counts: list[int]) -> list[int]:
    """Where each token starts, and the end: in proportion to the counts, at least 1; the first of the largest takes the rest."""
    factor = ((1 << BITS) - TOKENS << 24) // sum(counts)
    freqs = [(count * factor >> 24) + 1 for count in counts]
    freqs[freqs.index(max(freqs))] += (1 << BITS) - sum(freqs)
    return [sum(freqs[:k]) for k in range(TOKENS + 1)]


@cache
def _first_counts() -> list[list[int]]:
    """The trained counts of each context (plane, bin, how far from a whole number), made to stand for PRIOR symbols.

    Bins beyond those that are stored repeat the last four.
    """
    stored = arrays("fast.npz")["counts"].tolist()
    bins = len(stored[0])
    wide = [plane[b if b < bins else bins - 4 + (b - bins) % 4] for plane in stored for b in range(BINS)]
    return [[count * PRIOR * GAIN // sum(row) + 1 for count in row] for pair in wide for row in pair]


@cache
def _spans() -> list[tuple[int, int]]:
    """(lowest value, raw bits) of each token: 0, 1, -1, 2, -2 ... 15, -15, then ranges; the escape has any value."""
    ranges = [(0, 1)]
    for m in range(1, 16):
        ranges += [(m, m + 1), (-m, 1 - m)]
    for low, high in pairwise((16, 24, 32, 48, 64, 96, 128, 256, 512)):
        ranges += [(low, high), (1 - high, 1 - low)]
    return [(low, (high - low - 1).bit_length()) for low, high in ranges] + [(-65536, ESCAPE_BITS)]


def pairs(terms: list[np.ndarray]) -> np.ndarray:
    """The sum, neighbouring pairs first."""
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) // 2 * 2 :]
    return terms[0]


def halves(vector: np.ndarray) -> np.float32:
    """The sum of a vector: its upper half is added to its lower one until one number is left."""
    while len(vector) > 1:
        vector = vector[: len(vector) // 2] + vector[len(vector) // 2 :]
    return vector[0]
