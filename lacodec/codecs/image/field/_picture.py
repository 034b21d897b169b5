"""The synthesis forth and back, as numba kernels: latents of all levels --> samples, error --> gradients.

levels --widened to full size--> 7 features --> 24 --> channels --two 3x3 filters, each added to what it gets--> picture
"""

import numpy as np

from lacodec.codecs.image.field._rows import F32, add_gradients, apply, apply_back, inexact, rectify, rectify_back

_FAR, _NEAR = F32(0.25), F32(0.75)


@inexact
def widen_rows(level: np.ndarray, out: np.ndarray) -> None:
    """Twice as many rows, as many as `out` has."""
    last = level.shape[0] - 1
    for y in range(out.shape[0]):
        here = y >> 1
        other = min(here + 1, last) if y & 1 else max(here - 1, 0)
        for x in range(level.shape[1]):
            out[y, x] = _NEAR * level[here, x] + _FAR * level[other, x]


@inexact
def widen_columns(level: np.ndarray, out: np.ndarray) -> None:
    """Twice as many columns, as many as `out` has."""
    last, width = level.shape[1] - 1, out.shape[1]
    for y in range(level.shape[0]):
        row, to = level[y], out[y]
        for x in range(last + 1):
            middle = _NEAR * row[x]
            to[2 * x] = middle + _FAR * row[max(x - 1, 0)]
            if 2 * x + 1 < width:
                to[2 * x + 1] = middle + _FAR * row[min(x + 1, last)]


@inexact
def widen_rows_back(slopes: np.ndarray, level: np.ndarray) -> None:
    """Adds to `level` what `widen_rows` has to get of `slopes`."""
    last = level.shape[0] - 1
    for y in range(slopes.shape[0]):
        here = y >> 1
        other = min(here + 1, last) if y & 1 else max(here - 1, 0)
        for x in range(level.shape[1]):
            level[here, x] += _NEAR * slopes[y, x]
        for x in range(level.shape[1]):
            level[other, x] += _FAR * slopes[y, x]


@inexact
def widen_columns_back(slopes: np.ndarray, level: np.ndarray) -> None:
    """Sets `level` to what `widen_columns` has to get of `slopes`."""
    last, width = level.shape[1] - 1, slopes.shape[1]
    for y in range(level.shape[0]):
        row, to = slopes[y], level[y]
        for x in range(last + 1):
            left = row[2 * x]
            right = row[2 * x + 1] if 2 * x + 1 < width else F32(0.0)
            to[x] = _NEAR * (left + right)
        for x in range(last + 1):
            to[max(x - 1, 0)] += _FAR * row[2 * x]
            if 2 * x + 1 < width:
                to[min(x + 1, last)] += _FAR * row[2 * x + 1]


@inexact
def colour(features: np.ndarray, weights: tuple[np.ndarray, ...], picture: np.ndarray, work: tuple[np.ndarray, ...]) -> None:
    """Features [LEVELS, height, width] to picture [channels, height + 2, width + 2], whose border stays.

    work: two arrays [LEVELS, width], two [WIDTH, width], one [channels, width]; rows lie in them without gaps, for speed.
    """
    first, first_bias, second, second_bias = weights
    row, _, hidden, _, samples = work
    n = features.shape[2]
    for y in range(features.shape[1]):
        _take(features, y, 0, row)
        apply(first, first_bias, row, hidden, n)
        rectify(hidden, n)
        apply(second, second_bias, hidden, samples, n)
        for c in range(samples.shape[0]):
            for x in range(n):
                picture[c, y + 1, x + 1] = samples[c, x]


@inexact
def colour_back(
    features: np.ndarray,
    weights: tuple[np.ndarray, ...],
    slopes: np.ndarray,
    feature_slopes: np.ndarray,
    weight_slopes: tuple[np.ndarray, ...],
    work: tuple[np.ndarray, ...],
) -> None:
    """Sets `feature_slopes`, adds to `weight_slopes`, of the slopes of a picture; all as in `colour`."""
    first, first_bias, second, _ = weights
    first_slopes, first_bias_slopes, second_slopes, second_bias_slopes = weight_slopes
    row, row_slopes, hidden, hidden_slopes, samples = work
    n = features.shape[2]
    for y in range(features.shape[1]):
        _take(features, y, 0, row)
        _take(slopes, y + 1, 1, samples)
        apply(first, first_bias, row, hidden, n)
        rectify(hidden, n)
        add_gradients(hidden, samples, second_slopes, second_bias_slopes, n)
        apply_back(second, samples, hidden_slopes, n)
        rectify_back(hidden, hidden_slopes, n)
        add_gradients(row, hidden_slopes, first_slopes, first_bias_slopes, n)
        apply_back(first, hidden_slopes, row_slopes, n)
        for k in range(row.shape[0]):
            for x in range(n):
                feature_slopes[k, y, x] = row_slopes[k, x]


@inexact
def _take(planes: np.ndarray, y: int, left: int, row: np.ndarray) -> None:
    """Row y of all planes, from column `left` on."""
    for k in range(row.shape[0]):
        for x in range(row.shape[1]):
            row[k, x] = planes[k, y, x + left]


@inexact
def repeat_edges(picture: np.ndarray) -> None:
    """The border of [channels, height + 2, width + 2] gets what lies beside it."""
    for c in range(picture.shape[0]):
        for y in range(1, picture.shape[1] - 1):
            picture[c, y, 0], picture[c, y, -1] = picture[c, y, 1], picture[c, y, -2]
        for x in range(picture.shape[2]):
            picture[c, 0, x], picture[c, -1, x] = picture[c, 1, x], picture[c, -2, x]


@inexact
def fold_edges(slopes: np.ndarray) -> None:
    """What came to the border goes where its samples are from; the border is zero afterwards."""
    for c in range(slopes.shape[0]):
        for x in range(slopes.shape[2]):
            slopes[c, 1, x] += slopes[c, 0, x]
            slopes[c, -2, x] += slopes[c, -1, x]
            slopes[c, 0, x] = slopes[c, -1, x] = F32(0.0)
        for y in range(1, slopes.shape[1] - 1):
            slopes[c, y, 1] += slopes[c, y, 0]
            slopes[c, y, -2] += slopes[c, y, -1]
            slopes[c, y, 0] = slopes[c, y, -1] = F32(0.0)


@inexact
def filtered(picture: np.ndarray, weights: np.ndarray, bias: np.ndarray, out: np.ndarray) -> None:
    """The inside of `out` = picture + filter(picture), both [channels, height + 2, width + 2], with borders."""
    n = picture.shape[2] - 2
    for c in range(picture.shape[0]):
        for y in range(picture.shape[1] - 2):
            to = out[c, y + 1, 1:-1]
            for x in range(n):
                to[x] = picture[c, y + 1, x + 1] + bias[c]
            for d in range(picture.shape[0]):
                for dy in range(3):
                    row, own = picture[d, y + dy], weights[c, d, dy]
                    a, b, e = own[0], own[1], own[2]
                    for x in range(n):
                        to[x] += a * row[x] + b * row[x + 1] + e * row[x + 2]


@inexact
def filtered_back(
    picture: np.ndarray,
    weights: np.ndarray,
    slopes: np.ndarray,
    picture_slopes: np.ndarray,
    weight_slopes: np.ndarray,
    bias_slopes: np.ndarray,
) -> None:
    """Sets `picture_slopes`, borders folded, of the slopes of what `filtered` gives; adds to those of the weights."""
    n = picture.shape[2] - 2
    for d in range(picture.shape[0]):
        for y in range(picture.shape[1]):
            for x in range(n + 2):
                picture_slopes[d, y, x] = slopes[d, y, x]
    for c in range(picture.shape[0]):
        for y in range(picture.shape[1] - 2):
            own = slopes[c, y + 1, 1:-1]
            total = F32(0.0)
            for x in range(n):
                total += own[x]
            bias_slopes[c] += total
            for d in range(picture.shape[0]):
                for dy in range(3):
                    row, to, parts = picture[d, y + dy], picture_slopes[d, y + dy], weights[c, d, dy]
                    a, b, e = F32(0.0), F32(0.0), F32(0.0)
                    for x in range(n):
                        a += own[x] * row[x]
                        b += own[x] * row[x + 1]
                        e += own[x] * row[x + 2]
                    gradients = weight_slopes[c, d, dy]
                    gradients[0] += a
                    gradients[1] += b
                    gradients[2] += e
                    for dx in range(3):
                        part = parts[dx]
                        for x in range(n):
                            to[x + dx] += part * own[x]
    fold_edges(picture_slopes)


@inexact
def error_slopes(picture: np.ndarray, wanted: np.ndarray, scale: float, slopes: np.ndarray) -> float:
    """Mean squared error; slopes = scale * difference, zero in the border. wanted: without border."""
    total = 0.0
    scale = F32(scale)
    for c in range(wanted.shape[0]):
        for y in range(wanted.shape[1]):
            row = F32(0.0)
            for x in range(wanted.shape[2]):
                apart = picture[c, y + 1, x + 1] - wanted[c, y, x]
                row += apart * apart
                slopes[c, y + 1, x + 1] = scale * apart
            total += row
    return total / wanted.size
