"""State of the adaptive coder of features: counters, weights of the mixing, sums of the predictions of each channel."""

from functools import cache
from typing import NamedTuple

import numpy as np

from lacodec.entropy.mixing import CODE, HIGH, POSITION
from lacodec.entropy.mixing_tables import mixing_tables

CONTEXTS = 7
INPUTS = CONTEXTS + 2  # of a decision: contexts, the logistic distribution, one that is constant
TAPS = 9  # of a prediction: six neighbours, what two channels before missed, one that is constant
LEVELS = 64  # of expected sizes: four to an octave
CHANNELS = 256  # that have counters and weights of their own; others share them
ZERO, SIGN, MORE, PREFIX = 0, 1, 2, 6  # decisions: not the centre, above it, further than 1, 2, 3, 4 and more, length of the rest
KINDS = 7
SPAN = 1 << 12  # counters of a context of a kind
_HALF = np.uint32(1 << 31)
_WEIGHT = 1 << 16  # of 1.0


class State(NamedTuple):
    """Made by `new_state`."""

    registers: np.ndarray  # int64[8], of the range coder
    stream: np.ndarray  # uint8
    counters: np.ndarray  # uint32[KINDS * CONTEXTS * SPAN]: 22-bit probability, 10-bit count
    places: np.ndarray  # int64[CONTEXTS]: the counters of this decision
    inputs: np.ndarray  # int32[INPUTS]
    weights: np.ndarray  # int32[2, KINDS, CHANNELS, INPUTS]: by level, by channel
    sizes: np.ndarray  # int64[channels, 2]: sum and number of what predictions missed, in sixteenths
    missed: np.ndarray  # float64[channels]: by what predictions at this place fell short
    taps: np.ndarray  # float64[channels, TAPS]: of the prediction of each channel
    products: np.ndarray  # float64[channels, TAPS + 1, TAPS]: sums of products of neighbours; of neighbours and the value
    work: np.ndarray  # float64[TAPS + 2, TAPS]
    levels: np.ndarray  # uint8[4096]: of sizes in sixteenths
    slopes: np.ndarray  # int64[LEVELS]: of the logistic function
    stretch: np.ndarray
    squash: np.ndarray
    reciprocal: np.ndarray


def new_state(channels: int, stream: np.ndarray, decoding: bool) -> State:
    """At the beginning of a chunk: nothing is known. `stream` is read, or has the room for what is written."""
    _, stretch, squash, reciprocal = mixing_tables()
    registers = np.zeros(8, np.int64)
    registers[HIGH] = 0xFFFFFFFF
    if decoding:
        registers[CODE], registers[POSITION] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big"), 4
    weights = np.zeros((2, KINDS, CHANNELS, INPUTS), np.int32)
    weights[..., :CONTEXTS] = _WEIGHT // 28  # tuned, as all numbers here, on layers of EfficientNet-Lite0, pictures of training
    weights[..., CONTEXTS] = _WEIGHT // 5
    sizes = np.ones((channels, 2), np.int64)
    sizes[:, 0] = 8
    return State(
        registers,
        stream,
        np.full(KINDS * CONTEXTS * SPAN, _HALF, np.uint32),
        np.zeros(CONTEXTS, np.int64),
        np.zeros(INPUTS, np.int32),
        weights,
        sizes,
        np.zeros(channels),
        np.zeros((channels, TAPS)),
        np.zeros((channels, TAPS + 1, TAPS)),
        np.zeros((TAPS + 2, TAPS)),
        *_tables(),
        stretch,
        squash,
        reciprocal,
    )


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Levels of sizes in sixteenths, and of each level the slope: 65536 * 256 nats over the scale, which is the size / 1.386."""
    edges = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13]
    edges += [edge << octave for octave in range(14) for edge in (16, 19, 23, 27)]
    levels = np.zeros(4096, np.uint8)
    for edge in edges:
        levels[edge:] += 1
    lowest = [1, *edges]
    slopes = [355 * 65536 // (low + (low >> 4)) for low in lowest[:LEVELS]]
    return levels, np.array(slopes, np.int64)
