"""Where the car's lines begin and end: first where the places of points without a return bend, then by price. Encoder alone."""

import numpy as np

from lacodec.codecs.points.moving._frame import Frame
from lacodec.codecs.points.moving._motion import FREE_US, Fit, Fitter
from lacodec.codecs.points.moving.sensor import PACKET

_LEAST = 16  # columns between knots


def first_knots(frame: Frame, phase: int, least: int = 12) -> list[int]:
    """Columns where the line through the places of points without a return breaks: greedily the longest stretches."""
    columns = np.flatnonzero(frame.there)
    placed = frame.placed[frame.there] * 1e6
    at = columns + phase
    tau = FREE_US[0] * (at // PACKET) + FREE_US[1] * (at % PACKET)
    tolerance = 1.15 * np.array([*(np.maximum(frame.units[:2] * 1e6 * 0.51, 0.2) + 1.2), 0.085])

    def straight(a: int, b: int) -> bool:
        for axis in (2, 0, 1):
            line = np.polyfit(tau[a:b] - tau[a], placed[a:b, axis], 1)
            off = placed[a:b, axis] - np.polyval(line, tau[a:b] - tau[a])
            bad = np.abs(off - (off.max() + off.min()) / 2) > tolerance[axis]
            if bad.mean() > 0.004 and bad.sum() > 1:
                return False
        return True

    knots, i, n = [0], 0, len(columns)
    while i < n - 2:
        stop, step = i + 3, 64
        while step:
            while stop + step <= n and straight(i, stop + step):
                stop += step
            step //= 2
        if stop >= n:
            break
        knots.append(int(columns[stop - 1] + columns[stop] + 1) // 2)
        i = stop
    found = [0]
    for knot in knots[1:]:
        if knot - found[-1] >= least or (len(found) == 1 and knot >= 2):
            found.append(knot)
    if len(frame.points) - found[-1] < least and len(found) > 1:
        found.pop()
    return found


def costs(fit: Fit, coarse: np.ndarray) -> np.ndarray:
    """About how many bits the points of each column are off, f64[columns]."""
    bits = np.zeros(fit.good.shape)
    for axis in range(3):
        off = fit.off[:, :, axis]
        if coarse[axis]:
            steps = np.maximum(0, np.ceil((off - 1) / 2))
            bits += np.where(steps > 0, 5 + 2 * np.log2(1 + steps), 0)
        else:
            bits += 1.5 * np.log2(1 + np.minimum(off, 1e4))
    return (bits * fit.good).sum(axis=1)


def refine_knots(fitter: Fitter, fit: Fit, rounds: int, price: float = 200.0) -> Fit:
    """Split segments where that saves more bits than a knot costs, then join those where it does not."""
    coarse = fitter.frame.coarse
    for _ in range(rounds):
        gains, places = _splits(fitter, fit)
        new = [int(at) for at, gain in zip(places, gains, strict=True) if gain > price]
        if not new:
            break
        fit = fitter.fit(fit.places, fit.vectors, sorted(fit.starts + new))
    for odd in (1, 0, 1, 0):
        dropped = {start for i, start in enumerate(fit.starts) if i and i % 2 == odd}
        if not rounds or not dropped:
            continue
        fewer = fitter.fit(fit.places, fit.vectors, [start for start in fit.starts if start not in dropped], 5)
        before, after = np.cumsum([0, *costs(fit, coarse)]), np.cumsum([0, *costs(fewer, coarse)])
        ends = [*fewer.starts[1:], len(before) - 1]
        kept = list(fit.starts)
        for start, stop in zip(fewer.starts, ends, strict=True):
            inside = [at for at in fit.starts if start < at < stop]
            if inside and (after[stop] - after[start]) - (before[stop] - before[start]) < price * 0.9:
                kept.remove(inside[0])
        if len(kept) < len(fit.starts):
            fit = fitter.fit(fit.places, fit.vectors, kept)
    return fit


def _splits(fitter: Fitter, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """(bits saved, column) of the best split of each segment."""
    columns = len(fit.basis)
    ends = [*fit.starts[1:], columns]
    before = np.cumsum([0, *costs(fit, fitter.frame.coarse)])
    gains, places = np.zeros(len(fit.starts)), np.zeros(len(fit.starts), int)
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        middles = [round(a + share * (b - a)) for a, b in zip(fit.starts, ends, strict=True)]
        fits = [
            b - a >= 2 * _LEAST and _LEAST <= m - a <= b - a - _LEAST for a, b, m in zip(fit.starts, ends, middles, strict=True)
        ]
        tried = sorted(fit.starts + [m for m, good in zip(middles, fits, strict=True) if good])
        after = np.cumsum([0, *costs(fitter.fit(fit.places, fit.vectors, tried, 4), fitter.frame.coarse)])
        for i, (a, b) in enumerate(zip(fit.starts, ends, strict=True)):
            gain = (before[b] - before[a]) - (after[b] - after[a])
            if fits[i] and gain > gains[i]:
                gains[i], places[i] = gain, middles[i]
    return gains, places
