"""The state of the coefficient model: flat pools and tables that its kernels share, made by `setup`."""

from typing import NamedTuple

import numpy as np

# The plan: an int64 array, so that one compiled kernel serves every effort and component.
(
    ROWS,
    COLUMNS,
    CLASS,  # 0 luma (and fourth components), 1 first chroma, 2 second chroma
    DECODING,
    CONTEXTS,
    SETS,
    MIX_WIDTH,
    MIX_RATE,
    FINAL_RATE,
    APM_RATE,
    MAP_LIMIT,
    LUMA_DOWN,  # blocks of the first component beside one of this: down, across
    LUMA_ACROSS,
    SIGNED_RATE,
    LUMA_SHIFT,  # log2 of their number, rounded up
) = range(15)
PLAN = 16

# A block's record in `records`: dequantised values by rows and by columns of frequencies, their sizes likewise, quantised sizes.
SIGNED, SIGNED_T, SIZES, SIZES_T, LEVELS = 0, 64, 128, 192, 256
RECORD = 320
LARGEST = 8191  # of dequantised values in records
# Counts of a block's nonzeros: inside (7x7), first row, first column, residual of DC.
INSIDE, TOP_ROW, LEFT_COLUMN, RESIDUAL = range(4)

NODES = 16  # binary decisions told apart under one context, a cache line
# Nodes of a coefficient: zero?, then one more bit of length?, then its bits below the first.
ZERO, LENGTH, BITS = 0, 1, 9
MAX_LENGTH = 16
CLASSES = 64  # of sizes: four to an octave
MAX_CONTEXTS = 12
HALF = np.uint32(1 << 31)  # the bits of a counter at its start are held flipped: memory that starts as zeros is free
MAX_SETS = 3
WEIGHT_BITS = 14  # fractional bits of the trained weights


class State(NamedTuple):
    """Everything that the coder of one component holds; counters go from one component to the next."""

    plan: np.ndarray  # int64[PLAN]
    registers: np.ndarray  # int64[6]: of the range coder, as in entropy.mixing
    stream: np.ndarray  # uint8: coded bytes, written or read
    coefficients: np.ndarray  # int16[rows, columns, 64], zigzag order: this component
    first: np.ndarray  # int16[rows, columns, 64]: the first component (luma)
    other: np.ndarray  # int16[rows, columns, 64]: the component before this one
    first_quant: np.ndarray  # int64[64], natural order
    other_quant: np.ndarray  # int64[64], natural order
    quant: np.ndarray  # int64[64], natural order
    inverse: np.ndarray  # int64[64]: 2**24 / quant
    order: np.ndarray  # int64[64]: natural place of what is coded, inside first, then first row, first column, DC
    zigzag: np.ndarray  # int64[64]: zigzag place of a natural place
    records: np.ndarray  # int16[2 * (columns + 2) * RECORD + 64]: blocks of two rows, this one and the one above
    counts: np.ndarray  # int64[2, columns + 2, 4]
    luma: np.ndarray  # int64[64]: sizes in the luma blocks beside this one, zigzag order
    beside: np.ndarray  # int64[64]: coefficients of the other chroma component, zigzag order
    sums: np.ndarray  # int64[2]: size and value that `predict` foretold last, in 128ths
    starts: np.ndarray  # int64[16]: groups of values for `dot_groups`
    signed_weights: np.ndarray  # int32[2 * 66 * 32]
    size_weights: np.ndarray  # int32[2 * 64 * 56]
    class_of: np.ndarray  # uint8[8192]: class of a size in 128ths
    bases: np.ndarray  # int64[3, MAX_CONTEXTS]: where each context's slots start: of counts, of values, of signs
    places: np.ndarray  # int64[MAX_CONTEXTS]: where each context stands among those that are mixed, -1 if it is none of them
    contexts: np.ndarray  # int64[MAX_CONTEXTS]: first slot of each that is mixed, of the value or count in question
    sign_contexts: np.ndarray  # int64[MAX_CONTEXTS]: of its sign
    slots: np.ndarray  # uint32: 22-bit probability, 10-bit count
    tails: np.ndarray  # uint16: probabilities of bits that aren't mixed
    inputs: np.ndarray  # int32[mix_width]
    weights: np.ndarray  # int32, 16 fractional bits
    final_weights: np.ndarray  # int32[...]
    offsets: np.ndarray  # int64[MAX_SETS]
    outputs: np.ndarray  # int64[MAX_SETS]
    select: np.ndarray  # int64[MAX_SETS + 3]: the set of weights that each selector chooses; rows of the two maps; final row
    sign_select: np.ndarray  # int64[MAX_SETS + 3]
    apm: np.ndarray  # uint16
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]
    confidence: np.ndarray  # int32[1024]: how much a counter's voice weighs, of 256
