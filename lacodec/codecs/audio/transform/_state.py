"""The state of a coder of `audio.transform`: flat pools and tables that its kernels share, made by `_setup.new_coder`."""

from typing import NamedTuple

import numpy as np

# The plan (int64). DECODING stands where the mixing engine has it, whose `start` and `finish` are used here.
CHANNELS, FRAME, LIMIT, SIDE_LIMIT, PAST_SIZE, PAST_SIZE_2 = range(6)
DECODING = 9
PLAN = 10
# The rates (float64): learning rate of the weights; for the encoder, the price of a bit in squared steps, what
# rounding trims, the price of a bit in squared levels.
LEARN, PRICE, TRIM, LEVEL_PRICE = range(4)

CONTEXTS = 7  # of a decision, at most
INPUTS = 8  # of the mixer: one for each context, and a constant
DECISIONS = 16  # about one symbol
PAD = 8  # zeros around a spectrum

# Sizes of the contexts of coefficients, of levels of bands, of angles and of sizes of blocks: `DECISIONS` slots each.
COEFFICIENT = (22 * 32, 14 * 14 * 6, 14 * 12 * 8, 32 * 48, 22 * 22, 2 * 22 * 22, 22 * 22 * 5)
LEVEL = (48 * 5, 7 * 7, 15 * 9, 2 * 8 * 9, 9 * 7, 128)
ANGLE = (17 * 5, 17 * 48, 17 * 17)
SIZE = (6 * 6, 6 * 6 * 6)
COEFFICIENT_SETS = (32, 22 * 3)
LEVEL_SETS = (32, 48)
ANGLE_SETS = (16, 2)
SIZE_SETS = (5, 6)


def _starts(sizes: tuple[int, ...], first: int) -> tuple[int, ...]:
    return tuple(first + sum(sizes[:i]) for i in range(len(sizes) + 1))


C0, C1, C2, C3, C4, C5, C6, _NEXT = _starts(COEFFICIENT, 0)
L0, L1, L2, L3, L4, L5, _NEXT = _starts(LEVEL, _NEXT)
A0, A1, A2, _NEXT = _starts(ANGLE, _NEXT)
S0, S1, CELLS = _starts(SIZE, _NEXT)
WC0, WC1, _NEXT = _starts(COEFFICIENT_SETS, 0)
WL0, WL1, _NEXT = _starts(LEVEL_SETS, _NEXT)
WA0, WA1, _NEXT = _starts(ANGLE_SETS, _NEXT)
WS0, WS1, SETS = _starts(SIZE_SETS, _NEXT)


class Coder(NamedTuple):
    """All state of the coder of one channel or two that belong together; `n` below is their number of coefficients."""

    plan: np.ndarray  # int64[PLAN]
    rule: np.ndarray  # int64[6]: `_setup.Rule.numbers`
    rates: np.ndarray  # float64[4]
    registers: np.ndarray  # int64[6]
    stream: np.ndarray  # uint8
    quantised: np.ndarray  # int32[channels, n]
    wanted: np.ndarray  # float64[channels, n]: what an encoder is to quantise; of a decoder, empty
    exact: np.ndarray  # float64[channels, frames * SLOTS, BANDS]: the levels before rounding; of a decoder, empty
    sizes: np.ndarray  # uint8[frames * SLOTS]: size of the block that begins in a slot, NOTHING in the others
    levels: np.ndarray  # uint8[channels, frames * SLOTS, BANDS]: by the slot where the block begins
    angles: np.ndarray  # uint8[frames * SLOTS, BANDS]
    chances: np.ndarray  # uint32[CELLS * DECISIONS]: 22-bit probability, 10-bit count
    weights: np.ndarray  # float64[SETS * INPUTS]
    inputs: np.ndarray  # float64[INPUTS]
    cells: np.ndarray  # int64[CONTEXTS]: first slot of each context
    present: np.ndarray  # float64[channels, frame + 2 PAD]: amplitudes of the block
    past: np.ndarray  # float64[channels, 2, frame + 2 PAD]: of the two blocks before
    mapped: np.ndarray  # float64[2, frame + 2 PAD]: the same at the places of the present block's coefficients
    past_levels: np.ndarray  # int64[channels, 2, BANDS]
    past_angles: np.ndarray  # int64[BANDS]
    steps: np.ndarray  # int64[BANDS], scratch
    edges: np.ndarray  # int64[SIZES, BANDS + 1]
    counts: np.ndarray  # int64[SIZES]
    like: np.ndarray  # int64[SIZES, SIZES, BANDS]
    powers: np.ndarray  # float64[2 * POWERS]
    logs: np.ndarray  # uint8[2048]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]
    reciprocal: np.ndarray  # int32[1024]
    prices: np.ndarray  # float64[4096]: bits of a decision by its chance, for an encoder


NOTHING = 255
