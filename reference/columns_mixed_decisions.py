"""Decisions of columns: counters of all contexts and the match, mixed, refined, decoded, taught."""

import numpy as np

from reference.columns_features import Seen
from reference.columns_profiles import LINE_BITS, Settings
from reference.mixing import APM_REACH, APM_STEP, APM_STEPS, learned, limited, train_final, trained
from reference.mixing_tables import squash_table, stretch_table
from reference.range_coder import RangeDecoder

GOLDEN, ODD, MASK64 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1
WIDTH, LENGTHS = 16, 32
EVEN = 1 << 31
MIX_RATE, BOOST, SETTLING, FINAL_RATE, APM_RATE, MATCH_LIMIT = 200, 2000 << 10, 1024, 16, 6, 1022


class Decisions:
    """One coder of decisions."""

    def __init__(self, s: Settings, coder: RangeDecoder) -> None:
        self.s, self.coder = s, coder
        n = len(s.contexts)
        self.line_bits = min(max((s.count * n).bit_length(), 10), LINE_BITS[s.effort])
        self.first_row = np.array([131072 // (n + 2)] * n + [0] * (WIDTH - 2 - n) + [65536 // 3, 0], np.int64)
        self.weights: dict[tuple[int, ...], np.ndarray] = {}
        self.final: dict[tuple[int, int], list[int]] = {}
        self.lines: dict[int, list[int]] = {}  # a check, then 15 counters
        wrong = [(1 << 22) // (length + 3) for length in range(LENGTHS)]
        self.match_map = [[p << 10, (1 << 22) - p << 10] for p in wrong]
        self.first_apm = [squash_table()[step * APM_STEP + 3072 - APM_REACH] for step in range(APM_STEPS)]
        self.apms: dict[tuple[int, int, int], list[int]] = {}

    def begin(self, number: int, seen: Seen) -> None:
        """The next value: its place in the array, what is seen around it."""
        self.rate = MIX_RATE + BOOST // (number + SETTLING)
        self.length = seen.length
        self.hashes = [self._hash(i, kinds, seen) for i, kinds in enumerate(self.s.contexts)]
        self.chosen = [getattr(seen, name, 0) & 63 for name in self.s.chosen_by]

    def _hash(self, i: int, kinds: tuple[str | None, ...], seen: Seen) -> int:
        names = (*kinds, *["nothing"] * (4 - len(kinds)))
        a, b, c, d = (getattr(seen, name) if name else None for name in names)
        h = ((i + 1) * ODD + a) * GOLDEN & MASK64
        h = ((h ^ h >> 32) + b) * ODD & MASK64
        h = ((h ^ h >> 29) + c) * GOLDEN & MASK64
        if d is not None:
            h = ((h ^ h >> 31) + d) * ODD & MASK64
        return h ^ h >> 30

    def find(self, path: int, short: int) -> None:
        """The lines for a group of bits; path: a hash of the bits so far; short: the same where contexts forget most of them."""
        self.where, known = [], 0
        for kinds, hashed in zip(self.s.contexts, self.hashes, strict=True):
            h = (hashed + (short if len(kinds) == 4 and kinds[3] is None else path)) * GOLDEN & MASK64
            check = h & 0xFFFFFFFF | 1
            line = self.lines.setdefault(h >> (64 - self.line_bits), [0] * 16)
            known += line[0] == check
            if line[0] != check:
                line[:] = [check] + [EVEN] * 15
            self.where.append(line)
        if self.s.chosen_by[0] == "known":
            self.chosen[0] = known + 16 * min(self.length, 3)

    def bit(self, group: int, node: int, depth: int, told: int | None) -> tuple[int, int]:
        """(the next bit, how far its probability was from it)."""
        stretch, squash = stretch_table(), squash_table()
        inputs = [0] * WIDTH
        for i, line in enumerate(self.where):
            count = line[node] & 1023
            x = stretch[line[node] >> 20]
            inputs[i] = x if count >= 3 else x * count >> 2
        if told is not None:
            inputs[-2] = stretch[self.match_map[self.length][told] >> 20]
        inputs[-1] = 256
        x = np.array(inputs)
        keys = [(group, node), (1, self.chosen[0], depth), (2, self.chosen[1], depth)][: self.s.sets]
        rows = np.array([self.weights.get(key, self.first_row) for key in keys])
        outputs = [limited(total >> 6) for total in (x * rows >> 10).sum(1).tolist()]
        final = self.final.setdefault((group, node), [65536 // self.s.sets] * self.s.sets)
        mixed = limited(sum(output * w for output, w in zip(outputs, final, strict=True)) >> 16)
        p_mix = squash[mixed + 3072]

        step, right = divmod(limited(mixed, APM_REACH) + APM_REACH, APM_STEP)
        apm = self.apms.setdefault((self.chosen[1], min(group, 3), node), list(self.first_apm))
        p = p_mix + (apm[step] * (APM_STEP - right) + apm[step + 1] * right) // APM_STEP + 1 >> 1
        p = min(max(p, 1), 65535)
        bit = self.coder.bit(p)

        moved = trained(rows, x, [(bit << 16) - squash[output + 3072] for output in outputs], self.rate)
        self.weights.update(zip(keys, moved, strict=True))
        train_final(final, outputs, ((bit << 16) - p_mix) * FINAL_RATE)
        half = (1 << APM_RATE) >> 1
        apm[step + (right >= APM_STEP // 2)] += (65535 - half if bit else half) - apm[step + (right >= APM_STEP // 2)] >> APM_RATE
        for line in self.where:
            line[node] = learned(line[node], bit, self.s.map_limit)
        if told is not None:
            self.match_map[self.length][told] = learned(self.match_map[self.length][told], bit, MATCH_LIMIT)
        return bit, (bit << 16) - p
