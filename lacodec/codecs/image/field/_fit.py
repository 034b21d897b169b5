"""Fits a field to a picture: gradient descent on squared error + price x bits, by the kernels of `_rate` and `_picture`.

The networks begin as they were for other pictures at about this price (`start.npz`, by tools/train_field.py; longer fits try that
of the next prices, too), latents at zero.

first steps: latents are rounded softly, with noise that shrinks     then the changes of the weights are rounded, by the numbers
of fractional bits at which error + price x bits is least     last steps: all is rounded, and the networks adapt to that
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacodec.codecs.image.field import _network as net
from lacodec.codecs.image.field import _picture as picture
from lacodec.codecs.image.field import _start as start
from lacodec.codecs.image.field._kernel import HIDDEN, INPUTS, MAX_LATENT, PAD
from lacodec.codecs.image.field._network import FILTERS, GAIN, LEVELS, WIDTH, Network, coloured, widened
from lacodec.codecs.image.field._payload import Field, encode_field, weights_size
from lacodec.codecs.image.field._rate import code_rows
from lacodec.codecs.image.field._rows import BLOCK, adam, latent_slopes, padded, soften, sums_of
from lacodec.codecs.image.field._soap import Layer

_SOFT = 0.85  # of the steps
_SOFTNESS, _NOISE = (0.35, 0.08), (0.22, 0.15)  # of soft rounding, at the beginning and the end, as Cool-Chic has them
_LATENT_RATE, _CONTEXT_RATE = 0.1, 0.016  # Adam
_SYNTHESIS_RATE, _MOST_SYNTHESIS_RATE = 1.7, 0.06  # SOAP: the first by the root of the number of steps, but at most the second
_FULL = 60000  # pixels: networks of smaller pictures are moved less, in which changes are too dear
_LAST_RATE = 0.1  # of those, at the end of the first steps
_WARM = 0.2  # of the first steps, in which the networks' rates rise: no latents teach them that there will be none
_HARD_RATE = 0.001  # of the networks, in the last steps: moved any further, latents gain nothing
_SEED = 2026
_BITS = range(2, 11)  # fractional ones of weights
_CONTEXT_BITS, _SYNTHESIS_BITS = 5, 9  # where their search begins
_TRIED_FROM = 1000  # steps, of which a 20th is tried with three starts
_TRIAL = 0.05
_BAND = 128  # rows of the picture that errors are counted in for it

Shifts = tuple[list[int], list[int]]
"""Fractional bits of what is added to the weights, by array of context and synthesis."""


@dataclass(frozen=True)
class Rates:
    """By which a step moves things."""

    latents: float
    context: float
    synthesis: float


class _Parameters:
    """Numbers that are fitted, with their gradients and what Adam remembers."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.ascontiguousarray(values, np.float32)
        self.slopes, self._means, self._squares = (np.zeros_like(self.values) for _ in range(3))

    def step(self, rate: float, number: int) -> None:
        """Down the gradient, which is zero afterwards."""
        flat = (array.reshape(-1) for array in (self.values, self.slopes, self._means, self._squares))
        adam(*flat, rate, number)


class Model:
    """A field whose numbers are floats."""

    def __init__(self, pixels: np.ndarray, price: float, begin: int, pool: ThreadPoolExecutor | None = None) -> None:
        """begin: number of a start. pool: has a thread for half of each step."""
        height, width, channels = pixels.shape
        self._pool = pool
        self._pixels, self._price, self.count = pixels, price, height * width
        self._wanted = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255.0)
        self._random = np.random.default_rng(_SEED)
        self._shapes = net.level_shapes(height, width)
        self.latents = _Parameters(np.zeros(sum(rows * columns for rows, columns in self._shapes)))
        self._bend = np.ones_like(self.latents.values)
        self._noise = self._random.standard_normal(2 * self._bend.size, np.float32)
        self._begin, self._start = begin, start.networks(channels, begin)
        context, synthesis = ([_Parameters(array) for array in arrays] for arrays in self._start)
        self.context, self.synthesis = context, synthesis
        hidden = np.maximum(synthesis[1].values, 0.0)
        synthesis[3].values[:] = self._wanted.mean((1, 2)) - hidden @ synthesis[2].values  # a picture without latents is gray
        self.shifts: Shifts | None = None  # of the weights that are rounded
        self._levels = [np.zeros((rows + 2 * PAD, columns + 2 * PAD), np.float32) for rows, columns in self._shapes]
        self._levels.append(np.zeros_like(self._levels[-1]))  # the parent of the coarsest one: zeros
        self._level_slopes = [np.zeros_like(level) for level in self._levels]
        self._picture_slopes = [np.zeros(shape, np.float32) for shape in self._shapes]
        sizes = (INPUTS, INPUTS, HIDDEN, HIDDEN, HIDDEN, HIDDEN, 2, 2)
        self._work = tuple(np.zeros((size, BLOCK), np.float32) for size in sizes)
        self._width = padded(width)
        self._features, self._feature_slopes = (np.zeros((LEVELS, height, self._width), np.float32) for _ in range(2))
        self._ways = _ways(self._shapes, self._features)
        shape = channels, height + 2 * picture.MARGIN, self._width + picture.SPARE
        self._pictures, self._slopes = ([np.zeros(shape, np.float32) for _ in range(FILTERS + 1)] for _ in range(2))
        self._rows = tuple(np.zeros((size, BLOCK), np.float32) for size in (WIDTH, WIDTH, channels))
        self._starts = picture.plane_starts(self._features), picture.plane_starts(self._slopes[0])
        self._filter_starts = picture.filter_starts(self._slopes[0], 1), picture.filter_starts(self._slopes[0], -1)
        pairs = zip(self.synthesis[::2], self.synthesis[1::2], strict=True)
        self._layers = [Layer((one.values, one.slopes), (other.values, other.slopes)) for one, other in pairs]
        self._number = 0

    def step(self, rates: Rates, soft: tuple[float, float] | None) -> None:
        """One step. soft: softness of rounding and noise; None: latents are rounded."""
        self._number += 1
        self._round(soft)
        context, synthesis = self._weights()
        if self._pool is None:
            self._compare(synthesis)
            self._count_bits(context)
        else:
            comparing = self._pool.submit(self._compare, synthesis)
            self._count_bits(context)
            comparing.result()
        for k, slopes in enumerate(self._split(self.latents.slopes)):
            latent_slopes(self._level_slopes[k], self._picture_slopes[k], self._split(self._bend)[k], slopes)
        self.latents.step(rates.latents, self._number)
        for each in self.context:
            each.step(rates.context, self._number)
        for layer in self._layers:
            layer.step(rates.synthesis)

    def field(self, shifts: Shifts) -> Field:
        """With changes of weights that have so many fractional bits."""
        whole = np.clip(np.rint(self.latents.values), -MAX_LATENT, MAX_LATENT).astype(np.int32)
        networks = [[each.values for each in network] for network in (self.context, self.synthesis)]
        parts = zip(networks, shifts, self._start, strict=True)
        return Field(self._begin, self._split(whole), *(_changes(*part) for part in parts))

    def cost(self) -> float:
        """Error + price x bits, if all were rounded now."""
        field = self.field(self._first_shifts())
        error = np.square(net.synthesise(field.latents, field.synthesis) - self._pixels.astype(np.float64)).mean()
        return float(error + self._price * 8 * len(encode_field(field)) / self.count)

    def cheapest(self) -> Shifts:
        """By array: fewer bits or more, as long as that pays."""
        shifts = self._first_shifts()
        middle = max(0, self._pixels.shape[0] - _BAND) // 2
        band = slice(middle, middle + _BAND)
        features, wanted = widened(self.field(shifts).latents)[band], self._pixels[band].astype(np.float64)

        def synthesis_cost() -> float:
            network = self.field(shifts).synthesis
            error = np.square(coloured(features, network) - wanted).mean()
            return float(error + self._price * 8 * weights_size(network) / self.count)

        for k in range(len(self.synthesis)):
            _descend(shifts[1], k, synthesis_cost)
        for k in range(len(self.context)):
            _descend(shifts[0], k, lambda: len(encode_field(self.field(shifts))))
        return shifts

    def _first_shifts(self) -> Shifts:
        return [_CONTEXT_BITS] * len(self.context), [_SYNTHESIS_BITS] * len(self.synthesis)

    def _split(self, flat: np.ndarray) -> list[np.ndarray]:
        """By level, of all latents in a row."""
        found, at = [], 0
        for rows, columns in self._shapes:
            found.append(flat[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        return found

    def _round(self, soft: tuple[float, float] | None) -> None:
        """Fill the levels."""
        shift = self._random.integers(self._bend.size)
        noise, values, bend = map(self._split, (self._noise[shift:], self.latents.values, self._bend))
        if soft is None:
            self._bend[:] = 1.0
        for k, level in enumerate(self._levels[:-1]):
            if soft is None:
                level[PAD:-PAD, PAD:-PAD] = np.rint(values[k])
            else:
                soften(values[k], noise[k], *soft, level, bend[k])

    def _weights(self) -> list[list[np.ndarray]]:
        """Of both networks, rounded or not."""
        networks = [[each.values for each in network] for network in (self.context, self.synthesis)]
        if self.shifts is None:
            return networks
        parts = zip(networks, self.shifts, self._start, strict=True)
        return [[each.astype(np.float32) for each in _changes(*part).weights] for part in parts]

    def _count_bits(self, weights: list[np.ndarray]) -> None:
        """Set the gradients of price x bits for the levels; add to those of the context's weights."""
        price = self._price / self.count
        sums = [each.slopes if k % 2 else sums_of(each.slopes) for k, each in enumerate(self.context)]
        for slopes in self._level_slopes:
            slopes[:] = 0.0
        for k in range(LEVELS):
            (level, parent), (own, coarse) = self._levels[k : k + 2], self._level_slopes[k : k + 2]
            code_rows(level, parent, net.at_level(weights, k), own, coarse, net.at_level(sums, k), price, self._work)
        for each, found in zip(self.context[::2], sums[::2], strict=True):
            each.slopes += found.sum(2)

    def _compare(self, weights: list[np.ndarray]) -> None:
        """Set the gradients of the error for the levels; add to those of the synthesis' weights."""
        for k in range(LEVELS):
            self._widen(k)
        head, filters = tuple(weights[:4]), weights[4::2]
        slopes, width = [each.slopes for each in self.synthesis], self._wanted.shape[2]
        picture.colour(self._features, head, self._pictures[0], self._starts[0], self._rows[0])
        for k, kernel in enumerate(filters):
            picture.repeat_edges(self._pictures[k], width)
            rows = np.ascontiguousarray(kernel.transpose(1, 2, 3, 0)).reshape(-1, len(kernel))
            bias, starts, out = weights[5 + 2 * k], self._filter_starts[0], self._pictures[k + 1]
            picture.filtered(self._pictures[k], rows, bias, starts, self._width, out)
        scale = 2.0 * 255.0**2 / self._wanted.size
        picture.error_slopes(self._pictures[-1], self._wanted, scale, self._slopes[-1])
        for k in range(FILTERS - 1, -1, -1):
            rows = np.ascontiguousarray(filters[k].transpose(0, 2, 3, 1)).reshape(-1, len(filters[k]))
            sums, turned = sums_of(rows), slopes[4 + 2 * k].transpose(1, 2, 3, 0)
            own, coming = self._slopes[k], self._slopes[k + 1]
            parts = sums, slopes[5 + 2 * k]
            picture.filtered_back(self._pictures[k], rows, coming, own, parts, self._filter_starts, self._width)
            picture.fold_edges(own, width)
            turned += sums.sum(2).reshape(turned.shape)
        head_sums = sums_of(head[0]), slopes[1], sums_of(head[2]), slopes[3]
        picture.colour_back(self._features, head, self._slopes[0], self._feature_slopes, head_sums, self._starts, self._rows)
        slopes[0] += head_sums[0].sum(2)
        slopes[2] += head_sums[2].sum(2)
        for k in range(LEVELS):
            self._narrow(k)

    def _widen(self, k: int) -> None:
        """Level k into its feature."""
        now = self._levels[k][PAD:-PAD, PAD:-PAD] * np.float32(GAIN)
        for (wider, taller), (_, columns) in zip(self._ways[k], self._shapes[:k][::-1], strict=True):
            picture.widen_rows(now, taller)
            picture.widen_columns(taller, wider, columns)
            now = wider
        if k == 0:
            self._features[0, :, : now.shape[1]] = now

    def _narrow(self, k: int) -> None:
        """Gradients of a feature to those of level k, in the place of the values on the way, which are needed no more."""
        slopes, way = self._feature_slopes[k], self._ways[k]
        for j in range(k - 1, -1, -1):
            taller, coarse = way[j][1], way[j - 1][0] if j else self._picture_slopes[k]
            picture.widen_columns_back(slopes, taller, self._shapes[k - 1 - j][1])
            coarse[:] = 0.0
            picture.widen_rows_back(taller, coarse)
            slopes = coarse
        rows, columns = self._shapes[k]
        np.multiply(slopes[:rows, :columns], np.float32(GAIN), out=self._picture_slopes[k])


def _ways(shapes: list[tuple[int, int]], features: np.ndarray) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """For each level, on the way to its feature: arrays with more rows and columns, and with more rows."""
    ways = []
    for k in range(LEVELS):
        way = []
        for finer in range(k - 1, -1, -1):
            wider = features[k] if finer == 0 else np.zeros(shapes[finer], np.float32)
            way.append((wider, np.zeros((shapes[finer][0], shapes[finer + 1][1]), np.float32)))
        ways.append(way)
    return ways


def fit(pixels: np.ndarray, price: float, steps: int, step_done: Callable[[], None], threads: int = 1) -> Field:
    """The field of uint8[height, width, channels] at `price` (squared error for a bit per pixel); `step_done` after each step.

    It is the same with two threads as with one; more do not help.
    """
    if threads == 1:
        return _fit(pixels, price, steps, step_done, None)
    with ThreadPoolExecutor(1) as pool:
        return _fit(pixels, price, steps, step_done, pool)


def _fit(pixels: np.ndarray, price: float, steps: int, step_done: Callable[[], None], pool: ThreadPoolExecutor | None) -> Field:
    soft_steps, near = max(1, int(steps * _SOFT)), start.nearest(price)
    tried, model = 0, Model(pixels, price, near, pool)
    if steps >= _TRIED_FROM:
        tried = int(steps * _TRIAL)
        fit_softly(model, soft_steps, step_done, (0, tried))
        for begin in {max(near - 1, 0), min(near + 1, len(start.PRICES) - 1)} - {near}:
            other = Model(pixels, price, begin, pool)
            fit_softly(other, soft_steps, lambda: None, (0, tried))
            model = min(model, other, key=Model.cost)
    fit_softly(model, soft_steps, step_done, (tried, soft_steps))
    model.shifts = model.cheapest()
    for step in range(soft_steps, steps):
        factor = (steps - step) / (steps - soft_steps)
        model.step(Rates(0.0, _HARD_RATE * factor, _HARD_RATE * factor), None)
        step_done()
    return model.field(model.shifts)


def fit_softly(model: Model, steps: int, step_done: Callable[[], None], part_of_them: tuple[int, int]) -> None:
    """Some of the first steps, of which there are so many."""
    size = min(1.0, model.count / _FULL)
    context_rate, synthesis_rate = size * _CONTEXT_RATE, size * min(_SYNTHESIS_RATE / steps**0.5, _MOST_SYNTHESIS_RATE)
    for step in range(*part_of_them):
        part = step / steps
        factor = 0.5 * (1.0 + np.cos(np.pi * part)) * (1.0 - _LAST_RATE) + _LAST_RATE
        softness, noise = (first + (last - first) * part for first, last in (_SOFTNESS, _NOISE))
        warm = factor * min(1.0, part / _WARM)
        model.step(Rates(_LATENT_RATE * factor, context_rate * warm, synthesis_rate * warm), (softness, noise))
        step_done()


def _descend(shifts: list[int], k: int, cost: Callable[[], float]) -> None:
    """To a number of bits at which neither one less nor one more costs less."""
    least = cost()
    for way in (-1, 1):
        while shifts[k] + way in _BITS:
            shifts[k] += way
            now = cost()
            if now >= least:
                shifts[k] -= way
                break
            least = now


def _changes(weights: list[Any], shifts: list[int], start: list[np.ndarray]) -> Network:
    """From a start to weights."""
    parts = zip(weights, shifts, start, strict=True)
    return Network([np.rint((now - was) * (1 << bits)).astype(np.int64) for now, bits, was in parts], shifts, start)
