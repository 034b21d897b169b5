"""The pixel model: method 2 of a group of channels.

    payload = u8 effort, u8 s (sizes are classed in units: multiplied by 2 ** -s), range coder's bytes

    neighbours --> least squares, simple predictors --blended by the errors around--> regression --> mean
    errors around --> regression --> classes --> two scales                                            |
    soft predictions (means and scales), counted contexts --> decisions --> value --> everything learns

Rows are decoded plane by plane, each plane one row behind the one before it, whose next row it sees as well.
"""

import numpy as np

from reference.image_contexts import Around, More, Scales, Seen, contexts, selects, step_bits_of
from reference.image_decisions import Decisions
from reference.image_fit import Fit
from reference.image_setup import SIMPLE, Setup, setup
from reference.image_similar import Similar
from reference.image_squares import Squares, gather
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

PAD = 4  # pixels of margin above and beside a plane
READ_AHEAD = 2  # bytes that a decoder has read past the end
MAX_SHIFT, MAX_WIDTH = 12, 1024
LEARNED_WEIGHT = 2.0  # of least squares against the others in the blend


def decode(payload: bytes, shape: tuple[int, int, int], top: int) -> np.ndarray:
    """Whole numbers 0..top of `shape` (1 or 3 planes in coding order, height, width)."""
    stream = Stream(payload)
    effort, shift = stream.byte(), stream.byte()
    need(shift <= MAX_SHIFT and shape[2] <= MAX_WIDTH, "an impossible pixel model")
    coder = RangeDecoder(stream.rest())
    tile = Tile(setup(effort), shape, top, 1.0 / (1 << shift), coder)
    planes, height, width = shape
    for step in range(height + planes - 1):
        for p in range(planes):
            if 0 <= step - p < height:
                tile.row(p, step - p)
    need(coder.at == len(coder.data) + READ_AHEAD, "it ends in another place than its pixels")
    return tile.pixels[:, PAD:-1, PAD : PAD + width]


class Tile:
    """All that is known of a tile so far.

    errors: sizes of the errors of each predictor, and of the mean (last), of four rows; signed: errors of the mean. Both lie in
    rings of four rows: in the last row of a plane, the row below is still what was there four rows before.
    """

    def __init__(self, setup: Setup, shape: tuple[int, int, int], top: int, unit: float, coder: RangeDecoder | None) -> None:
        """coder: what decisions are read from, if values are."""
        planes, self.height, self.width = shape
        self.setup, self.top, self.unit = setup, float(top), unit
        self.predictors = self.setup.squares + SIMPLE
        self.pixels = np.full((planes, PAD + self.height + 1, PAD + self.width + PAD), (top + 1) // 2)
        self.errors = np.zeros((planes, 4, PAD + self.width + PAD, self.predictors + 1))
        self.signed = np.zeros((planes, 4, PAD + self.width + PAD))
        self.squares = [Squares(self.setup, p, self.width) for p in range(planes)]
        self.similar = [Similar(squares, self.height, unit) if self.setup.reach else None for squares in self.squares]
        self.scales = [Scales() for _ in range(planes)]
        self.fits = [self._fits(p) for p in range(planes)]
        if coder:
            self.decisions = Decisions(self.setup, top, coder)

    def _fits(self, p: int) -> tuple[Fit, Fit]:
        """The regressions of the blend's error, and of the size of the mean's."""
        period, width = self.setup.fit_period, self.width
        mean = Fit(5 + 5 * p + self.predictors, 0.997, [], period, width)
        return mean, Fit(16 + 5 * p, 0.995, [0.25, 0.25, 0.125, 0.125, 0.125], period, width)

    def row(self, p: int, y: int) -> None:
        """Decode a row. Margins repeat what lies beside them; the left one, of pixels, the first pixel of the row above."""
        pixels, errors, width = self.pixels[p], self.errors[p], self.width
        now, then = y % 4, (y + 1) % 4
        pixels[y + PAD, :PAD] = pixels[y + PAD - 1, PAD]
        self.squares[p].start_row()
        for x in range(width):
            self.pixel(p, y, x)
        pixels[y + PAD, width + PAD :] = pixels[y + PAD, width + PAD - 1]
        errors[now, width + PAD :] = errors[now, width + PAD - 1]
        errors[then, :PAD] = errors[now, PAD]
        if y + 1 == self.height:
            pixels[y + PAD + 1] = pixels[y + PAD]

    def pixel(self, p: int, y: int, x: int) -> None:
        """Decode a pixel and learn from it."""
        unit, at, now = self.unit, x + PAD, y % 4
        around = self.around(p, y + PAD, at)
        sample = gather(self.pixels, p, self.squares[p].taps, y + PAD, at)
        centre = (around.w + around.n) * 0.5
        guesses = [centre + each for each in self.squares[p].predict(sample, x)]
        near = self.near(p, y, at)
        similar = self.similar[p]
        if similar:
            guesses.append(centre + similar.predict(sample, y, x, near[-1] * (1.0 / 7.0)))
        guesses = [min(max(guess, 0.0), self.top) for guess in [*guesses, *simple(around)]]
        blend = self.blend(guesses, near)
        mean_fit, size_fit = self.fits[p]
        mean = blend + mean_fit.predict(x, self.mean_features(p, y, at, guesses, blend))
        mean = min(max(mean, 0.0), self.top) if mean == mean else blend
        seen = self.seen(p, y, at, around, near[0])
        foreseen = size_fit.predict(x, self.size_features(p, y, at, around, guesses, mean))
        energy = seen.energy
        foreseen = min(max(foreseen, energy * 0.125), energy * 8.0 + 1.0) if foreseen == foreseen else energy
        scale1, scale2 = self.scales[p].look(foreseen, seen)
        scale = (scale1 + scale2) * 0.5

        means, slopes = self.softs(mean, blend, scale1, scale2, guesses, near)
        step_bits = step_bits_of(scale, unit)
        slots = contexts(self.setup, p, step_bits, mean, unit, scale, around, seen, self.more(p, y, at, around))
        value = self.decisions.value(mean, step_bits, means, slopes, slots, *selects(p, mean, scale, around, seen))

        self.pixels[p, y + PAD, at] = value
        v = float(value)
        size = abs(v - mean)
        self.errors[p, now, at] = [*(abs(v - guess) for guess in guesses), size]
        self.signed[p, now, at] = v - mean
        variance = scale * scale
        self.scales[p].learn(size * unit)
        mean_fit.learn(x, v - blend, unit * unit / (variance + 4.0))
        size_fit.learn(x, size * unit, 1.0 / (variance + 6.0))
        weight = unit * unit / (variance + 4.0)
        if similar:
            similar.remember(sample, y, x, v - centre, weight)
        self.squares[p].learn(x, v - centre, weight)

    def around(self, p: int, row: int, at: int) -> Around:
        """The pixels next to this one and, in the plane before, next to the same place."""
        own = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-2, 1))
        other = ((0, 0), (0, -1), (-1, 0), (-1, -1), (-1, 1))
        found = [float(self.pixels[p, row + dy, at + dx]) for dy, dx in own]
        found += [float(self.pixels[p - 1, row + dy, at + dx]) if p else 0.0 for dy, dx in other]
        return Around(*found)

    def near(self, p: int, y: int, at: int) -> list[float]:
        """For each predictor, and for the mean (last), the weighted sum of the sizes of its errors around."""
        now, above = self.errors[p, y % 4], self.errors[p, (y - 1) % 4]
        found = (now[at - 1] + above[at]) * 2.0 + above[at + 1] + above[at - 1] + now[at - 2]
        energy = (now[at - 1, -1] + above[at, -1]) * 2.0
        energy += above[at - 1, -1] + above[at + 1, -1] + now[at - 2, -1]
        return [*found[:-1].tolist(), float(energy)]

    def blend(self, guesses: list[float], near: list[float]) -> float:
        """The mean of the guesses, weighted by the squares of their errors around."""
        weight_sum, blend = 0.0, 0.0
        for i, guess in enumerate(guesses):
            weight = 1.0 / (near[i] * self.unit + 1.0)
            weight = weight * weight
            if i < self.setup.squares:
                weight = weight * LEARNED_WEIGHT
            blend += weight * guess
            weight_sum += weight
        return blend / weight_sum

    def mean_features(self, p: int, y: int, at: int, guesses: list[float], blend: float) -> list[float]:
        """Signed errors around and in the planes before; where each guess lies against the blend."""
        now, above, below = y % 4, (y - 1) % 4, (y + 1) % 4
        own = self.signed[p]
        features = [own[now, at - 1], own[above, at], own[above, at - 1], own[above, at + 1], own[now, at - 2]]
        for before in self.signed[:p]:
            features += [before[now, at], before[now, at - 1], before[now, at + 1], before[below, at], before[above, at]]
        return features + [guess - blend for guess in guesses]

    def size_features(
        self, p: int, y: int, at: int, around: Around, guesses: list[float], mean: float
    ) -> list[float]:  # fmt: skip
        """Sizes of errors around and in the planes before, steps between neighbours, how far guesses lie from the mean."""
        now, above, below = y % 4, (y - 1) % 4, (y + 1) % 4
        own, a, e = self.errors[p, :, :, -1], around, self.setup.squares
        features = [own[now, at - 1], own[above, at], own[above, at - 1], own[above, at + 1], own[now, at - 2]]
        features += [own[above, at + 2], own[above, at - 2], own[(y - 2) % 4, at]]
        features += [abs(a.w - a.nw), abs(a.n - a.nw), abs(a.ne - a.n)]
        features += [abs(guesses[i] - mean) for i in (0, 1, e, e + 1)]
        features = [feature * self.unit for feature in features] + [1.0]
        for before in self.errors[:p, :, :, -1]:
            more = [before[now, at], before[now, at - 1], before[now, at + 1], before[below, at], before[above, at]]
            features += [feature * self.unit for feature in more]
        return features

    def seen(self, p: int, y: int, at: int, around: Around, first_near: float) -> Seen:
        """Errors around in units. In the first plane, steps between neighbours stand for the plane before."""
        now, above, below, unit = y % 4, (y - 1) % 4, (y + 1) % 4, self.unit
        own = self.errors[p, :, :, -1]
        error_w, error_n = float(own[now, at - 1]) * unit, float(own[above, at]) * unit
        corners = float(own[above, at - 1] + own[above, at + 1] + own[now, at - 2])
        energy = ((error_w + error_n) * 2.0 + corners * unit) * (1.0 / 7.0)
        if p == 0:
            a = around
            rough = abs(a.w - a.nw) + abs(a.n - a.nw) + abs(a.ne - a.n)
            return Seen(error_w, error_n, energy, first_near * unit * 0.2, rough * unit * 0.25, 0.0)
        before = self.errors[p - 1, :, :, -1]
        error_other = float(before[now, at]) * unit
        cross = float(before[now, at - 1] + before[now, at + 1] + before[below, at])
        energy_other = (cross * unit + error_other) * 0.25
        return Seen(error_w, error_n, energy, error_other, energy_other, float(self.signed[p - 1, now, at]) * unit)

    def more(self, p: int, y: int, at: int, around: Around) -> More:
        """What the last eight contexts look at besides."""
        now, above, unit = y % 4, (y - 1) % 4, self.unit
        signed_w, signed_n = float(self.signed[p, now, at - 1]) * unit, float(self.signed[p, above, at]) * unit
        signed_first = float(self.signed[0, now, at]) * unit if p > 1 else signed_n
        return More(signed_w, signed_n, signed_first, int(self.pixels[0, y + PAD, at] if p > 1 else around.w))

    def softs(
        self, mean: float, blend: float, scale1: float, scale2: float, guesses: list[float], near: list[float]
    ) -> tuple[list[float], list[float]]:
        """Means, and one over the scales: four around the mean or the blend, one around each of the first guesses."""
        unit = self.unit
        means = [mean, mean, blend, mean]
        slopes = [unit / (scale1 + 0.05), unit / (scale2 + 0.05), unit / (scale2 * 0.45 + 0.05), unit / (scale1 * 1.8 + 0.1)]
        scale = (scale1 + scale2) * 0.5
        for i in range(self.setup.softs - 4):
            means.append(guesses[i])
            slopes.append(unit / (near[i] * unit * (0.8 / 7.0) + scale * 0.075 + 0.1))
        return means, slopes


def simple(a: Around) -> list[float]:
    """Seven predictors without any learning."""
    return [
        _median(a.w, a.n, a.nw),
        a.other + _median(a.w - a.other_w, a.n - a.other_n, a.nw - a.other_nw),
        a.w + (a.ne - a.n) * 0.5 + (a.other - a.other_w - (a.other_ne - a.other_n) * 0.5),
        (a.w + a.n) * 0.5
        + (a.other - (a.other_w + a.other_n) * 0.5)
        + (a.ne - a.nw) * 0.25
        - (a.other_ne - a.other_nw) * 0.25,
        a.w + a.other - a.other_w,
        a.n + a.other - a.other_n,
        a.n + a.ne - a.nne,
    ]  # fmt: skip


def _median(a: float, b: float, c: float) -> float:
    """Of left a, upper b, and their sum less the upper left c."""
    return min(max(a + b - c, min(a, b)), max(a, b))
