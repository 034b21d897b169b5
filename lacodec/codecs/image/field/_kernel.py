"""Latents and weights of a field as binary decisions, their probabilities by a tiny network of whole numbers.

    latents around, latents of the coarser level --network--> mean, scale --> zero? sign? larger? ... --> range coder

Network activations are multiples of 1/256, weights too, all held in float64, in which sums of such products are exact: every
machine gets the same, in any order.
"""

from typing import Any

import numpy as np

from lacodec.entropy.mixing import code_decision
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64

OWN = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1), (0, -3), (-3, 0))
"""Neighbours (dy, dx) in the own level."""
PARENT = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))
"""Neighbours in the coarser level, around the place of this latent there."""
INPUTS = len(OWN) + len(PARENT)
HIDDEN = 16
PAD = 3  # zeros around each level
SCALES = 96  # of the distribution: eight to an octave from 2**-6 on
MAX_LATENT = 1 << 14
_REACH = 3071  # of the logistic function's table
_UNARY = 20  # steps before a magnitude is escaped
_MOST = 32767.0  # of an activation: sums stay below 2**53 / 65536
_LEAST = 24  # of a probability, of 65536


@flat_kernel
def code_level(
    registers: np.ndarray,
    stream: np.ndarray,
    decoding: int,
    level: np.ndarray,
    parent: np.ndarray,
    weights: tuple[np.ndarray, ...],
    tables: tuple[np.ndarray, np.ndarray],
    work: np.ndarray,
) -> None:
    """Code the latents of a level, from `level` or into it, row by row.

    level, parent: int32[height + 2 * PAD, width + 2 * PAD]; the parent's sides are halved, rounded up. weights: float64[INPUTS,
    HIDDEN], [HIDDEN], [HIDDEN, HIDDEN], [HIDDEN], [HIDDEN, 2], [2], in multiples of 1/256. tables: uint16[6144] logistic
    function, int64[SCALES] one over the scale in 65536ths. work: float64[2, HIDDEN].
    """
    first, first_bias, second, second_bias, last, last_bias = weights
    for y in range(PAD, level.shape[0] - PAD):
        for x in range(PAD, level.shape[1] - PAD):
            for j in range(HIDDEN):
                work[0, j] = first_bias[j]
            k = 0
            for place in OWN:
                _add(work, 0, first, k, level[y + place[0], x + place[1]])
                k += 1
            py, px = ((y - PAD) >> 1) + PAD, ((x - PAD) >> 1) + PAD
            for place in PARENT:
                _add(work, 0, first, k, parent[py + place[0], px + place[1]])
                k += 1
            for j in range(HIDDEN):
                work[0, j] = min(max(work[0, j], 0.0), _MOST)
                work[1, j] = second_bias[j]
            for i in range(HIDDEN):
                v = work[0, i]
                for j in range(HIDDEN):
                    work[1, j] += second[i, j] * v
            mean, size = last_bias[0], last_bias[1]
            for j in range(HIDDEN):
                v = min(max(np.floor(work[1, j] * 256.0) * (1.0 / 256.0), 0.0), _MOST)
                mean += last[j, 0] * v
                size += last[j, 1] * v
            mean_q = S64(np.floor(min(max(mean, -np.float64(MAX_LATENT)), np.float64(MAX_LATENT)) * 256.0))
            scale = min(max(S64(np.floor(min(max(size, -100.0), 100.0) * 8.0)) + 48, 0), SCALES - 1)
            level[y, x] = code_value(registers, stream, decoding, tables, mean_q, scale, S64(level[y, x]))


@flat_kernel
def code_values(
    registers: np.ndarray,
    stream: np.ndarray,
    decoding: int,
    values: np.ndarray,
    tables: tuple[np.ndarray, np.ndarray],
    scale: int,
) -> None:
    """Code int64[n] with mean zero and one scale."""
    for i in range(values.size):
        values[i] = code_value(registers, stream, decoding, tables, S64(0), scale, values[i])


@inlined
def _add(work: np.ndarray, row: int, weights: np.ndarray, k: int, value: int) -> None:
    v = np.float64(min(max(value, -127), 127))
    for j in range(HIDDEN):
        work[row, j] += weights[k, j] * v


@inlined
def code_value(
    registers: np.ndarray,
    stream: np.ndarray,
    decoding: int,
    tables: tuple[np.ndarray, np.ndarray],
    mean_q: int,
    scale: int,
    value: int,
) -> int:
    """Code a whole number, by a logistic distribution around mean_q / 256 of this scale; returns it."""
    squash, slopes = tables
    slope = slopes[scale]
    centre = (mean_q + 128) >> 8
    shift = (centre << 8) - mean_q  # of the centre against the mean
    above, below = _beyond(squash, slope, 128 + shift), _beyond(squash, slope, 128 - shift)
    apart = value - centre
    if not code_decision(registers, stream, _chance(above + below, 65536), U(apart != 0), decoding):
        return centre
    up = code_decision(registers, stream, _chance(above, above + below), U(apart > 0), decoding)
    side = shift if up else -shift
    size, left = S64(abs(apart)), above if up else below
    k = S64(1)
    while k < _UNARY:
        rest = _beyond(squash, slope, 256 * k + 128 + side)
        if not code_decision(registers, stream, _chance(rest, left), U(size > k), decoding):
            break
        left = rest
        k += 1
    if k == _UNARY:
        k += _code_rest(registers, stream, decoding, size - k)
    return centre + k if up else centre - k


@inlined
def _beyond(squash: np.ndarray, slope: int, distance: int) -> int:
    """65536 times the probability of more than distance / 256 above the mean."""
    return S64(squash[U(3072 - min(max((distance * slope) >> 16, -_REACH), _REACH))])


@inlined
def _chance(part: int, whole: int) -> int:
    return min(max((part << 16) // max(whole, 1), _LEAST), 65536 - _LEAST)


@inlined
def _code_rest(registers: np.ndarray, stream: np.ndarray, decoding: int, value: int) -> int:
    """A whole number from 0 on: the number of bits of one more, then those."""
    bits = S64(0)
    while bits < 20 and code_decision(registers, stream, 32768, U((value + 1) >> (bits + 1) > 0), decoding):
        bits += 1
    found = S64(1)
    for i in range(bits):
        found = found * 2 + S64(code_decision(registers, stream, 32768, U(((value + 1) >> (bits - 1 - i)) & 1), decoding))
    return found - 1
