"""The state of a coder of `audio.lossless`: flat pools and tables that its kernels share, made by `_setup.new_model`."""

from typing import NamedTuple

import numpy as np

# The plan (int64). DECODING stands where the mixing engine has it, whose `start` and `finish` are used here.
CHANNELS, FRAMES, OWN, OTHER, ORDER, SOLVE, STAGES, EXPERTS = range(8)
BUCKET_SHIFT, DECODING, LOWEST, HIGHEST, MIXED, SECOND, TAPS = range(8, 15)
# The rates (float64).
KEEP, RIDGE, MIX_KEEP, LEARN, SCALE_FAST, SCALE_MIDDLE, SCALE_SLOW, KEEP_LONG, MU = range(9)

PAD = 64  # zeros before the first sample of each channel
SLACK = 2048  # pushes between two moves of a filter's history
MIX = 8  # inputs of the final least squares
INPUTS = 16  # of the mixer
DECISIONS = 112
KINDS, CONTEXTS = 8, 16
LEVELS = 160
BUCKETS, EQUAL_BUCKETS = 40, 7  # buckets of a sample; those after the first few double in width
INSIDE = 48  # decisions from here on are about places in buckets
RANGES = 3
TAIL_STEPS, TAIL_REACH = 32, 24  # the table of tails: steps per deviation, deviations
TAIL_SIZE = 2 * TAIL_STEPS * TAIL_REACH + 2
TINY = 1e-30  # keeps fading sums out of the denormal numbers
# An expert's state while a sample is coded: its prediction to the rounded one, 1 / scale; tails at the bounds of what is still
# possible, and at the threshold in question.
OFFSET, SLOPE, TAIL_LOW, TAIL_HIGH, TAIL_MIDDLE = range(5)
EXPERT_STATE = 5


class Model(NamedTuple):
    """All state of one coder; made by `_setup.new_model`. `c` below is a channel."""

    plan: np.ndarray  # int64[TAPS + stages]
    rates: np.ndarray  # float64[MU + stages]
    registers: np.ndarray  # int64[6]
    stream: np.ndarray  # uint8
    samples: np.ndarray  # int64[channels * (PAD + frames)]
    matrix: np.ndarray  # float64[2 * channels * ORDER * ORDER]: with a short memory, and with a long one
    factor: np.ndarray  # float64[ORDER * ORDER], scratch
    moments: np.ndarray  # float64[2 * channels * ORDER]
    weights: np.ndarray  # float64[2 * channels * ORDER]
    window: np.ndarray  # float64[ORDER]
    mix_matrix: np.ndarray  # float64[channels * MIX * MIX]
    mix_moments: np.ndarray  # float64[channels * MIX]
    mix_weights: np.ndarray  # float64[channels * MIX]
    mix_inputs: np.ndarray  # float64[MIX]
    taps: np.ndarray  # float64: weights of all filters
    history: np.ndarray  # float64: what each filter has seen
    places: np.ndarray  # int64[channels * stages * 3]: tap start, history start, position
    energy: np.ndarray  # float64[channels * stages]
    centers: np.ndarray  # float64[MIX]
    deviations: np.ndarray  # float64[channels * MIX * RANGES]
    experts: np.ndarray  # int64[EXPERTS * 3]: center, range of the deviation, shape
    expert_state: np.ndarray  # float64[EXPERTS * EXPERT_STATE]
    inputs: np.ndarray  # float64[INPUTS]
    mixers: np.ndarray  # float64[(DECISIONS + KINDS * CONTEXTS) * INPUTS]
    counters: np.ndarray  # int64[LEVELS * DECISIONS * 2]
    levels: np.ndarray  # int64[channels]
    last: np.ndarray  # float64[channels]: |residual| / deviation of the newest sample
    tails: np.ndarray  # float64[shapes * TAIL_SIZE]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
