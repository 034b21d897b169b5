"""A pixel's value as binary decisions, each with a probability mixed from soft predictions and counted contexts.

First: is the value at or above the boundary nearest to the mean? Then away from it in steps (a power of two, doubling after a
while), then halves of the last step. A soft prediction is a Student distribution around a mean; for a threshold it says how the
probability of what is still possible splits.
"""

import numpy as np

from reference.image_setup import Setup
from reference.mixing import APM_REACH, APM_STEP, APM_STEPS, learned, limited, refine, train_apms, train_final, trained
from reference.mixing_tables import fine_stretch_table, squash_table, stretch_table
from reference.range_coder import RangeDecoder

NODES = 32  # binary decisions that are told apart
UP, DOWN = 1, 15  # first node of the steps in each direction
STEPS, DOUBLING = 13, 7  # nodes of steps after the first; steps after which they double
SURE = 2  # counts above which a context speaks with its full voice
MIX_RATE, FINAL_RATE, APM_RATE, MAP_LIMIT = 200, 6, 6, 250
LEAST = 1e-9  # share that no side of a threshold falls below
# Of soft predictions with even and odd numbers: degrees of freedom; u (a - v (b - v (c - v d))).
EVEN, ODD = (4.0, 0.75, 0.25, 0.0, 0.0), (8.0, 1.09375, 1.09375, 0.65625, 0.15625)


class Decisions:
    """Decodes values of 0 to `top`, and learns."""

    def __init__(self, setup: Setup, top: int, coder: RangeDecoder) -> None:
        self.setup, self.top, self.coder = setup, top, coder
        softs, contexts = setup.softs, setup.contexts
        self.students = [np.array(pair * (softs // 2)) for pair in zip(EVEN, ODD, strict=True)]
        row = [int(65536 * 0.8 / softs)] * softs + [int(65536 * 0.2 / contexts)] * contexts + [0]
        self.weights: dict[tuple[int, int], list[int]] = {}  # by row that a selector chose, and node
        self.first_weights = row
        self.final = [[65536 // setup.sets] * setup.sets for _ in range(NODES)]
        squash = squash_table()
        self.first_apm = [squash[step * APM_STEP + 3072 - APM_REACH] for step in range(APM_STEPS)]
        self.apms: dict[tuple[int, int], list[int]] = {}
        self.slots: dict[int, int] = {}

    def value(
        self, mean: float, step_bits: int, means: list[float], slopes: list[float], contexts: list[int], selects: list[int],
        apm_rows: list[int],
    ) -> int:  # fmt: skip
        """The next value, close to `mean`, in steps of 2 ** step_bits. means, slopes: of the soft predictions."""
        self.means, self.slopes = np.array(means), np.array(slopes)
        self.contexts, self.selects, self.apm_rows = contexts, selects[: self.setup.sets], apm_rows
        self.below, self.above = self.distribution(-0.5), self.distribution(float(self.top) + 0.5)
        low, high, step, q = 0, self.top, 1 << step_bits, 0
        first = min(max(int(mean) + 1, 1), self.top)
        up = self.decide(0, float(first) - 0.5)
        if up:
            low = first
        else:
            high = first - 1
        while (low + step <= high) if up else (high - step >= low):
            border = low + step if up else high - step
            above = self.decide((UP if up else DOWN) + q, float(border) - 0.5 if up else float(border) + 0.5)
            if above != up:
                low, high = (low, border - 1) if up else (border + 1, high)
                break
            low, high = (border, high) if up else (low, border)
            q = min(q + 1, STEPS)
            if q > DOUBLING:
                step += step
        while low < high:
            middle = (low + high + 1) >> 1
            node = 29 if high - low == 1 else 30 if high - low < 4 else 31
            if self.decide(node, float(middle) - 0.5):
                low = middle
            else:
                high = middle - 1
        return low

    def distribution(self, threshold: float) -> np.ndarray:
        """The chance, less one half, that a value lies below the threshold, by each soft prediction."""
        freedom, a, b, c, d = self.students
        x = (threshold - self.means) * self.slopes
        u = x / np.sqrt(x * x + freedom)
        v = u * u
        return u * (a - v * (b - v * (c - v * d)))

    def decide(self, node: int, threshold: float) -> int:
        """Whether the value lies above the threshold."""
        found = self.distribution(threshold)
        upper, lower = self.above - found, found - self.below
        chance = (upper + LEAST) / ((upper + lower) + (LEAST + LEAST))
        inputs = [fine_stretch_table()[int(share) & 65535] for share in chance * 65535.0]
        places = [slot + node for slot in self.contexts]
        for place in places:
            entry = self.slots.get(place, 1 << 31)
            told, count = stretch_table()[entry >> 20], entry & 1023
            inputs.append(told if count > SURE else told * count >> 2)
        bit = self.mixed(node, np.array([*inputs, 256]))
        for place in places:
            self.slots[place] = learned(self.slots.get(place, 1 << 31), bit, MAP_LIMIT)
        if bit:
            self.below = found
        else:
            self.above = found
        return bit

    def mixed(self, node: int, x: np.ndarray) -> int:
        """The decision, with the probability that the chosen weights and the two APMs make of the inputs; all learn."""
        sets = [(row, node) for row in self.selects]
        weights = np.array([self.weights.get(key, self.first_weights) for key in sets])
        outputs = [limited(total >> 6) for total in (x * weights >> 10).sum(1).tolist()]
        final = self.final[node]
        mixed = limited(sum(output * w for output, w in zip(outputs, final, strict=True)) >> 16)
        squash = squash_table()
        p, apms = refine(squash[mixed + 3072], mixed, [self.apm(row, node) for row in self.apm_rows])
        bit = self.coder.bit(p)
        errors = [(bit << 16) - squash[output + 3072] for output in outputs]
        for key, row in zip(sets, trained(weights, x, errors, MIX_RATE).tolist(), strict=True):
            self.weights[key] = row
        train_final(final, outputs, ((bit << 16) - squash[mixed + 3072]) * FINAL_RATE)
        train_apms(apms, bit, APM_RATE)
        return bit

    def apm(self, row: int, node: int) -> list[int]:
        """A row of an APM."""
        if (row, node) not in self.apms:
            self.apms[row, node] = list(self.first_apm)
        return self.apms[row, node]
