"""The searches of a fit that try much: directions of a lattice, azimuths of columns. For the encoder alone."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import kernel

U = np.uint64
PHASES = 512
"""Parts of a turn in the table of cosines and sines."""
_LEAST_STEP, _MOST_STEP, _USUAL_STEP = 30, 36, 33  # hundredths of degrees that a column lasts
_PER_SLOT = 0.83
_LEAST_POINTS = 4


@kernel
def concentration(points, directions, unit, waves, out):  # type: ignore[no-untyped-def]
    """out, f64[n]: how much the phases of points, f64[k, 3], agree along each direction, f64[n, 3]: 0 to 1.

    waves, f64[PHASES, 2]: cosines and sines of the middles of parts of a turn.
    """
    count = U(len(points))
    for i in range(U(len(directions))):
        x, y, z = directions[i, U(0)] / unit, directions[i, U(1)] / unit, directions[i, U(2)] / unit
        cosines, sines = 0.0, 0.0
        for j in range(count):
            turns = points[j, U(0)] * x + points[j, U(1)] * y + points[j, U(2)] * z
            at = U(np.int64((turns - np.floor(turns)) * PHASES)) & U(PHASES - 1)
            cosines += waves[at, U(0)]
            sines += waves[at, U(1)]
        out[i] = np.sqrt(cosines * cosines + sines * sines) / np.float64(count)


@kernel
def columns_from(azimuth, good, away, slots, circle, found, scores, sample):  # type: ignore[no-untyped-def]
    """found, i64[columns, 2]: first azimuth and duration by what most points say; scores: points that agree, points asked.

    azimuth, i64[columns, rings]; good: points that may be asked, away: those farther than that are better; sample: f64[rings].
    """
    rings = U(azimuth.shape[1])
    slots_in_column = 40
    first, step = 0, _USUAL_STEP
    for c in range(U(len(azimuth))):
        far = np.int64(0)
        for r in range(rings):
            far += np.int64(good[c, r] and away[c, r])
        asked = U(0)
        for r in range(rings):
            if good[c, r] and (far < _LEAST_POINTS or away[c, r]):
                value = np.float64(azimuth[c, r]) - np.float64(slots[r]) * _PER_SLOT
                at = asked
                while at and sample[at - U(1)] > value:
                    sample[at] = sample[at - U(1)]
                    at -= U(1)
                sample[at] = value
                asked += U(1)
        if asked:
            half = asked >> U(1)
            near = np.int64(sample[half] if asked & U(1) else (sample[half] + sample[half - U(1)]) / 2)
            best: Any = -1
            for tried in range(near - 2, near + 3):
                for lasts in range(_LEAST_STEP, _MOST_STEP + 1):
                    agree: Any = np.int64(0)
                    for r in range(rings):
                        if good[c, r] and (far < _LEAST_POINTS or away[c, r]):
                            exact = (slots_in_column * tried + slots[r] * lasts + slots_in_column // 2) // slots_in_column
                            agree += np.int64((exact - azimuth[c, r]) % circle == 0)
                    score = 100 * agree - abs(lasts - _USUAL_STEP)
                    if score > best:
                        best, first, step = score, tried, lasts
                        scores[c, U(0)] = agree
            scores[c, U(1)] = np.int64(asked)
        else:
            first += step
        found[c, U(0)], found[c, U(1)] = first, step


@kernel
def right_points(mapped, wanted, others, turned, centre, spacings, single, bits):  # type: ignore[no-untyped-def]
    """How many points come out right to the bit, in one coordinate, if the origin is at `centre` along an axis of the map.

    mapped, f64[n]: along the axis; wanted, f32[n]: the coordinate in the file; others, f64[n]: the part of it that the other axes
    make; turned: the share that this axis has; spacings: of float32 numbers, by exponent; single and bits: the memory of one.
    """
    right = np.int64(0)
    for i in range(U(len(mapped))):
        at = centre + mapped[i]
        single[U(0)] = np.float32(abs(at))
        step = spacings[(U(bits[U(0)]) >> U(23)) & U(255)]
        snapped = np.floor(at / step + 0.5) * step - centre
        right += np.int64(np.float32(others[i] + snapped * turned) == wanted[i])
    return right
