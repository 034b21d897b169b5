"""Least squares for stencils, in loops of one order: the same data give the same stencils on every machine."""

import numpy as np

from lacodec.kernels.jit import kernel


@kernel
def gather(field, known, places, offsets, around, values):  # type: ignore[no-untyped-def]
    """around, f64[samples, taps], and values, f64[samples]: `known` at places + offsets, and the field at places."""
    for i in range(np.uint64(len(places))):
        values[i] = field[np.uint64(places[i])]
        for k in range(np.uint64(len(offsets))):
            around[i, k] = known[np.uint64(places[i] + offsets[k])]


@kernel
def cost(around, values, weights, noise, step):  # type: ignore[no-untyped-def]
    """About how many bits a residual takes; `noise`: the variance that known points will have."""
    extra, total, unit = 0.0, 0.0, 8.0 / (step * step)
    for k in range(len(weights)):
        extra += weights[k] * weights[k] * noise
    for i in range(np.uint64(len(values))):
        error = values[i]
        for k in range(np.uint64(len(weights))):
            error -= around[i, k] * weights[k]
        total += _log2(1.0 + (error * error + extra) * unit)
    return 0.5 * total / len(values)


@kernel
def _log2(x):  # type: ignore[no-untyped-def]
    """log2 of x, from 1 on, straight between powers of two."""
    if not x < 1e300:
        return 1000.0
    power = 0.0
    while x >= 65536.0:
        x *= 1.52587890625e-05
        power += 16.0
    while x >= 2.0:
        x *= 0.5
        power += 1.0
    return power + x - 1.0


@kernel
def solve(around, values, noise, matrix, weights):  # type: ignore[no-untyped-def]
    """weights, f64[taps], that sum to 1, with the least squared error; returns whether there are any.

    matrix: f64[taps - 1, taps], zeros.
    """
    count = len(weights) - 1
    for i in range(np.uint64(len(values))):
        base = around[i, 0]
        for k in range(np.uint64(count)):
            one = around[i, k + np.uint64(1)] - base
            for m in range(k, np.uint64(count)):
                matrix[k, m] += one * (around[i, m + np.uint64(1)] - base)
            matrix[k, np.uint64(count)] += one * (values[i] - base)
    ridge = noise * len(values)
    for k in range(count):  # the first weight is 1 less the others, and has its noise, too
        for m in range(k, count):
            matrix[k, m] += ridge
        matrix[k, k] += ridge + 1e-13 * matrix[k, k]
        matrix[k, count] += ridge
        for m in range(k):
            matrix[k, m] = matrix[m, k]
    for k in range(count):
        pivot = matrix[k, k]
        if not pivot > 0.0 or not pivot < 1e300:
            return False
        for r in range(k + 1, count):
            factor = matrix[r, k] / pivot
            for m in range(k, count + 1):
                matrix[r, m] -= factor * matrix[k, m]
    rest = 1.0
    for k in range(count - 1, -1, -1):
        total = matrix[k, count]
        for m in range(k + 1, count):
            total -= matrix[k, m] * weights[m + 1]
        weights[k + 1] = total / matrix[k, k]
        rest -= weights[k + 1]
    weights[0] = rest
    return True
