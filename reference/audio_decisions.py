"""A sample as binary decisions relative to the prediction: at or above it? which bucket? where in the bucket?

Each has a probability from two counters, one quick and one steady, chosen by the deviation's level. From effort 4 on, experts (a
distribution around one of the predictions) and the counters are mixed; two rows of weights are added, chosen by the decision and
by its kind and context.
"""

from math import floor

import numpy as np

from reference.audio_profiles import (
    BUCKETS,
    DECISIONS,
    EQUAL_BUCKETS,
    INSIDE,
    LEARN,
    LEVELS,
    TAIL_REACH,
    TAIL_STEPS,
    Profile,
    first_counters,
    tails,
)
from reference.mixing_tables import squash_table, stretch_table
from reference.range_coder import RangeDecoder
from reference.vectors import dot, padded

KINDS, CONTEXTS = 8, 16
LEAST_P = 24  # of 65536, that a decision may have
UNIT = 0.00390625  # 1 / 256: stretch units to nats
MODELLED = 3  # bits within a bucket that are not coded as they are


class Expert:
    """A distribution while one sample is decoded. low, high: its tail at the bounds of what is still possible."""

    def __init__(self, offset: float, deviation: float, tail: list[float]) -> None:
        self.offset, self.slope, self.tail = offset, 1.0 / (deviation + 0.05), tail
        self.low, self.high, self.middle = 1.0, 0.0, 0.0

    def chance(self, threshold: int) -> float:
        """The chance of more than the threshold, given the bounds."""
        z = (float(threshold) + self.offset) * self.slope
        reach = TAIL_REACH - 0.01
        place = clamp(z, -reach, reach) * TAIL_STEPS + TAIL_REACH * TAIL_STEPS
        whole = int(place)
        self.middle = self.tail[whole] + (self.tail[whole + 1] - self.tail[whole]) * (place - float(whole))
        return (self.middle - self.high + 1e-7) / (self.low - self.high + 2e-7)

    def learn_sign(self, up: bool) -> None:
        """From here on only one side counts: below the prediction, distances are turned around."""
        if up:
            self.low = self.middle
        else:
            self.offset, self.low = -self.offset, 1.0 - self.middle

    def learn(self, bit: int) -> None:
        """Narrow the bounds."""
        if bit:
            self.low = self.middle
        else:
            self.high = self.middle


class Decisions:
    """Decodes samples of all channels, and learns."""

    def __init__(self, plan: Profile, channels: int, lowest: int, highest: int, coder: RangeDecoder) -> None:
        self.plan, self.channels, self.lowest, self.highest, self.coder = plan, channels, lowest, highest, coder
        count = len(plan.experts)
        row = [0.45 / max(1, count)] * count + [0.05] * 2
        self.mixers = np.tile(np.array(row + [0.0] * (padded(count + 2) - count - 2)), (DECISIONS + KINDS * CONTEXTS, 1))
        self.counters = [[[p, p] for p in row] for row in first_counters()]
        self.levels = [8] * channels
        self.last = [0.0] * channels  # size of the newest sample's error, in deviations
        self.inputs = np.zeros(padded(count + 2))
        self.experts: list[Expert] = []

    def sample(self, c: int, centers: list[float], deviations: list[list[float]]) -> int:
        """The next sample of channel c."""
        base = floor(centers[0] + 0.5)
        fast, deviation, slow = deviations[0]
        level, quarter = self._level(c, deviation)
        self.row = self.counters[min(level * 4 + quarter, LEVELS - 1)]
        self.context = self._context(c, fast, slow)
        self.experts = [
            Expert(float(base) - centers[center] - 0.5, deviations[center][speed], tails()[shape])
            for center, speed, shape in self.plan.experts
        ]
        up = self._decide(0, 0, 0)
        for expert in self.experts:
            expert.learn_sign(bool(up))
        away = self._distance(max(level - 4, 0))
        value = min(max(base + away if up else base - 1 - away, self.lowest), self.highest)
        self.last[c] = abs(float(value) - centers[0]) / (deviation + 0.05)
        return value

    def _level(self, c: int, deviation: float) -> tuple[int, int]:
        """(log2 of the deviation in sixteenths, which quarter of that octave); it follows from the last one by steps."""
        scaled, level = int(clamp(deviation, 0.0, 9e9) * 16.0), self.levels[c]
        while level < 40 and scaled >> level > 1:
            level += 1
        while level > 0 and scaled >> level == 0:
            level -= 1
        self.levels[c] = level
        return level, (scaled << 2 >> level) & 3 if level >= 2 else 0

    def _context(self, c: int, fast: float, slow: float) -> int:
        """How the deviation changes, and how surprising the partner channel's newest sample was."""
        context = 2 + (fast > slow * 1.5) if fast > slow else int(fast * 1.5 > slow)
        if self.channels > 1:
            surprise = self.last[c ^ 1 if c ^ 1 < self.channels else c - 1]
            context = context * 4 + (surprise > 0.4) + (surprise > 1.0) + (surprise > 2.0)
        return context

    def _distance(self, width_bits: int) -> int:
        """How far the sample lies from the prediction, on its side."""
        low = bucket = 0
        while True:
            bits = min(width_bits + max(bucket - EQUAL_BUCKETS, 0), 34)
            more = self._step(low + (1 << bits), 1 + bucket, 1 + min(bucket, 3))
            if more:
                low += 1 << bits
            if not more or bucket == BUCKETS - 1:
                break
            bucket += 1
        node = 1
        for modelled in range(min(bits, MODELLED)):
            bits -= 1
            bit = self._step(low + (1 << bits), INSIDE + 16 * min(bucket, 3) + node, 5 + modelled)
            low += bit << bits
            node = 2 * node + bit
        for shift in range(bits - 1, -1, -1):
            low += self.coder.bit(32768) << shift
        return low

    def _step(self, threshold: int, decision: int, kind: int) -> int:
        bit = self._decide(threshold, decision, kind)
        for expert in self.experts:
            expert.learn(bit)
        return bit

    def _decide(self, threshold: int, decision: int, kind: int) -> int:
        """Whether the distance is at least the threshold."""
        counter = self.row[decision]
        quick, steady = counter
        p16 = (quick + steady) >> 1
        if self.experts:
            inputs = [stretch_table()[int(clamp(expert.chance(threshold), 0.0, 0.9999) * 4096.0)] for expert in self.experts]
            inputs += [stretch_table()[quick >> 4], stretch_table()[steady >> 4]]
            self.inputs[: len(inputs)] = [float(x) * UNIT for x in inputs]
            rows = decision, DECISIONS + kind * CONTEXTS + self.context
            first, second = (dot(self.inputs, self.mixers[row]) for row in rows)
            p16 = squash_table()[int(clamp(first + second, -11.9, 11.9) * 256.0) + 3072]
        p16 = min(max(p16, LEAST_P), 65536 - LEAST_P)
        bit = self.coder.bit(p16)
        target = bit * 65535
        counter[:] = quick + (target - quick >> 4), steady + (target - steady >> 7)
        if self.experts:
            error = (float(bit) - float(p16) * (1.0 / 65536.0)) * LEARN
            for row in rows:
                self.mixers[row] += self.inputs * error
        return bit


def clamp(x: float, low: float, high: float) -> float:
    """x within bounds; what is no number becomes `low`."""
    return min(x, high) if x > low else low
