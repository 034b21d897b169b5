"""The context-mixing engine: symbols of 8 bits from hashed contexts, one binary decision after another.

    contexts -> slots (bit histories) -> maps -> stretch --> weight sets -> final weights -> two APMs -> range coder
    expected symbols -----------------> maps -> stretch --^

Whoever uses it gives for every symbol: a 64-bit hash for each context; for each expected symbol the symbol and a bucket (1 to 63;
0: none); for each selector the set of weights that it chooses, and two contexts for the APMs. Everything learns from each
decision before the next one. All numbers are integers; >> rounds down.
"""

import copy
from dataclasses import dataclass

import numpy as np

from reference.mixing_tables import history_states, next_state_table, reciprocal_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder, Teacher

MASK64 = (1 << 64) - 1
GOLDEN, ODD = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
STRETCH_LIMIT = 3071
APM_REACH, APM_STEP, APM_STEPS = 2975, 192, 32
WEIGHT_LIMIT, FINAL_LIMIT = (1 << 19) - 1, 1 << 20
UNSEEN = 1 << 31 | 1023  # a map entry that stays at one half


@dataclass(frozen=True)
class Shape:
    """What an engine is made of. selectors: how many values each takes; line_bits: log2 of the lines of three slots."""

    contexts: int
    expects: int
    selectors: tuple[int, ...]
    line_bits: int

    @property
    def inputs(self) -> int:
        """Two for each context and each expected symbol, and a constant."""
        return 2 * (self.contexts + self.expects) + 1

    @property
    def sets(self) -> list[int]:
        """Weight sets of each selector; the engine chooses further among those of the first three."""
        return [size * factor for size, factor in zip(self.selectors, (3, 256, 33, 1, 1, 1, 1, 1), strict=False)]


@dataclass(frozen=True)
class Start:
    """Values at the start. maps: 256 entries for each context; expect_maps: 128 for each expected symbol, by bucket and bit.

    An entry is a probability of 22 bits and a count of 10 bits below it. weights (65536 is one): a row of inputs for each
    selector; final: a weight for each selector.
    """

    maps: list[list[int]]
    expect_maps: list[list[int]]
    weights: list[list[int]]
    final: list[int]


def untrained(shape: Shape) -> Start:
    """Probabilities from the counts of each history, equal weights."""
    n, m, selectors = shape.contexts, shape.expects, len(shape.selectors)
    states = history_states() + [(0, 0, 0)] * 256
    entries = [min(((2 * ones + 1) << 22) // (2 * (zeros + ones) + 2), (1 << 22) - 1) << 10 for zeros, ones, _ in states[:256]]
    wrong = [(1 << 22) // (bucket + 3) for bucket in range(64)]
    expected = [p << 10 for low in wrong for p in (low, (1 << 22) - low)]
    row = [16384] * n + [0] * n + [21845] * (2 * m) + [0]
    return Start([entries] * n, [expected] * m, [row] * selectors, [65536 // selectors] * selectors)


SLOT = 17  # bytes: a check of the hash (two, low one first), then a bit history for each of the 15 nodes of half a symbol


class Mixer:
    """One coder of symbols.

    rates: of the weights, of the final weights; the count up to which maps slow down; log2 of the time over which APMs average.
    """

    def __init__(
        self, coder: RangeDecoder | Teacher, shape: Shape, start: Start, rates: tuple[int, int, int, int] = (100, 6, 1022, 6)
    ) -> None:
        self.coder, self.shape = coder, shape
        self.mix_rate, self.final_rate, self.map_limit, self.apm_rate = rates
        self.next_state, self.stretch, self.squash = next_state_table(), stretch_table(), squash_table()
        self.reciprocal = reciprocal_table()
        self.bases = [sum(shape.sets[:k]) for k in range(len(shape.sets))]
        self.maps = [[UNSEEN, *row[1:]] for row in start.maps]
        self.expect_maps = [[UNSEEN, UNSEEN, *row[2:]] for row in start.expect_maps]
        self.weights = np.repeat(np.array(start.weights, np.int64), shape.sets, axis=0)
        self.final = [list(start.final) for _ in range(256)]
        self.first_apm = [self.squash[step * APM_STEP + 3072 - APM_REACH] for step in range(APM_STEPS)]
        self.apms: dict[tuple[int, int], list[int]] = {}
        self.lines: dict[int, bytearray] = {}  # three slots each; what is not there is zero

    def copy(self) -> "Mixer":
        """Another engine that has learned the same."""
        other = copy.copy(self)
        other.maps, other.expect_maps, other.final = (
            [list(row) for row in pool] for pool in (self.maps, self.expect_maps, self.final)
        )
        other.weights = self.weights.copy()
        other.apms = {row: list(apm) for row, apm in self.apms.items()}
        other.lines = {line: bytearray(slots) for line, slots in self.lines.items()}
        return other

    def code_symbol(self, ctx: list[int], expect: list[int], select: list[int], symbol: int = 0) -> int:
        """The next symbol (the one given, where a teacher knows it).

        expect: symbol and bucket of each expected one; select: the value of each selector, a byte and any number for the APMs.
        """
        near = [hashed >> (64 - self.shape.line_bits) for hashed in ctx]
        partial = 1  # a one, then the bits so far
        for k in range(8):
            if k == 4:  # the second half lies in another line, by the first three bits
                near = [line ^ ((partial >> 1) % 8 + 1) for line in near]
            if k in (0, 4):
                salt = partial * GOLDEN if k else 0
                # Whether a context is known is asked when its turn comes: a later one may take its slot.
                found = [self._slot(line, hashed + salt) for line, hashed in zip(near, ctx, strict=True)]
                slots, known = [(slots, place + 1) for slots, place, _ in found], sum(seen for _, _, seen in found)
                row = 16 * (((select[-1] + salt) * ODD & MASK64) >> 52)
            node = 1 << k % 4 | partial & (1 << k % 4) - 1
            rows = (0, (select[-2] * 256 + partial) % 65536), (1, row + node)
            bit = symbol >> (7 - k) & 1
            partial = 2 * partial + self._code_bit(slots, node, expect, select, partial, k, known, rows, bit)
        return partial - 256

    def _slot(self, line: int, hashed: int) -> tuple[bytearray, int, bool]:
        """The slot of a context: its line, its place there, whether it has seen anything; the least used if none is its own."""
        check = (hashed & 0xFFFF).to_bytes(2, "little")
        slots = self.lines.get(line)
        if slots is None:
            slots = self.lines[line] = bytearray(3 * SLOT)
        for place in (0, SLOT, 2 * SLOT):
            if slots[place : place + 2] == check:
                return slots, place, slots[place + 2] != 0
        place = min((0, SLOT, 2 * SLOT), key=lambda place: slots[place + 2])  # the first of the least used
        slots[place : place + SLOT] = check + bytes(SLOT - 2)
        return slots, place, False

    def _code_bit(self, slots, node, expect, select, partial, k, known, rows, bit):
        states = [line[place + node] for line, place in slots]
        p12 = [row[state] >> 20 for row, state in zip(self.maps, states, strict=True)]
        inputs = [self.stretch[p] for p in p12] + [(p - 2048) >> 1 for p in p12]
        told, entries = self._expected(inputs, expect, partial, k)
        inputs.append(256)

        bases = self.bases
        sets = [bases[0] + 3 * select[0] + told, bases[1] + 256 * select[1] + partial, bases[2] + 33 * select[2] + known]
        sets += [base + chosen for base, chosen in zip(bases[3:], select[3:-2], strict=True)]
        x, weights = np.array(inputs), self.weights[sets]
        outputs = [limited(total >> 6) for total in (x * weights >> 10).sum(1).tolist()]
        final = self.final[partial]
        mixed = limited(sum(output * w for output, w in zip(outputs, final, strict=True)) >> 16)
        p_mix = self.squash[mixed + 3072]
        p, apms = refine(p_mix, mixed, [self._apm(row) for row in rows])
        bit = self.coder.bit(p, bit)

        self.weights[sets] = trained(weights, x, [(bit << 16) - self.squash[output + 3072] for output in outputs], self.mix_rate)
        train_final(final, outputs, ((bit << 16) - p_mix) * self.final_rate)
        train_apms(apms, bit, self.apm_rate)
        for row, (line, place), state in zip(self.maps, slots, states, strict=True):
            row[state] = learned(row[state], bit, self.map_limit)
            line[place + node] = self.next_state[2 * state + bit]
        for row, entry in zip(self.expect_maps, entries, strict=True):
            if entry is not None:
                row[entry] = learned(row[entry], bit, 1022)
        return bit

    def _apm(self, row: tuple[int, int]) -> list[int]:
        if row not in self.apms:
            self.apms[row] = list(self.first_apm)
        return self.apms[row]

    def _expected(self, inputs, expect, partial, k):
        """Append two inputs for each expected symbol, 0 where the bits disagree; (0 or 1 + the first one's bit, entries used)."""
        told, entries = 0, []
        for i, row in enumerate(self.expect_maps):
            expected, bucket = expect[2 * i] + 256, expect[2 * i + 1]
            if bucket and expected >> (8 - k) == partial:
                guess = expected >> (7 - k) & 1
                entries.append(2 * bucket + guess)
                p = row[2 * bucket + guess] >> 20
                inputs += [self.stretch[p], (p - 2048) >> 1]
                told = guess + 1 if i == 0 else told
            else:
                entries.append(None)
                inputs += [0, 0]
        return told, entries


def limited(value: int, limit: int = STRETCH_LIMIT) -> int:
    """The value, held between -limit and limit."""
    return -limit if value < -limit else limit if value > limit else value


def refine(p_mix: int, mixed: int, apms: list[list[int]]) -> tuple[int, list[tuple[list[int], int]]]:
    """(16-bit probability for the coder, the two APM rows with the place in each that learns).

    A row has a probability at every 192 units of stretch; the two rows are interpolated at `mixed` and averaged with `p_mix`.
    """
    step, right = divmod(limited(mixed, APM_REACH) + APM_REACH, APM_STEP)
    refined = sum(apm[step] * (APM_STEP - right) + apm[step + 1] * right for apm in apms) // APM_STEP
    p = (2 * p_mix + refined + 2) >> 2
    return min(max(p, 1), 65535), [(apm, step + (right >= APM_STEP // 2)) for apm in apms]


def trained(weights: np.ndarray, x: np.ndarray, errors: list[int], rate: int) -> np.ndarray:
    """Rows of weights, each moved by its error along the inputs x."""
    steps = np.array([[error * rate >> 8] for error in errors])
    return np.minimum(np.maximum(weights + (x * steps + 32768 >> 16), -WEIGHT_LIMIT), WEIGHT_LIMIT)


def train_final(final: list[int], outputs: list[int], scaled: int) -> None:
    """The final weights, moved along the outputs of the sets; scaled: the error times its rate."""
    for j, output in enumerate(outputs):
        final[j] = limited(final[j] + (output * scaled + (1 << 19) >> 20), FINAL_LIMIT)


def train_apms(apms: list[tuple[list[int], int]], bit: int, rate: int) -> None:
    """The nearer place of each row, moved towards the bit; the target leaves room for half a step of rounding."""
    half = (1 << rate) >> 1
    target = 65535 - half if bit else half
    for apm, at in apms:
        apm[at] += (target - apm[at]) >> rate


def learned(entry: int, bit: int, limit: int) -> int:
    """A map entry, moved towards the bit by one over its count, which grows up to `limit`."""
    p, count = entry >> 10, entry & 1023
    p += (((1 << 22) - 1 if bit else 0) - p) * reciprocal_table()[count] >> 16
    return p << 10 | (count + 1 if count < limit else count)
