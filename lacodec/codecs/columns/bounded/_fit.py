"""Stencils fitted to the data, on samples: least squares, with the error that the known points will have."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._fit_kernel import cost, gather, solve
from lacodec.codecs.columns.bounded._passes import AXES, Offset, Pass
from lacodec.codecs.columns.bounded._stencil import Stencil, plain, rounded, taps, unit, write
from lacodec.codecs.fields import Writer

Floats = NDArray[np.float64]
_SAMPLES = 2048
_LEAST = 256  # points without which nothing is fitted
_PER_TAP = 8  # samples without which nothing is fitted
_LARGEST = 1000.0  # weight: others are of no use
_PRECISIONS = (1, 3, 5)  # of weights, to try


def fit(field: Floats, of: Pass, step: float, fitting: bool) -> Stencil:
    """The stencil that promises the fewest bits; field: f64[n], all points."""
    if not of.members or of.count() < _LEAST:
        return plain(of, of.members)
    offsets = taps(of) if fitting else plain(of, of.members).taps
    places = _places(of, offsets)
    if not len(places):
        return plain(of, of.members)
    around, values = np.empty((len(places), len(offsets))), np.empty(len(places))
    gather(field, places, np.array([of.flat(offset) for offset in offsets], np.int64), around, values)
    noise = step * step / 12  # of errors that are even within a step
    where = {offset: k for k, offset in enumerate(offsets)}
    candidates = [plain(of, edge) for edge in _edges(of)]
    if fitting and len(places) >= _PER_TAP * len(offsets):
        candidates += _fitted(of.members, around, values, offsets, noise)
    best, least = candidates[0], np.inf
    for stencil in candidates:
        weights = np.zeros(len(offsets))
        weights[[where[tap] for tap in stencil.taps]] = stencil.weights
        bits = cost(around, values, weights, noise, step) * of.count() + _size(stencil)
        if bits < least:
            best, least = stencil, bits
    return best


def _size(stencil: Stencil) -> int:
    """Bits that it takes."""
    out = Writer()
    write(out, stencil)
    return 8 * len(out.data)


def _edges(of: Pass) -> list[int]:
    """Which axes may count: all of the class, or one."""
    return [of.members] + [1 << (AXES - 1 - axis) for axis in of.axes if len(of.axes) > 1]


def _places(of: Pass, offsets: tuple[Offset, ...]) -> NDArray[np.int64]:
    """Sampled points for which all offsets are inside the array."""
    down, up = of.reach(list(offsets))
    ranges = []
    for axis, n in enumerate(of.shape):
        first = of.begin(axis)
        first += -(-max(0, down[axis] - first) // (2 * of.stride)) * 2 * of.stride
        ranges.append(range(first, n - up[axis], 2 * of.stride))
    total = int(np.prod([len(r) for r in ranges], dtype=np.int64))
    if not total:
        return np.empty(0, np.int64)
    chosen = np.arange(total) if total <= _SAMPLES else np.arange(_SAMPLES) * total // _SAMPLES
    if total > _SAMPLES:  # a hash moves each within its share: no rhythm of the data is met
        chosen = chosen + (np.arange(_SAMPLES) * 40503 % 65536 * (total // _SAMPLES) >> 16)
    flat, scale = np.zeros(len(chosen), np.int64), 1
    for axis in range(AXES - 1, -1, -1):
        chosen, index = np.divmod(chosen, len(ranges[axis]))
        flat += (ranges[axis].start + index * 2 * of.stride) * scale
        scale *= of.shape[axis]
    return flat


def _fitted(edge: int, around: Floats, values: Floats, offsets: tuple[Offset, ...], noise: float) -> list[Stencil]:
    """The stencil of least squares, if there is one, with weights of several precisions."""
    count, weights = len(offsets), np.zeros(len(offsets))
    if not solve(around, values, noise, np.zeros((count - 1, count)), weights) or not np.abs(weights).max() < _LARGEST:
        return []
    return [rounded(edge, offsets, np.rint(weights[1:] * unit(p)).astype(np.int64).tolist(), p) for p in _PRECISIONS]
