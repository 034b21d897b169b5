"""The synthesis forth and back, as numba kernels: latents of all levels --> samples, error --> gradients.

levels --widened to full size--> 7 features --> 24 --> channels --two 3x3 filters, each added to what it gets--> picture
"""

import numpy as np

from lacodec.codecs.image.field._rows import (
    BLOCK,
    F32,
    STARTS,
    add_gradients,
    add_totals,
    inexact,
    layer_back,
    multiply,
    rectify,
    rectify_back,
)

_FAR, _NEAR = F32(0.25), F32(0.75)
MARGIN = 2
"""Places around a picture: one repeats its edges, and slopes need two."""
SPARE = 64  # places in a row of a picture, beside those of `padded`


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
def widen_columns(level: np.ndarray, out: np.ndarray, width: int) -> None:
    """Twice as many columns, `width` of them."""
    last = level.shape[1] - 1
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
def widen_columns_back(slopes: np.ndarray, level: np.ndarray, width: int) -> None:
    """Sets `level` to what `widen_columns` has to get of `slopes`."""
    last = level.shape[1] - 1
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


def plane_starts(planes: np.ndarray) -> np.ndarray:
    """Where each plane of [planes, height, width] begins."""
    return np.arange(planes.shape[0]) * (planes.shape[1] * planes.shape[2])


def filter_starts(picture: np.ndarray, side: int) -> np.ndarray:
    """Where inputs of a 3x3 filter begin, by [channel, row, column], for the first place inside.

    side -1: for the gradients of its inputs.
    """
    channels, height, width = picture.shape
    c, dy, dx = np.mgrid[0:channels, -1:2, -1:2]
    return ((c * height + MARGIN + side * dy) * width + MARGIN + side * dx).reshape(-1)


@inexact
def colour(
    features: np.ndarray,
    weights: tuple[np.ndarray, ...],
    picture: np.ndarray,
    starts: np.ndarray,
    hidden: np.ndarray,
) -> None:
    """Features [LEVELS, height, padded width] to the inside of a picture [channels, height + 2 * MARGIN, ...].

    starts: of the planes of features. hidden: [WIDTH, BLOCK].
    """
    _, _, second, second_bias = weights
    _, height, width = features.shape
    channels, rows, stride = picture.shape
    for y in range(height):
        for left in range(0, width, BLOCK):
            n = min(BLOCK, width - left)
            _hidden_of(features, weights, starts, y * width + left, hidden, n)
            for c in range(channels):
                for x in range(n):
                    picture[c, y + MARGIN, left + MARGIN + x] = second_bias[c]
            place = (y + MARGIN) * stride + left + MARGIN, rows * stride
            multiply(second, channels, 1, hidden, STARTS[: hidden.shape[0]], 0, picture, place, channels, n)


@inexact
def _hidden_of(
    features: np.ndarray, weights: tuple[np.ndarray, ...], starts: np.ndarray, shift: int, hidden: np.ndarray, n: int
) -> None:
    first, first_bias = weights[0], weights[1]
    for j in range(hidden.shape[0]):
        for x in range(n):
            hidden[j, x] = first_bias[j]
    multiply(first, hidden.shape[0], 1, features, starts, shift, hidden, (0, BLOCK), hidden.shape[0], n)
    rectify(hidden, n)


@inexact
def colour_back(
    features: np.ndarray,
    weights: tuple[np.ndarray, ...],
    slopes: np.ndarray,
    feature_slopes: np.ndarray,
    sums: tuple[np.ndarray, ...],
    starts: tuple[np.ndarray, np.ndarray],
    work: tuple[np.ndarray, ...],
) -> None:
    """Sets `feature_slopes`, adds to `sums` of gradients, of the slopes of a picture; all as in `colour`.

    starts: of the planes of features and slopes. work: two arrays [WIDTH, BLOCK], one [channels, BLOCK].
    """
    first, _, second, _ = weights
    first_sums, first_bias_sums, second_sums, second_bias_sums = sums
    hidden, hidden_slopes, samples = work
    _, height, width = features.shape
    channels = slopes.shape[0]
    for y in range(height):
        for left in range(0, width, BLOCK):
            n, shift = min(BLOCK, width - left), y * width + left
            _hidden_of(features, weights, starts[0], shift, hidden, n)
            for c in range(channels):
                for x in range(n):
                    samples[c, x] = slopes[c, y + MARGIN, left + MARGIN + x]
            add_totals(samples, second_bias_sums, n)
            add_gradients(hidden, STARTS, 0, samples, (0, BLOCK), second_sums, n)
            layer_back(second, samples, hidden_slopes, n)
            rectify_back(hidden, hidden_slopes, n)
            add_totals(hidden_slopes, first_bias_sums, n)
            add_gradients(features, starts[0], shift, hidden_slopes, (0, BLOCK), first_sums, n)
            for k in range(features.shape[0]):
                for x in range(n):
                    feature_slopes[k, y, left + x] = F32(0.0)
            place = shift, height * width
            columns = hidden.shape[0]
            multiply(first, 1, columns, hidden_slopes, STARTS[:columns], 0, feature_slopes, place, features.shape[0], n)


@inexact
def repeat_edges(picture: np.ndarray, width: int) -> None:
    """What lies around the inside, `width` places wide, gets what lies beside it."""
    last = MARGIN + width - 1
    for c in range(picture.shape[0]):
        for y in range(MARGIN, picture.shape[1] - MARGIN):
            picture[c, y, 1], picture[c, y, last + 1] = picture[c, y, 2], picture[c, y, last]
        for x in range(picture.shape[2]):
            picture[c, 1, x], picture[c, -2, x] = picture[c, 2, x], picture[c, -3, x]


@inexact
def fold_edges(slopes: np.ndarray, width: int) -> None:
    """What came to the edges goes where their samples are from; zeros are around the inside afterwards."""
    last = MARGIN + width - 1
    for c in range(slopes.shape[0]):
        for x in range(slopes.shape[2]):
            slopes[c, 2, x] += slopes[c, 1, x]
            slopes[c, -3, x] += slopes[c, -2, x]
            slopes[c, 0, x] = slopes[c, 1, x] = slopes[c, -1, x] = slopes[c, -2, x] = F32(0.0)
        for y in range(MARGIN, slopes.shape[1] - MARGIN):
            slopes[c, y, 2] += slopes[c, y, 1]
            slopes[c, y, last] += slopes[c, y, last + 1]
            slopes[c, y, 0] = slopes[c, y, 1] = F32(0.0)
            for x in range(last + 1, slopes.shape[2]):
                slopes[c, y, x] = F32(0.0)


@inexact
def filtered(picture: np.ndarray, weights: np.ndarray, bias: np.ndarray, starts: np.ndarray, width: int, out: np.ndarray) -> None:
    """The inside of `out` = picture + filter(picture), for `width` places of each row. weights: [9 * channels, channels]."""
    channels, rows, stride = picture.shape
    for y in range(rows - 2 * MARGIN):
        for c in range(channels):
            for x in range(MARGIN, MARGIN + width):
                out[c, y + MARGIN, x] = picture[c, y + MARGIN, x] + bias[c]
        place = (y + MARGIN) * stride + MARGIN, rows * stride
        multiply(weights, channels, 1, picture, starts, y * stride, out, place, channels, width)


@inexact
def filtered_back(
    picture: np.ndarray,
    weights: np.ndarray,
    slopes: np.ndarray,
    picture_slopes: np.ndarray,
    sums: tuple[np.ndarray, np.ndarray],
    starts: tuple[np.ndarray, np.ndarray],
    width: int,
) -> None:
    """Sets `picture_slopes`, edges not yet folded, of the slopes of what `filtered` gives; adds to `sums` of gradients.

    weights: the other way round, [channels that were put out, row, column, channels]. starts: `filter_starts` of both sides.
    """
    channels, rows, stride = picture.shape
    for y in range(rows - 2 * MARGIN):
        place = (y + MARGIN) * stride + MARGIN, rows * stride
        for c in range(channels):
            total = F32(0.0)
            for x in range(MARGIN, MARGIN + width):
                total += slopes[c, y + MARGIN, x]
            sums[1][c] += total
        add_gradients(picture, starts[0], y * stride, slopes, place, sums[0], width)
    for y in range(-1, rows - 2 * MARGIN + 1):
        for c in range(channels):
            for x in range(stride):
                picture_slopes[c, y + MARGIN, x] = slopes[c, y + MARGIN, x]
        place = (y + MARGIN) * stride + MARGIN - 1, rows * stride
        multiply(weights, channels, 1, slopes, starts[1], y * stride - 1, picture_slopes, place, channels, width + 32)


@inexact
def error_slopes(picture: np.ndarray, wanted: np.ndarray, scale: float, slopes: np.ndarray) -> None:
    """Inside of slopes = scale * difference. wanted: without margin."""
    scale = F32(scale)
    for c in range(wanted.shape[0]):
        for y in range(wanted.shape[1]):
            for x in range(wanted.shape[2]):
                slopes[c, y + MARGIN, x + MARGIN] = scale * (picture[c, y + MARGIN, x + MARGIN] - wanted[c, y, x])
