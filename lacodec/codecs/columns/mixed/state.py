"""What one coder knows: its plan, an int64 array, so that one compiled kernel serves every configuration; and flat pools."""

from typing import NamedTuple

import numpy as np

# The plan. DECODING stands where the mixing engine has it, whose `start` and `finish` are used here.
COUNT, BITS, SCHEME, PREDICTOR, CONTEXTS, EXPONENT_BITS, LINE_BITS, MAP_LIMIT, COLUMNS, DECODING, NEAR, ABOVE = range(12)
TAPS, FITS, SOLVE_EVERY, VALUE_SHIFT, MIX_RATE, FINAL_RATE, HEAD_BITS, SELECT_1, SELECT_2, REFINE, BOOST, SETS, SIZE_CUT = range(
    12, 25
)
PLAN = 25

# Schemes: how a residual becomes binary decisions.
DIGITS, LOGARITHMIC = range(2)
# Predictors.
ZERO, LAST, LINE, UPPER, PLANE, SQUARES = range(6)

# Registers: the range coder's first (LOW, HIGH, CODE, POSITION), then those of the plain bits and of the match model.
RAW_WORD, RAW_COUNT, RAW_AT, MATCH, MATCH_LENGTH, RATE, HERE = range(6, 13)
REGISTERS = 13

# Features of a value's surroundings, from which contexts are made. "To" ones are differences from the prediction.
NOTHING, COLUMN, TOKEN_W, TOKEN_WW, TOKEN_N, TOKEN_L, TOKEN_L2, TO_W, TO_WW, TO_N, TO_L, TO_L2, TO_L3, ERROR_L = range(14)
SCALE, SCALE_SLOW, LOCAL, NEAR_W, NEAR_N, NEAR_LINE, NEAR_PLANE, NEAR_L, VALUE, VALUE_HIGH, MATCHED, LENGTH = range(14, 26)
ERROR_W, TO_NW, TO_NE, NEAR_MEAN, SCALE_BOTH, ERROR_N, TOKEN_NE, HIGH_W, HIGH_N, HIGH_L, FRACTION, KNOWN = range(26, 38)
FEATURES = 38

PARTS = 4  # features of a context, or three and PATHLESS
PATHLESS = 255  # of a context that forgets the upper bits when it comes to the lower ones
NODES = 16  # in a line: a check of the hash, then the 15 decisions of four bits
GROUPS = 19  # of four bits, at most: 2 + 6 + 63 bits
WIDTH = 16  # inputs of the mixer: contexts, the match, a constant
MOST_CONTEXTS = WIDTH - 2
MOST_SETS = 3  # of weights that are used at a time
CLASSES = 64  # values that the second and third choice of weights may take
DEPTHS = 16
ORDER = 16  # taps of least squares with the target, padded
LENGTHS = 32
PAD_MOST = 1 << 20  # values behind the present one that can be asked for
PROBE = 15  # every 16th value is modelled where plain bits are cheaper, to notice when they no longer are


class State(NamedTuple):
    """Made by `setup.new_state`. `c` below is a column."""

    plan: np.ndarray  # int64[PLAN]
    registers: np.ndarray  # int64[REGISTERS]
    stream: np.ndarray  # uint8: coded decisions
    raw: np.ndarray  # uint8: plain bits
    values: np.ndarray  # int64[pad + count]: the pad holds the first value
    errors: np.ndarray  # int64: ring of residuals
    kinds: np.ndarray  # int64[CONTEXTS * PARTS]: features of each context
    features: np.ndarray  # int64[FEATURES]
    hashes: np.ndarray  # uint64[CONTEXTS]
    where: np.ndarray  # uint64[CONTEXTS]: lines of the present group
    lines: np.ndarray  # uint32[NODES << LINE_BITS], aligned: 22-bit probability, 10-bit count
    heads: np.ndarray  # int32[1 << HEAD_BITS]: places after a hash of the values before
    match_map: np.ndarray  # uint32[2 * LENGTHS]
    means: np.ndarray  # int64[c * 3]: fast and slow mean of |residual| in 16ths, mean of the value
    inputs: np.ndarray  # int32[WIDTH]
    weights: np.ndarray  # int32[sets * WIDTH]
    final_weights: np.ndarray  # int32[GROUPS * NODES * 4]
    offsets: np.ndarray  # int64[MOST_SETS]
    outputs: np.ndarray  # int64[MOST_SETS]
    apm: np.ndarray  # uint16
    gains: np.ndarray  # int64[64 * GROUPS]: what modelling a group saves
    runs: np.ndarray  # int64[64 * GROUPS * 2]: the bits of a group that were the same again and again, and how often
    taps: np.ndarray  # int64[ORDER * 2]: each input is the difference of the values so far back
    squares: np.ndarray  # float64[FITS * ORDER * ORDER]
    coefficients: np.ndarray  # float64[FITS * ORDER]
    factor: np.ndarray  # float64[ORDER * ORDER]
    window: np.ndarray  # float64[ORDER]: taps, target
    rates: np.ndarray  # float64: KEEP, RIDGE, UNIT
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]


KEEP, RIDGE, UNIT = range(3)
