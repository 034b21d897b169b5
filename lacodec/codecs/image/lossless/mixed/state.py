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
    WINDOWS,
    ORDERS,
    BLOCK,
    BLOCKS,
    SOFTS,
    CONTEXTS,
    SETS,
    MIX_WIDTH,
    MIX_RATE,
    FINAL_RATE,
    APM_RATE,
    MAP_LIMIT,
    CONTEXT_BITS,
    FIT_PERIOD,
    SQUARES,
    SIMILAR,
    REACH,
) = range(22)
PLAN = 22

PAD = 4
MAX_PLANES = 3
MAX_TAPS = 48
STRIDE = MAX_TAPS + 8  # of matrices: taps, then the target, in whole vectors
MAX_BLOCK = 8
FIT_BLOCK = 8
PAST_ROWS = 16  # a power of two, more than any reach
SIMPLE = 7  # predictors without any learning
MAX_PREDICTORS = 24
BLEND = MAX_PREDICTORS - 1  # the place of the errors of the blended prediction
# `around`: neighbours, in the own plane, in the one before.
W, N, NW, NE, WW, NN, NNE, OTHER, OTHER_W, OTHER_N, OTHER_NW, OTHER_NE = range(12)
AROUND = 12
# `seen`: errors around.
ERROR_W, ERROR_N, ENERGY, ERROR_OTHER, ENERGY_OTHER, SIGNED_OTHER = range(6)
SEEN = 6
NODES = 32  # binary decisions that are told apart
CLASSES = 48  # of magnitudes, four to an octave
MAX_SETS = 6


class State(NamedTuple):
    """Everything that one coder of one tile holds. Planes are in coding order."""

    plan: np.ndarray  # int64[PLAN]
    registers: np.ndarray  # int64[6]: of the range coder, as in entropy.mixing
    stream: np.ndarray  # uint8: coded bytes, written or read
    pixels: np.ndarray  # int32[planes, PAD + height + 1, PAD + width + PAD]
    unit: np.ndarray  # float64[1]: the factor of magnitudes before they are classified
    flat: np.ndarray  # int32: the same as one row
    # Least squares: for each plane the same taps in several windows (fading) and orders (the first few taps).
    taps: np.ndarray  # int64[planes, MAX_TAPS, 2]: distance in `flat`, plane
    counts: np.ndarray  # int64[planes, orders]: taps of each order, rising
    sizes: np.ndarray  # int64[planes]: numbers in one sum of products (its upper triangle, in whole vectors)
    bases: np.ndarray  # int64[planes]: where the plane's sums start in `columns` and `ahead`: window by window, block by block
    columns: np.ndarray  # float64: sums of products down each block of columns, fading upwards
    ahead: np.ndarray  # float64: those of the rows above, summed over this block and those to the right, fading
    behind: np.ndarray  # float64[windows, size]: summed over the blocks to the left, fading
    fade: np.ndarray  # float64[windows, 3]: factor per block, factor per row, ridge
    samples: np.ndarray  # float64[MAX_BLOCK * STRIDE]: taps of each pixel of a block, then its target
    weighted: np.ndarray  # float64[MAX_BLOCK * STRIDE]: those times the pixel's weight
    centres: np.ndarray  # float64[MAX_PLANES]: mean of left and upper neighbour in each plane
    products: np.ndarray  # float64[size]: sum over one block
    matrix: np.ndarray  # float64[STRIDE ** 2]
    lower: np.ndarray  # float64[STRIDE ** 2]: zeros on and above the diagonal
    inverses: np.ndarray  # float64[STRIDE]: of the pivots
    coefficients: np.ndarray  # float64[windows * orders * STRIDE]
    # Least squares of similar pixels.
    past: np.ndarray  # float64[planes * PAST_ROWS * width * STRIDE]: taps of the last rows' pixels, then the target
    past_weight: np.ndarray  # float64[planes * PAST_ROWS * width]
    weighed: np.ndarray  # float64[(2 * reach + 1) * STRIDE]: samples of a row times their weights
    nearness: np.ndarray  # float64[reach + 1, 2 * reach + 1]: weight by distance
    similar: np.ndarray  # float64[STRIDE]: coefficients
    # Blending.
    around: np.ndarray  # float64[AROUND]
    seen: np.ndarray  # float64[SEEN]
    guesses: np.ndarray  # float64[MAX_PREDICTORS]
    errors: np.ndarray  # float64[planes, 4, PAD + width + PAD, MAX_PREDICTORS]: sizes, of four rows
    signed: np.ndarray  # float64[planes, 4, PAD + width + PAD]: errors of the mean, of four rows
    local: np.ndarray  # float64[MAX_PREDICTORS]: weighted sum of errors around the pixel
    spread: np.ndarray  # float64[2, MAX_PLANES * CLASSES * CLASSES, 2]: sum of error sizes, count
    # Regressions: of the blend's error, of the size of the mean's.
    fit_counts: np.ndarray  # int64[2, MAX_PLANES]: features of each
    features: np.ndarray  # float64[2 * FIT_BLOCK * STRIDE]: of each pixel of a block, then the target
    weighted_features: np.ndarray  # float64[2 * FIT_BLOCK * STRIDE]: those times the pixel's weight
    fit_sums: np.ndarray  # float64[2, MAX_PLANES, size]
    fit_coefficients: np.ndarray  # float64[2 * MAX_PLANES * STRIDE]
    fit_prior: np.ndarray  # float64[2, STRIDE]: coefficients at the start
    fit_fade: np.ndarray  # float64[2, 2]: factor per block; ridge
    # Soft predictions: distributions around a mean, as inputs of the mixer.
    means: np.ndarray  # float64[softs in whole vectors of 8]
    slopes: np.ndarray  # float64[softs in whole vectors of 8]: one over the scale
    below: np.ndarray  # float64[softs in whole vectors of 8]: distribution function at the lower end of the possible values
    above: np.ndarray  # float64[softs in whole vectors of 8]: and at the upper end
    chances: np.ndarray  # int32[softs]
    middle: np.ndarray  # float64[softs in whole vectors of 8]: and at the threshold in question
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
