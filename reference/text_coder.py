"""The bit coder of `text`: bytes from hashed contexts, one binary decision after another.

    contexts -> slots: bit histories -> maps -> 2 inputs each
                       records -> run maps ---> 1 input each  --> weight sets -> 2 rows of final weights -> APMs -> range coder
    expected bytes -> maps -------------------> 2 inputs each
    frequent contexts -> slow probabilities --> 2 inputs each
    language model -> maps -------------------> 3 inputs

Inputs stand in this order: stretched probabilities of all contexts, their distances from one half, runs if there are any; stretch
and distance of each expected byte, then of each slow probability; what a language model says, if there is one; 256. What is
not said here is as in the mixing engine (`mixing.py`).
"""

import copy
from dataclasses import dataclass, replace

import numpy as np

from reference.mixing import (
    APM_REACH,
    APM_STEP,
    APM_STEPS,
    GOLDEN,
    MASK64,
    ODD,
    SLOT,
    UNSEEN,
    learned,
    limited,
    train_apms,
    train_final,
    trained,
)
from reference.mixing_tables import next_state_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder, Teacher

MIX_RATE, FINAL_RATE, MAP_LIMIT, SLOW_LIMIT, APM_RATE = 100, 6, 1022, 255, 5
LINE = (
    64  # bytes: three slots, then a record of four for each: last byte, how often in a row, the one before it, 1 if there is one
)
LONGEST_RUN = 15


@dataclass(frozen=True)
class Shape:
    """What a coder is made of. selectors: how many values each takes; line_bits, slow_bits: log2 of lines."""

    contexts: int
    runs: bool
    slows: int
    expects: int
    selectors: tuple[int, ...]
    apms: int
    line_bits: int
    slow_bits: int
    language: bool = False

    @property
    def inputs(self) -> int:
        """See above."""
        return (2 + self.runs) * self.contexts + 2 * (self.expects + self.slows) + 3 * self.language + 1

    @property
    def sets(self) -> list[int]:
        """Weight sets of each selector; the coder chooses further among those of the first three."""
        return [size * factor for size, factor in zip(self.selectors, (3, 256, 33, 1, 1, 1, 1, 1), strict=False)]


@dataclass(frozen=True)
class Start:
    """Values at the start, as in the engine; run_maps: 128 entries for each context, by bucket and bit; final: two rows."""

    maps: list[list[int]]
    run_maps: list[list[int]]
    expect_maps: list[list[int]]
    weights: list[list[int]]
    final: list[list[int]]


class Coder:
    """One coder of bytes."""

    def __init__(self, coder: RangeDecoder | Teacher, shape: Shape, start: Start) -> None:
        self.coder, self.shape, self.start = coder, shape, start
        self.next_state, self.stretch, self.squash = next_state_table(), stretch_table(), squash_table()
        self.bases = [sum(shape.sets[:k]) for k in range(len(shape.sets))]
        self.maps = [[UNSEEN, *row[1:]] for row in start.maps]
        self.run_maps = [[UNSEEN, UNSEEN, *row[2:]] for row in start.run_maps]
        self.expect_maps = [[UNSEEN, UNSEEN, *row[2:]] for row in start.expect_maps]
        self.weights = np.repeat(np.array(start.weights, np.int64), shape.sets, axis=0)
        self.final = [[list(row) for _ in range(256)] for row in start.final]
        self.first_apm = [self.squash[step * APM_STEP + 3072 - APM_REACH] for step in range(APM_STEPS)]
        self.apms: dict[tuple[int, int], list[int]] = {}
        self.lines: dict[int, bytearray] = {}  # what is not there is zero
        self.counts = [1] * 256  # of the next byte, by a language model; equal ones say nothing
        self.language_maps = [self.squash[64 * step - 2048 + 32 + 3072] << 16 | 6 for step in range(64)] * 8
        self.slow: dict[int, list[int]] = {}  # lines of 16 entries; what is not there is one half

    def copy(self) -> "Coder":
        """Another coder that has learned the same."""
        other = copy.copy(self)
        for name in ("maps", "run_maps", "expect_maps", "final", "apms", "lines", "slow", "language_maps"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        other.weights = self.weights.copy()
        return other

    def join(self, weights: tuple[int, ...]) -> None:
        """From here on a language model says something, too, with these weights in front of the last one.

        Those of other inputs but the last shrink to 3/4; the last selector's sets start anew.
        """
        self.weights[self.bases[-1] :] = self.start.weights[-1]
        said = np.repeat([weights], len(self.weights), axis=0)
        self.weights = np.hstack([self.weights[:, :-1] * 12 >> 4, said, self.weights[:, -1:]])
        self.shape = replace(self.shape, language=True)

    def code_symbol(self, ctx: list[int], slow: list[int], expect: list[int], select: list[int], symbol: int = 0) -> int:
        """The next byte (the one given, where a teacher knows it). select: of each selector, then of each APM."""
        selected, rows_of = select[: len(self.shape.selectors)], select[len(self.shape.selectors) :]
        partial = 1
        for k in range(8):
            if k in (0, 4):
                slots, slow_lines, known, found = self._find(ctx, slow, partial, k)
                salt = partial * GOLDEN if k else 0
                rows = [16 * (((row + salt) * ODD & MASK64) >> 52) for row in rows_of[: self.shape.apms]]
                if k == 0:
                    records, runs = [(line, record_at(place)) for line, place in slots], found
            node = 1 << k % 4 | partial & (1 << k % 4) - 1
            entries = self._entries(slots, runs, expect, partial, k, node)
            apms = [self._apm(a, row + node) for a, row in enumerate(rows)]
            slows = [(line, node) for line in slow_lines]
            said = self._said(partial, k) if self.shape.language else None
            if said is not None:
                selected = [*selected[:-1], 3 * (said[1] % 64) + entries[-1]]
            bit = symbol >> (7 - k) & 1
            partial = 2 * partial + self._code_bit(slots, node, entries, slows, said, selected, known, partial, apms, bit)
        if self.shape.runs:
            keep(records, partial - 256)
        return partial - 256

    def absorb(self, ctx: list[int], slow: list[int], symbol: int) -> None:
        """Histories, records and slow probabilities take in a byte."""
        partial = 1
        for k in range(8):
            if k in (0, 4):
                slots, slow_lines, _, _ = self._find(ctx, slow, partial, k)
                if k == 0:
                    records = [(line, record_at(place)) for line, place in slots]
            node = 1 << k % 4 | partial & (1 << k % 4) - 1
            bit = symbol >> (7 - k) & 1
            for line, place in slots:
                line[place + 1 + node] = self.next_state[2 * line[place + 1 + node] + bit]
            for line in slow_lines:
                line[node] = learned(line[node], bit, SLOW_LIMIT)
            partial = 2 * partial + bit
        if self.shape.runs:
            keep(records, symbol)

    def _find(self, ctx, slow, partial, k):
        """(line and place of every context's slot, lines of slow probabilities, how many contexts are known, their records).

        A record, and whether a context is known, is read when its turn comes: a later one may take its slot.
        """
        salt = partial * GOLDEN if k else 0
        near = (partial >> 1) % 8 + 1 if k else 0
        found = [self._slot(hashed >> (64 - self.shape.line_bits) ^ near, hashed + salt) for hashed in ctx]
        slow_lines = []
        for hashed in slow:
            line = hashed >> (64 - self.shape.slow_bits) ^ near
            slow_lines.append(self.slow.setdefault(line, [1 << 31] * 16))
        slots = [(line, place) for line, place, _, _ in found]
        return slots, slow_lines, sum(seen for _, _, seen, _ in found), [record for _, _, _, record in found]

    def _slot(self, number: int, hashed: int) -> tuple[bytearray, int, bool, bytes]:
        check = (hashed & 0xFFFF).to_bytes(2, "little")
        line = self.lines.setdefault(number, bytearray(LINE))
        for place in (0, SLOT, 2 * SLOT):
            if line[place : place + 2] == check:
                at = record_at(place)
                return line, place, line[place + 2] != 0, bytes(line[at : at + 4])
        place = min((0, SLOT, 2 * SLOT), key=lambda place: line[place + 2])  # the first of the least used
        line[place : place + SLOT] = check + bytes(SLOT - 2)
        line[record_at(place) : record_at(place) + 4] = bytes(4)
        return line, place, False, bytes(4)

    def _entries(self, slots, runs, expect, partial, k, node):
        """(row of a map, place in it) behind each input or pair of them; what the first expected byte tells: 0, or 1 + a bit."""
        histories = [(row, line[place + 1 + node]) for row, (line, place) in zip(self.maps, slots, strict=True)]
        told_by_runs = []
        if self.shape.runs:
            told_by_runs = [(row, run_entry(run, partial, k)) for row, run in zip(self.run_maps, runs, strict=True)]
        told, expected = 0, []
        for i, row in enumerate(self.expect_maps):
            symbol, bucket = expect[2 * i] + 256, expect[2 * i + 1]
            agrees = bucket and symbol >> (8 - k) == partial
            guess = symbol >> (7 - k) & 1
            expected.append((row, 2 * bucket + guess if agrees else 0))
            told = guess + 1 if agrees and i == 0 else told
        return histories, told_by_runs, expected, told

    def _said(self, partial: int, k: int) -> tuple[int, int]:
        """What the language model says of a bit: stretched, and a place in its maps."""
        rest = 7 - k
        first = (partial << rest + 1) - 256
        ones, both = sum(self.counts[first + (1 << rest) : first + (2 << rest)]), sum(self.counts[first : first + (2 << rest)])
        held = min(max(self.stretch[min((ones << 12) // both, 4095)], -2048), 2047)
        return held, 64 * k + (held + 2048) // 64

    def _code_bit(self, slots, node, entries, slows, said, select, known, partial, apms, bit):
        histories, runs, expected, told = entries
        p12 = [row[at] >> 20 for row, at in histories]
        inputs = [self.stretch[p] for p in p12] + [(p - 2048) >> 1 for p in p12]
        inputs += [self.stretch[row[at] >> 20] for row, at in runs]
        for row, at in (*expected, *slows):
            inputs += [self.stretch[row[at] >> 20], ((row[at] >> 20) - 2048) >> 1]
        if said is not None:
            p = self.language_maps[said[1]] >> 20
            inputs += [said[0], self.stretch[p], (p - 2048) >> 1]
        x = np.array([*inputs, 256])

        bases = self.bases
        sets = [bases[0] + 3 * select[0] + told, bases[1] + 256 * select[1] + partial, bases[2] + 33 * select[2] + known]
        sets += [base + chosen for base, chosen in zip(bases[3:], select[3:], strict=True)]
        weights = self.weights[sets]
        outputs = [limited(total >> 6) for total in (x * weights >> 10).sum(1).tolist()]
        finals = self.final[0][partial], self.final[1][self.last_byte]
        mixed = [limited(sum(output * w for output, w in zip(outputs, final, strict=True)) >> 16) for final in finals]
        p, learning = refined(self.squash, sum(mixed) >> 1, apms)
        bit = self.coder.bit(p, bit)

        errors = [(bit << 16) - self.squash[output + 3072] for output in outputs]
        self.weights[sets] = trained(weights, x, errors, MIX_RATE)
        for final, stretched in zip(finals, mixed, strict=True):
            train_final(final, outputs, ((bit << 16) - self.squash[stretched + 3072]) * FINAL_RATE)
        train_apms(learning, bit, APM_RATE)
        for (line, place), (row, state) in zip(slots, histories, strict=True):
            row[state] = learned(row[state], bit, MAP_LIMIT)
            line[place + 1 + node] = self.next_state[2 * state + bit]
        for row, at in (*runs, *expected):
            row[at] = learned(row[at], bit, 1022)
        for row, at in slows:
            row[at] = learned(row[at], bit, SLOW_LIMIT)
        if said is not None:
            self.language_maps[said[1]] = learned(self.language_maps[said[1]], bit, 1022)
        return bit

    def _apm(self, number: int, row: int) -> list[int]:
        return self.apms.setdefault((number, row), list(self.first_apm))

    last_byte = 0
    """The byte before, which chooses the second row of final weights."""


def record_at(place: int) -> int:
    """Where in its line the record of the slot at `place` is."""
    return 3 * SLOT + 4 * (place // SLOT)


def run_entry(run: bytes, partial: int, k: int) -> int:
    """The place in a run map: what a record says of the next bit, if one of its bytes agrees with the bits so far."""
    last, count, before, differs = run
    count = min(count, LONGEST_RUN)
    symbol, bucket = last + 256, 2 * count + differs if count else 0
    if symbol >> (8 - k) != partial:
        symbol = before + 256
        bucket = 32 + count if differs and symbol >> (8 - k) == partial else 0
    return 2 * bucket + (symbol >> (7 - k) & 1)


def keep(records: list[tuple[bytearray, int]], c: int) -> None:
    """The byte that came enters the record of every context."""
    for line, at in records:
        if line[at + 1] and line[at] == c:
            line[at + 1] = min(line[at + 1] + 1, 255)
        else:
            if line[at + 1]:
                line[at + 2], line[at + 3] = line[at], 1
            line[at], line[at + 1] = c, 1


def refined(squash: list[int], mixed: int, apms: list[list[int]]) -> tuple[int, list[tuple[list[int], int]]]:
    """(16-bit probability for the coder, the APM rows with the place in each that learns)."""
    step, right = divmod(limited(mixed, APM_REACH) + APM_REACH, APM_STEP)
    count = len(apms)
    told = sum(apm[step] * (APM_STEP - right) + apm[step + 1] * right for apm in apms) // APM_STEP
    p = (count * squash[mixed + 3072] + told + count) // (2 * count)
    return min(max(p, 1), 65535), [(apm, step + (right >= APM_STEP // 2)) for apm in apms]
