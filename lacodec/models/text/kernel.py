"""Kernels of `ops` for one CPU thread: one pass over memory each, float32 arrays in and out; `*_back` are their gradients."""

import numpy as np

from lacodec.kernels.jit import kernel

_REACH = np.float32(127 / 16)
_UNIT = np.float32(16)
_PART = np.float32(1 / 16)
_HALF = np.float32(0.5)
_ONE = np.float32(1)
_ZERO = np.float32(0)
_EPSILON = np.float32(1e-5)
_SMALL = np.float32(1e-20)

_inexact = kernel(fastmath={"reassoc", "contract", "nsz", "arcp"})


@_inexact
def norm(x, out, scales, rounding):  # type: ignore[no-untyped-def]
    """x, out [n, c]; scales [n]: what each row was multiplied with."""
    rows, width = x.shape
    for i in range(rows):
        total = _ZERO
        for c in range(width):
            total += x[i, c] * x[i, c]
        scale = _ONE / np.sqrt(total / np.float32(width) + _EPSILON)
        scales[i] = scale
        for c in range(width):
            out[i, c] = min(max(x[i, c] * scale, -_REACH), _REACH)
        if rounding:
            for c in range(width):
                out[i, c] = np.floor(out[i, c] * _UNIT + _HALF) * _PART


@_inexact
def norm_back(x, scales, gradient, result):  # type: ignore[no-untyped-def]
    """result: the gradient of x."""
    rows, width = x.shape
    for i in range(rows):
        scale = scales[i]
        total = _ZERO
        for c in range(width):
            g = gradient[i, c] if abs(x[i, c] * scale) <= _REACH else _ZERO
            result[i, c] = g
            total += g * x[i, c]
        common = total * scale * scale * scale / np.float32(width)
        for c in range(width):
            result[i, c] = result[i, c] * scale - x[i, c] * common


@_inexact
def taps(x, weights, sums, out, rounding):  # type: ignore[no-untyped-def]
    """x, sums, out [n, t, c], weights [taps, c]."""
    rows, length, width = x.shape
    for n in range(rows):
        for t in range(length):
            for c in range(width):
                sums[n, t, c] = weights[0, c] * x[n, t, c]
            for k in range(1, min(len(weights), t + 1)):
                for c in range(width):
                    sums[n, t, c] += weights[k, c] * x[n, t - k, c]
            for c in range(width):
                out[n, t, c] = min(max(sums[n, t, c], -_REACH), _REACH)
            if rounding:
                for c in range(width):
                    out[n, t, c] = np.floor(out[n, t, c] * _UNIT + _HALF) * _PART


@_inexact
def taps_back(x, weights, sums, gradient, result, of_weights):  # type: ignore[no-untyped-def]
    """result and of_weights start as zeros."""
    rows, length, width = x.shape
    passed = np.empty(width, np.float32)
    for n in range(rows):
        for t in range(length):
            for c in range(width):
                passed[c] = gradient[n, t, c] if abs(sums[n, t, c]) <= _REACH else _ZERO
            for k in range(min(len(weights), t + 1)):
                for c in range(width):
                    result[n, t - k, c] += weights[k, c] * passed[c]
                for c in range(width):
                    of_weights[k, c] += x[n, t - k, c] * passed[c]


@_inexact
def recurrence(z, sigmoids, h, out, rounding):  # type: ignore[no-untyped-def]
    """z [n, t, 3r] clamped: values, memory gates, output gates; sigmoids [n, t, 2r] of the gates; h and out [n, t, r]."""
    rows, length, r = h.shape
    before = np.empty(r, np.float32)
    for n in range(rows):
        before[:] = _ZERO
        for t in range(length):
            for c in range(r):
                a = sigmoids[n, t, c]
                now = a * before[c] + np.sqrt(_ONE - a * a) * z[n, t, c]
                before[c] = now
                h[n, t, c] = now
                y = now * z[n, t, 2 * r + c] * sigmoids[n, t, r + c]
                out[n, t, c] = min(max(y, -_REACH), _REACH)
            if rounding:
                for c in range(r):
                    out[n, t, c] = np.floor(out[n, t, c] * _UNIT + _HALF) * _PART


@_inexact
def recurrence_back(raw, z, sigmoids, h, gradient, result):  # type: ignore[no-untyped-def]
    """raw [n, t, 3r]: what was clamped to z; result: its gradient."""
    rows, length, r = h.shape
    carried, before = np.empty(r, np.float32), np.empty(r, np.float32)
    for n in range(rows):
        carried[:] = _ZERO
        for t in range(length - 1, -1, -1):
            for c in range(r):
                before[c] = h[n, t - 1, c] if t > 0 else _ZERO
            for c in range(r):
                a, s = sigmoids[n, t, c], sigmoids[n, t, r + c]
                value, gate, now = z[n, t, c], z[n, t, 2 * r + c], h[n, t, c]
                dy = gradient[n, t, c] if abs(now * gate * s) <= _REACH else _ZERO
                dh = carried[c] + dy * gate * s
                root = np.sqrt(_ONE - a * a)
                da = dh * (before[c] - a / max(root, _SMALL) * value)
                carried[c] = dh * a
                dv = dh * root
                dm = da * a * (_ONE - a)
                dg = dy * now * s * (_ONE + gate * (_ONE - s))
                result[n, t, c] = dv if abs(raw[n, t, c]) <= _REACH else _ZERO
                result[n, t, r + c] = dm if abs(raw[n, t, r + c]) <= _REACH else _ZERO
                result[n, t, 2 * r + c] = dg if abs(raw[n, t, 2 * r + c]) <= _REACH else _ZERO


@_inexact
def swiglu(z, sigmoids, out, rounding):  # type: ignore[no-untyped-def]
    """z [n, 2h] clamped, sigmoids [n, h] of the second half, out [n, h]."""
    rows, half = out.shape
    for i in range(rows):
        for c in range(half):
            y = z[i, c] * z[i, half + c] * sigmoids[i, c]
            out[i, c] = min(max(y, -_REACH), _REACH)
        if rounding:
            for c in range(half):
                out[i, c] = np.floor(out[i, c] * _UNIT + _HALF) * _PART


@_inexact
def swiglu_back(raw, z, sigmoids, gradient, result):  # type: ignore[no-untyped-def]
    """raw [n, 2h]: what was clamped to z; result: its gradient."""
    rows, half = gradient.shape
    for i in range(rows):
        for c in range(half):
            value, gate, s = z[i, c], z[i, half + c], sigmoids[i, c]
            dy = gradient[i, c] if abs(value * gate * s) <= _REACH else _ZERO
            dv = dy * gate * s
            dg = dy * value * s * (_ONE + gate * (_ONE - s))
            result[i, c] = dv if abs(raw[i, c]) <= _REACH else _ZERO
            result[i, half + c] = dg if abs(raw[i, half + c]) <= _REACH else _ZERO
