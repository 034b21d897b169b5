"""The kernels of codec `audio.lossless`: predict every sample, code what is left, learn; the same loop in both directions.

    samples of all channels --least squares--> residual --cascade of LMS filters--> predictions of every stage
    predictions --small least squares--> best prediction        predictions, scales --`_decisions`--> range coder

Doubles, but only + - x / and square root in a fixed order (`kernels.float_vector`), so every machine predicts the same. The
structure follows what is known of OptimFROG, Monkey's Audio and S. Lehmann's SAC; tables and constants are our own.
"""

from typing import Any

import numpy as np

from lacodec.codecs.audio.lossless._decisions import clamp, code_sample
from lacodec.codecs.audio.lossless._state import (
    CHANNELS,
    DECODING,
    FRAMES,
    HIGHEST,
    KEEP,
    KEEP_LONG,
    LOWEST,
    MIX,
    MIX_KEEP,
    MU,
    ORDER,
    OTHER,
    OWN,
    PAD,
    RANGES,
    RIDGE,
    SCALE_FAST,
    SECOND,
    SLACK,
    SOLVE,
    STAGES,
    TAPS,
    TINY,
    Model,
)
from lacodec.entropy.mixing import POSITION, finish, start
from lacodec.kernels.float_vector import add_scaled, dot, fade_and_add
from lacodec.kernels.jit import flat_kernel, inlined

_SINGULAR = 1e-9  # a pivot, ridge included, that rounding errors of nearly dependent columns leave: nothing is solved for


@flat_kernel
def code(m: Model, begin: int, end: int) -> Any:
    """Code frames begin..end of `samples` into `stream`, or the other way round, after those before; returns the frames done
    since the first one: `end`, or fewer where the stream ended."""
    if begin == 0:
        start(m)
    plan = m.plan
    channels, frames = np.uint64(plan[CHANNELS]), np.uint64(plan[FRAMES])
    stride = np.uint64(PAD) + frames
    limit = np.int64(m.stream.size) + 64
    for t in range(np.uint64(begin), np.uint64(end)):
        for c in range(channels):
            at = c * stride + np.uint64(PAD) + t
            _predict(m, c, t, stride)
            x = code_sample(m, c, m.samples[at])
            m.samples[at] = x
            _learn(m, c, np.float64(x), np.int64(t) % plan[SOLVE] == 0)
        if m.registers[POSITION] > limit:
            return np.int64(t)
    if np.uint64(end) == frames and not plan[DECODING]:
        finish(m)
    return np.int64(end)


@inlined
def _predict(m: Model, c: np.uint64, t: np.uint64, stride: np.uint64) -> None:
    """Fill `centers`: the final prediction, that of least squares, and the sums after each filter."""
    plan, window, samples = m.plan, m.window, m.samples
    own, other, order, stages = np.uint64(plan[OWN]), np.uint64(plan[OTHER]), plan[ORDER], np.uint64(plan[STAGES])
    at = c * stride + np.uint64(PAD) + t
    for i in range(own):
        window[i] = np.float64(samples[at - own + i])
    if plan[CHANNELS] > 1:
        partner = c ^ np.uint64(1)
        if partner >= np.uint64(plan[CHANNELS]):
            partner = c - np.uint64(1)
        at = partner * stride + np.uint64(PAD) + t + np.uint64(partner < c) - other
        for i in range(other):
            window[own + i] = np.float64(samples[at + i])
    total = dot(window, 0, m.weights, np.int64(c) * order, order)
    m.mix_inputs[0] = total
    m.centers[1] = total
    for s in range(stages):
        place = (c * stages + s) * np.uint64(3)
        oldest = m.places[place + np.uint64(1)] + m.places[place + np.uint64(2)]
        p = dot(m.taps, m.places[place], m.history, oldest, plan[np.uint64(TAPS) + s])
        m.mix_inputs[np.uint64(1) + s] = p
        total += p
        m.centers[np.uint64(2) + s] = total
    if plan[SECOND]:
        long = dot(window, 0, m.weights, np.int64(c + np.uint64(plan[CHANNELS])) * order, order)
        m.mix_inputs[np.uint64(1) + stages] = long
        m.centers[np.uint64(2) + stages] = long
    best = dot(m.mix_inputs, 0, m.mix_weights, np.int64(c) * MIX, MIX) if stages else total
    m.centers[0] = clamp(best, np.float64(plan[LOWEST]), np.float64(plan[HIGHEST]))


@inlined
def _learn(m: Model, c: np.uint64, x: float, solve: bool) -> None:
    """Teach every stage the true sample."""
    plan, rates = m.plan, m.rates
    order, stages = plan[ORDER], np.uint64(plan[STAGES])
    _learn_squares(m.matrix, m.factor, m.moments, m.weights, m.window, np.int64(c), order, rates[KEEP], rates[RIDGE], x, solve)
    if plan[SECOND]:
        long, keep = np.int64(c) + plan[CHANNELS], rates[KEEP_LONG]
        _learn_squares(m.matrix, m.factor, m.moments, m.weights, m.window, long, order, keep, rates[RIDGE], x, solve)
    _learn_filters(m, c, x)
    if stages:
        keep = rates[MIX_KEEP]
        _learn_squares(
            m.mix_matrix, m.factor, m.mix_moments, m.mix_weights, m.mix_inputs, np.int64(c), MIX, keep, rates[RIDGE], x, solve
        )
    _learn_deviations(m, c, x)


@inlined
def _learn_filters(m: Model, c: np.uint64, x: float) -> None:
    """Normalised least mean squares: each filter learns what those before it left over."""
    stages = np.uint64(m.plan[STAGES])
    rest = x - m.centers[1]
    for s in range(stages):
        place = (c * stages + s) * np.uint64(3)
        taps, base, position = m.places[place], m.places[place + np.uint64(1)], m.places[place + np.uint64(2)]
        n = m.plan[np.uint64(TAPS) + s]
        error = rest - m.mix_inputs[np.uint64(1) + s]
        energy = c * stages + s
        oldest = m.history[np.uint64(base + position)]
        step = m.rates[np.uint64(MU) + s] * error / (m.energy[energy] + 1.0 + np.float64(n))
        add_scaled(m.taps, taps, m.history, base + position, n, step)
        m.energy[energy] = max(m.energy[energy] + (rest * rest - oldest * oldest), 0.0)
        m.history[np.uint64(base + position + n)] = rest
        position += 1
        if position == SLACK:
            for i in range(np.uint64(n)):
                m.history[np.uint64(base) + i] = m.history[np.uint64(base + position) + i]
            position = 0
        m.places[place + np.uint64(2)] = position
        rest = error


@inlined
def _learn_deviations(m: Model, c: np.uint64, x: float) -> None:
    """Mean absolute errors of all predictions, at three speeds."""
    for i in range(np.uint64(2 + m.plan[STAGES] + m.plan[SECOND])):
        away = abs(x - m.centers[i])
        at = (c * np.uint64(MIX) + i) * np.uint64(RANGES)
        for r in range(np.uint64(RANGES)):
            m.deviations[at + r] += (away - m.deviations[at + r]) * m.rates[np.uint64(SCALE_FAST) + r] + TINY


@inlined
def _learn_squares(
    matrix: np.ndarray,
    factor: np.ndarray,
    moments: np.ndarray,
    weights: np.ndarray,
    window: np.ndarray,
    c: int,
    n: int,
    keep: float,
    ridge: float,
    x: float,
    solve: bool,
) -> None:
    """Recursive least squares by the covariance method; the weights are solved for by Cholesky's method when `solve`."""
    base, start_ = c * n * n, c * n
    for i in range(n):
        fade_and_add(matrix, base + i * n, window, (i + 8) & -8, keep, window[np.uint64(i)], TINY)
    fade_and_add(moments, start_, window, n, keep, x, TINY)
    if solve:
        _solve(matrix, factor, moments, weights, base, start_, n, ridge)


@flat_kernel
def _solve(
    matrix: np.ndarray, factor: np.ndarray, moments: np.ndarray, weights: np.ndarray, base: int, start_: int, n: int, ridge: float
) -> None:
    """weights = (matrix + ridge)^-1 moments; unchanged when the matrix is not positive definite."""
    count = np.uint64(n)
    a0, w0 = np.uint64(base), np.uint64(start_)
    for i in range(count):
        row = i * count
        for j in range(count):
            factor[row + j] = 0.0
        for j in range(i + np.uint64(1)):
            value = matrix[a0 + row + j] - dot(factor, np.int64(row), factor, np.int64(j * count), (np.int64(j) + 7) & -8)
            if j < i:
                factor[row + j] = value * factor[j * count + j]
            else:
                value += ridge
                if not value > _SINGULAR:
                    return
                factor[row + i] = 1.0 / np.sqrt(value)  # the diagonal holds reciprocals: its own rows never meet it in `dot`
    for i in range(count):
        total = moments[w0 + i]
        for j in range(np.uint64(i)):
            total -= factor[i * count + j] * weights[w0 + j]
        weights[w0 + i] = total * factor[i * count + i]
    for k in range(count):
        row = count - np.uint64(1) - k
        total = weights[w0 + row]
        for j in range(row + np.uint64(1), count):
            total -= factor[j * count + row] * weights[w0 + j]
        weights[w0 + row] = total * factor[row * count + row]
