"""Samples of all channels from a stream: predict every sample, decode what is left, learn.

    samples of both channels --least squares--> residual --cascade of LMS filters--> predictions of every stage
    predictions --small least squares--> best prediction         predictions, deviations --`Decisions`--> sample

Doubles, but only + - x / and square root, in the order that is written here.
"""

import numpy as np

from reference.audio_decisions import Decisions
from reference.audio_profiles import KEEP, MIX_KEEP, RIDGE, SPEEDS, Profile, profile
from reference.audio_squares import TINY, Squares
from reference.range_coder import RangeDecoder
from reference.stream import need
from reference.vectors import dot, padded

PAD = 64  # zeros before the first sample of each channel
MIX = 8  # numbers that the last least squares looks at
READ_AHEAD = 3


def decode(data: bytes, channels: int, frames: int, lowest: int, highest: int, effort: int) -> list[list[int]]:
    """The samples of each channel, all from `lowest` to `highest`."""
    plan = profile(effort)
    if not channels or not frames:
        need(not data, "it ends in another place than its samples")
        return [[] for _ in range(channels)]
    coder = RangeDecoder(data)
    samples = [[0] * PAD for _ in range(channels)]
    decisions = Decisions(plan, channels, lowest, highest, coder)
    models = [Channel(plan, samples, c, float(lowest), float(highest)) for c in range(channels)]
    for t in range(frames):
        for c, model in enumerate(models):
            model.predict()
            x = decisions.sample(c, model.centers, model.deviations)
            model.learn(float(x), t % plan.solve == 0)
            samples[c].append(x)
    need(coder.at == len(data) + READ_AHEAD, "it ends in another place than its samples")
    return [row[PAD:] for row in samples]


class Channel:
    """One channel. centers: the final prediction, that of least squares, the sums after each filter, the second least squares.

    deviations: for each center the mean size of its errors, at three speeds.
    """

    def __init__(self, plan: Profile, samples: list[list[int]], c: int, lowest: float, highest: float) -> None:
        self.plan, self.samples, self.c, self.lowest, self.highest = plan, samples, c, lowest, highest
        self.partner = None
        if len(samples) > 1:
            self.partner = c ^ 1 if c ^ 1 < len(samples) else c - 1
        n = padded(plan.own + (plan.other if self.partner is not None else 0))
        self.window = np.zeros(n)
        self.squares = Squares(n, KEEP, RIDGE)
        self.long = Squares(n, plan.keep_long, RIDGE) if plan.keep_long else None
        self.filters = [Filter(taps, mu) for taps, mu in zip(plan.taps, plan.mu, strict=True)]
        stages = len(self.filters)
        self.mix = Squares(MIX, MIX_KEEP, RIDGE, [1.0] * (stages + 1) + [0.0] * (MIX - stages - 1))
        self.inputs = np.zeros(MIX)
        self.centers: list[float] = []
        self.deviations = [[32.0] * len(SPEEDS) for _ in range(2 + stages + (self.long is not None))]

    def predict(self) -> None:
        """Fill `centers`. The partner's sample of the same time is known if it comes before this channel."""
        own, other = self.plan.own, self.plan.other
        window = self.samples[self.c][-own:]
        if self.partner is not None:
            window = window + self.samples[self.partner][-other:]
        self.window[: len(window)] = window
        total = self.squares.predict(self.window)
        self.inputs[0] = total
        sums = [total]
        for s, each in enumerate(self.filters):
            self.inputs[1 + s] = each.predict()
            total += each.said
            sums.append(total)
        if self.long:
            self.inputs[1 + len(self.filters)] = self.long.predict(self.window)
            sums.append(float(self.inputs[1 + len(self.filters)]))
        best = self.mix.predict(self.inputs) if self.filters else total
        self.centers = [min(best, self.highest) if best > self.lowest else self.lowest, *sums]

    def learn(self, x: float, solve: bool) -> None:
        """Teach every stage the true sample."""
        self.squares.learn(self.window, x, solve)
        if self.long:
            self.long.learn(self.window, x, solve)
        rest = x - self.centers[1]
        for each in self.filters:
            rest = each.learn(rest)
        if self.filters:
            self.mix.learn(self.inputs, x, solve)
        for center, deviations in zip(self.centers, self.deviations, strict=True):
            away = abs(x - center)
            for r, speed in enumerate(SPEEDS):
                deviations[r] += (away - deviations[r]) * speed + TINY


class Filter:
    """A normalised LMS filter: predicts what the stages before it leave from what they left before."""

    def __init__(self, n: int, mu: float) -> None:
        self.n, self.mu = n, mu
        self.taps, self.history = np.zeros(n), np.zeros(n)  # the oldest first
        self.energy = self.said = 0.0

    def predict(self) -> float:
        """What will be left."""
        self.said = dot(self.taps, self.history)
        return self.said

    def learn(self, rest: float) -> float:
        """Take in what was left; returns what this filter leaves of it."""
        error = rest - self.said
        oldest = float(self.history[0])
        self.taps += self.history * (self.mu * error / (self.energy + 1.0 + float(self.n)))
        self.energy = max(self.energy + (rest * rest - oldest * oldest), 0.0)
        self.history = np.append(self.history[1:], rest)
        return error
