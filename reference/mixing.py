"""The context-mixing engine in plain Python: integers, lists and dicts, no numpy and no numba; slow and obvious.

Written from the description in `lacodec/entropy/mixing.py`, to be compared with its kernels byte by byte.
"""

from dataclasses import dataclass, field

MASK64, MASK32 = (1 << 64) - 1, (1 << 32) - 1
GOLDEN, ODD = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
STRETCH_LIMIT, APM_REACH = 3071, 2975
WEIGHT_LIMIT = (1 << 19) - 1
FINAL_LIMIT = 1 << 20


@dataclass
class Slot:
    """What one context remembers about one nibble: a check of two bytes and a bit history for each of the 15 nodes."""

    check: int = 0
    states: list[int] = field(default_factory=lambda: [0] * 15)


class Mixer:
    """One coder. Start values, by the names that the engine's pools have, are lists of integers.

    weights: rows of one weight per input, for all sets of all selectors. final_weights: 256 rows. apm: one row of 32.
    """

    def __init__(self, contexts, expects, selectors, line_bits, rates, tables, start, coded=None):
        self.n, self.m, self.line_bits = contexts, expects, line_bits
        self.mix_rate, self.final_rate, self.map_limit, self.apm_rate = rates
        self.next_state, self.stretch, self.squash, self.reciprocal = tables
        self.bases, total = [], 0
        for size, factor in zip(selectors, [3, 256, 33, 1, 1, 1, 1, 1], strict=False):
            self.bases.append(total)
            total += size * factor
        self.maps = [list(row) for row in start["maps"]]
        self.expect_maps = [list(row) for row in start["expect_maps"]]
        self.weights = [list(row) for row in start["weights"]]
        self.final_weights = [list(row) for row in start["final_weights"]]
        self.apm_start, self.apms = list(start["apm"]), {}
        self.lines: dict[int, list[Slot]] = {}
        self.low, self.high = 0, MASK32
        self.out = bytearray()
        self.coded = coded
        if coded is not None:
            self.read = 4
            self.value = int.from_bytes((coded + bytes(4))[:4], "big")

    def code_symbol(self, ctx, expect, select, symbol=0):
        """Code one symbol; returns it."""
        near = [c >> (64 - self.line_bits) for c in ctx]
        partial = 1
        for k in range(8):
            if k == 3:
                near = [line ^ (partial % 8 + 1) for line in near]
            if k in (0, 4):
                salt = partial * GOLDEN if k else 0
                # Whether a context is known is asked when its turn comes: a later one may take its slot.
                slots, known = zip(*[self._slot(line, c + salt) for line, c in zip(near, ctx, strict=True)], strict=True)
                found = sum(known)
                row = 16 * (((select[-1] + salt) * ODD & MASK64) >> 52)
            node = partial if k < 4 else (partial & ((1 << (k - 4)) - 1)) | (1 << (k - 4))
            rows = (0, (select[-2] * 256 + partial) % 65536), (1, row + node)
            bit = symbol >> (7 - k) & 1
            partial = 2 * partial + self._code_bit(slots, node, expect, select, partial, k, found, rows, bit)
        return partial - 256

    def _slot(self, line, hashed):
        check = hashed % 65536
        slots = self.lines.setdefault(line, [Slot(), Slot(), Slot()])
        for slot in slots:
            if slot.check == check:
                return slot, slot.states[0] != 0
        slot = min(slots, key=lambda slot: slot.states[0])  # the first of the least used
        slot.check, slot.states[:] = check, [0] * 15
        return slot, False

    def _code_bit(self, slots, node, expect, select, partial, k, found, rows, bit):
        states = [slot.states[node - 1] for slot in slots]
        p12 = [self.maps[i][state] >> 20 for i, state in enumerate(states)]
        inputs = [self.stretch[p] for p in p12] + [(p - 2048) >> 1 for p in p12]
        told, entries = 0, []
        for i in range(self.m):
            expected, bucket = expect[2 * i] + 256, expect[2 * i + 1]
            if bucket and expected >> (8 - k) == partial:
                guess = expected >> (7 - k) & 1
                entries.append(2 * bucket + guess)
                p = self.expect_maps[i][2 * bucket + guess] >> 20
                inputs += [self.stretch[p], (p - 2048) >> 1]
                told = guess + 1 if i == 0 else told
            else:
                entries.append(None)
                inputs += [0, 0]
        inputs.append(256)

        sets = [
            self.bases[0] + 3 * select[0] + told,
            self.bases[1] + 256 * select[1] + partial,
            self.bases[2] + 33 * select[2] + found,
        ]
        sets += [base + chosen for base, chosen in zip(self.bases[3:], select[3:-2], strict=True)]
        outputs = [_limited(sum(x * w >> 10 for x, w in zip(inputs, self.weights[s], strict=False)) >> 6) for s in sets]
        final = self.final_weights[partial]
        mixed = _limited(sum(output * w for output, w in zip(outputs, final, strict=False)) >> 16)
        p_mix = self.squash[mixed + 3072]

        step, right = divmod(_limited(mixed, APM_REACH) + APM_REACH, 192)
        pair = [self.apms.setdefault(row, list(self.apm_start)) for row in rows]
        refined = sum(apm[step] * (192 - right) + apm[step + 1] * right for apm in pair) // 192
        p = min(max((2 * p_mix + refined + 2) >> 2, 1), 65535)
        bit = self._code(p, bit)

        error = (bit << 16) - p_mix
        for j, (s, output) in enumerate(zip(sets, outputs, strict=True)):
            step_size = (((bit << 16) - self.squash[output + 3072]) * self.mix_rate) >> 8
            weights = self.weights[s]
            for i, x in enumerate(inputs):
                weights[i] = min(max(weights[i] + ((x * step_size + (1 << 15)) >> 16), -WEIGHT_LIMIT), WEIGHT_LIMIT)
            grown = final[j] + ((output * error * self.final_rate + (1 << 19)) >> 20)
            final[j] = min(max(grown, -FINAL_LIMIT), FINAL_LIMIT)
        # The farthest an APM goes leaves room for rounding: half a step of its averaging on either side.
        half = (1 << self.apm_rate) >> 1
        target = 65535 - half if bit else half
        for apm in pair:
            at = step + (right >= 96)
            apm[at] += (target - apm[at]) >> self.apm_rate
        for i, (slot, state) in enumerate(zip(slots, states, strict=True)):
            self.maps[i][state] = self._learned(self.maps[i][state], bit, self.map_limit)
            slot.states[node - 1] = self.next_state[2 * state + bit]
        for i, entry in enumerate(entries):
            if entry is not None:
                self.expect_maps[i][entry] = self._learned(self.expect_maps[i][entry], bit, 1022)
        return bit

    def _learned(self, entry, bit, limit):
        p, count = entry >> 10, entry & 1023
        p += (((1 << 22) - 1 if bit else 0) - p) * self.reciprocal[count] >> 16
        return p << 10 | (count + 1 if count < limit else count)

    def _code(self, p, bit):
        middle = self.low + ((self.high - self.low) * p >> 16)
        if self.coded is not None:
            bit = int(self.value <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.out.append(self.high >> 24)
            self.low = self.low << 8 & MASK32
            self.high = self.high << 8 & MASK32 | 255
            if self.coded is not None:
                byte = self.coded[self.read] if self.read < len(self.coded) else 0
                self.value = self.value << 8 & MASK32 | byte
                self.read += 1
        return bit

    def finish(self):
        """The coded bytes."""
        return bytes(self.out) + bytes([self.high >> 24])


def _limited(value, limit=STRETCH_LIMIT):
    return min(max(value, -limit), limit)
