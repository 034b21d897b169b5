"""State of the adaptive coder of latents: counters, weights, sums; all whole numbers, the same in encoder and decoder."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lacodec.entropy.distributions import load
from lacodec.entropy.mixing import HIGH
from lacodec.entropy.mixing_tables import mixing_tables

INPUTS = 8  # of a decision: contexts, the image's own table, one that is constant
CONTEXTS = 6
DISTANCES, RATIOS = 12, 8  # classes of a difference, and of a ratio
LEVELS = 64  # of scales
UNARY = 18  # magnitudes that are coded step by step
FIELDS = 1 << 10  # counters of motion
_HALF = np.uint32(1 << 31)
_WEIGHT = 1 << 16  # of 1.0
_WEIGHT_SHIFT = 3  # of stored weights
_STRETCHES = 20  # of a stored chance
_SEEN = np.array([0, 1, 2, 4, 8, 16, 32])  # counts that are stored
_GAIN = 4096  # squares that a gain begins with

START = Path(__file__).with_name("start.npz")
"""What all groups begin with, made by tools/train_video.py."""

# Decisions: not zero, positive, larger than 1, 2, 3 and more (four kinds), those of hyper-latents.
ZERO, SIGN, MORE, WHOLE = 0, 1, 2, 6
KINDS = 7
SPAN = 1 << 14  # counters of a context of a kind; those of channels have more


class State(NamedTuple):
    """Made by `new_state`."""

    registers: np.ndarray  # int64[8], of the range coder
    stream: np.ndarray  # uint8
    counters: np.ndarray  # uint32[KINDS * CONTEXTS * SPAN]: 22-bit probability, 10-bit count
    fields: np.ndarray  # uint32[FIELDS]: the same, of motion
    places: np.ndarray  # int64[INPUTS]: the counters of this decision
    inputs: np.ndarray  # int32[INPUTS]
    weights: np.ndarray  # int32[2, KINDS, 64, INPUTS]
    gains: np.ndarray  # int64[2, rows, RATIOS, 2]: sums of products and squares, by scale and by channel
    plain: np.ndarray  # int16[LEVELS]: stretched chance of a latent that is not zero, by the image's tables
    spreads: np.ndarray  # int32[LEVELS]: sixteenths
    far: np.ndarray  # uint8[4096]: classes of distances in sixteenths
    stretch: np.ndarray
    squash: np.ndarray
    reciprocal: np.ndarray


def new_state(channels: int, family: str, stream: np.ndarray, decoding: bool) -> State:
    """At the beginning of a group: what is known of other videos. `stream` is read, or has the room for what is written."""
    state = plain_state(channels, family, stream, decoding)
    found = _start()
    if found is not None:
        put_start(state, found)
    return state


def plain_state(channels: int, family: str, stream: np.ndarray, decoding: bool) -> State:
    """Nothing is known."""
    _, stretch, squash, reciprocal = mixing_tables()
    registers = np.zeros(8, np.int64)
    registers[HIGH] = 0xFFFFFFFF
    if decoding:
        registers[2], registers[3] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big"), 4
    weights = np.zeros((2, KINDS, 64, INPUTS), np.int32)
    weights[:, :, :, :CONTEXTS] = _WEIGHT * 16 // 100
    weights[:, ZERO, :, CONTEXTS] = _WEIGHT // 10
    gains = np.zeros((2, max(LEVELS, channels), RATIOS, 2), np.int64)
    gains[..., 1] = _GAIN
    gains[..., 0] = _GAIN * 3 // 4
    return State(
        registers,
        stream,
        np.full(KINDS * CONTEXTS * SPAN, _HALF, np.uint32),
        np.full(FIELDS, _HALF, np.uint32),
        np.zeros(INPUTS, np.int64),
        np.zeros(INPUTS, np.int32),
        weights,
        gains,
        *_tables(family),
        stretch,
        squash,
        reciprocal,
    )


def start_of(state: State) -> dict[str, np.ndarray]:
    """What has been learned, as small arrays."""
    found = {"weights": np.clip(state.weights >> _WEIGHT_SHIFT, -32768, 32767).astype(np.int16)}
    for name in ("counters", "fields"):
        counters = getattr(state, name)
        stretched = state.stretch[counters >> np.uint32(20)].astype(np.int64)
        found[name] = np.rint(stretched / _STRETCHES).astype(np.int8)
        found[f"{name}_seen"] = np.searchsorted(_SEEN, counters & np.uint32(1023), "right").astype(np.uint8) - 1
    squares = state.gains[..., 1]
    found["gains"] = np.clip((state.gains[..., 0] << 8) // squares, 0, 65535).astype(np.uint16)
    found["gains_seen"] = (squares > 4 * _GAIN).astype(np.uint8)
    return found


def put_start(state: State, start: dict[str, np.ndarray]) -> None:
    """The inverse, nearly: counts begin lower, so that all of it is soon unlearned where a video is different."""
    state.weights[:] = start["weights"].astype(np.int32) << _WEIGHT_SHIFT
    for name in ("counters", "fields"):
        chances = state.squash[start[name].astype(np.int64) * _STRETCHES + 3072].astype(np.uint32)
        getattr(state, name)[:] = chances << np.uint32(16) | _SEEN[start[f"{name}_seen"]].astype(np.uint32)
    rows = min(state.gains.shape[1], start["gains"].shape[1])
    squares = np.where(start["gains_seen"][:, :rows], 16 * _GAIN, _GAIN).astype(np.int64)
    state.gains[:, :rows, :, 1] = squares
    state.gains[:, :rows, :, 0] = start["gains"][:, :rows].astype(np.int64) * squares >> 8


@cache
def _start() -> dict[str, np.ndarray] | None:
    if not START.exists():
        return None
    with np.load(START) as data:
        return {name: data[name] for name in data.files}


def _tables(family: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tables = load(family)
    bits, plain, spreads = tables.freq_bits, np.zeros(LEVELS, np.int16), np.zeros(LEVELS, np.int32)
    stretch = mixing_tables()[1]
    for k in range(LEVELS):
        begin, end = int(tables.offsets[k]), int(tables.offsets[k + 1])
        freqs = tables.freqs[begin:end].astype(np.int64)
        zero = -int(tables.origins[k])
        plain[k] = stretch[min(4095, max(0, ((1 << bits) - int(freqs[zero])) >> (bits - 12)))]
        distances = np.abs(np.arange(end - begin - 1) - zero)
        spreads[k] = max(1, int((freqs[:-1] * distances).sum() * 16) >> bits)
    far = np.zeros(4096, np.uint8)
    for edge in (1, 2, 3, 4, 6, 9, 13, 18, 28, 44, 80):
        far[edge:] += 1
    return plain, spreads, far
