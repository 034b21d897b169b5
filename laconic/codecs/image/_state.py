"""The state of the pixel model: flat pools and tables that its kernels share, made by `_setup`.

Pixels are held with a margin of `PAD` on top and at both sides, so that no kernel asks where the border is.
"""

from typing import NamedTuple

import numpy as np

# The plan: an int64 array, so that one compiled kernel serves every effort.
(
    HEIGHT,
    WIDTH,
    PLANES,
    TOP,
    DECODING,
    SQUARES,
    PERIOD,
    SOFTS,
    CONTEXTS,
    SETS,
    MIX_WIDTH,
    MIX_RATE,
    FINAL_RATE,
    APM_RATE,
    MAP_LIMIT,
    CONTEXT_BITS,
    UNIT_SHIFT,
) = range(17)
PLAN = 17

PAD = 4
MAX_PLANES = 3
MAX_TAPS = 48
MAX_PACKED = (MAX_TAPS + 1) * (MAX_TAPS + 2) // 2
SIMPLE = 7  # predictors without any learning
MAX_PREDICTORS = 16
BLEND = MAX_PREDICTORS - 1  # where the errors of the blended prediction lie
NODES = 32  # binary decisions that are told apart
CLASSES = 48  # of magnitudes, four to an octave
MAX_SETS = 6


class State(NamedTuple):
    """Everything that one coder of one tile holds. Planes are in coding order."""

    plan: np.ndarray  # int64[PLAN]
    registers: np.ndarray  # int64[6]: of the range coder, as in entropy.mixing
    stream: np.ndarray  # uint8: coded bytes, written or read
    pixels: np.ndarray  # int32[planes, PAD + height + 1, PAD + width + PAD]
    unit: np.ndarray  # float64[1]: what magnitudes are multiplied with before they are classed
    # Least squares: one problem per plane and predictor.
    taps: np.ndarray  # int64[planes, squares, MAX_TAPS, 3]: plane, dy, dx
    counts: np.ndarray  # int64[planes, squares]: taps in use
    bases: np.ndarray  # int64[planes, squares]: where the problem's columns start in `columns` and `ahead`
    columns: np.ndarray  # float64: sums of products down each column of the image, fading upwards
    ahead: np.ndarray  # float64: those of the rows above, summed over this column and those to the right, fading
    behind: np.ndarray  # float64[planes, squares, MAX_PACKED]: summed over the columns to the left, fading
    fade: np.ndarray  # float64[squares, 4]: factor per column, factor per row, ridge, least variance
    values: np.ndarray  # float64[squares, MAX_TAPS + 1]: taps of this pixel, then its target
    products: np.ndarray  # float64[MAX_PACKED]
    matrix: np.ndarray  # float64[(MAX_TAPS + 1) ** 2]
    coefficients: np.ndarray  # float64[planes, squares, MAX_TAPS]
    # Blending.
    guesses: np.ndarray  # float64[MAX_PREDICTORS]
    errors: np.ndarray  # float64[planes, 2, PAD + width + PAD, MAX_PREDICTORS]: sizes, of two rows
    signed: np.ndarray  # float64[planes, 2, PAD + width + PAD]: errors of the corrected blend, of two rows
    local: np.ndarray  # float64[MAX_PREDICTORS]: weighted sum of errors around the pixel
    bias: np.ndarray  # float64[2, MAX_PLANES * CLASSES * 64, 2]: sum of errors, count
    spread: np.ndarray  # float64[2, MAX_PLANES * CLASSES * CLASSES, 2]: sum of error sizes, count
    # Soft predictions: distributions around a mean, as inputs of the mixer.
    means: np.ndarray  # float64[softs]
    slopes: np.ndarray  # float64[softs]: one over the scale
    below: np.ndarray  # float64[softs]: distribution function at the lower end of what is still possible
    above: np.ndarray  # float64[softs]: and at the upper end
    middle: np.ndarray  # float64[softs]: and at the threshold in question
    # Counted contexts, mixer, adaptive probability maps.
    contexts: np.ndarray  # uint64[CONTEXTS]: first slot of each
    slots: np.ndarray  # uint32[contexts << context_bits]: 22-bit probability, 10-bit count
    inputs: np.ndarray  # int32[mix_width]
    weights: np.ndarray  # int32[sets of weights * NODES * mix_width], 16 fractional bits
    final_weights: np.ndarray  # int32[NODES * 8]
    offsets: np.ndarray  # int64[MAX_SETS]
    outputs: np.ndarray  # int64[MAX_SETS]
    select: np.ndarray  # int64[MAX_SETS + 2]: the set of weights each selector chooses; the rows of the two maps
    apm: np.ndarray  # uint16[2 * MAX_PLANES * 64 * NODES * 32]
    fine_stretch: np.ndarray  # int16[65536]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]
