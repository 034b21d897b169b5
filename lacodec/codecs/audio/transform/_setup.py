"""Coders at their start: `new_coder`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._tables import BANDS, SIZES, SLOTS, bands_at, logs, powers
from lacodec.entropy.mixing_tables import mixing_tables

_TRAINED = Path(__file__).with_name("start.npz")
_LIMIT, _SIDE_LIMIT = 400, 250
_LEARN = 0.004


@dataclass(frozen=True)
class Rule:
    """How steps follow from levels. coarseness: eighths of an octave; slope: of 256, how much steps follow what is masked."""

    coarseness: int
    slope: int


def new_coder(
    rate: int, channels: int, frames: int, rule: Rule, stream: np.ndarray, *, decoding: bool, price: float = 0.0, trim: float = 0.0
) -> st.Coder:
    """A coder of `frames` frames of one channel or two: an encoder writes `stream` (uint8), a decoder reads it."""
    bands = bands_at(rate)
    n, slots = frames * bands.frame, frames * SLOTS
    plan = np.zeros(st.PLAN, np.int64)
    plan[[st.CHANNELS, st.FRAME, st.COARSENESS, st.SLOPE]] = channels, bands.frame, rule.coarseness, rule.slope
    plan[[st.LIMIT, st.SIDE_LIMIT, st.PAST_SIZE, st.PAST_SIZE_2]] = _LIMIT, _SIDE_LIMIT, SIZES, SIZES
    plan[st.DECODING] = int(decoding)
    _, stretch, squash, reciprocal = mixing_tables()
    chances, weights = start_state()
    padded = bands.frame + 2 * st.PAD
    return st.Coder(
        plan=plan,
        rates=np.array([_LEARN, price, trim]),
        registers=np.zeros(6, np.int64),
        stream=stream,
        quantised=np.zeros((channels, n), np.int32),
        wanted=np.zeros((channels, 0 if decoding else n)),
        sizes=np.full(slots, st.NOTHING, np.uint8),
        levels=np.zeros((channels, slots, BANDS), np.uint8),
        angles=np.zeros((slots, BANDS), np.uint8),
        chances=chances.copy(),
        weights=weights.copy(),
        inputs=np.zeros(st.INPUTS),
        cells=np.zeros(st.CONTEXTS, np.int64),
        present=np.zeros((channels, padded)),
        past=np.zeros((channels, 2, padded)),
        mapped=np.zeros((2, padded)),
        past_levels=np.zeros((channels, 2, BANDS), np.int64),
        past_angles=np.zeros(BANDS, np.int64),
        steps=np.zeros(BANDS, np.int64),
        edges=bands.edges,
        counts=bands.counts,
        like=bands.like,
        powers=powers(),
        logs=logs(),
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
        prices=_prices(),
    )


@cache
def start_state() -> tuple[np.ndarray, np.ndarray]:
    """(chances, weights) that a coder starts with, as training left them."""
    if _TRAINED.exists():
        with np.load(_TRAINED) as kept:
            return unpacked(kept)
    weights = np.zeros((st.SETS, st.INPUTS))
    weights[:, : st.CONTEXTS] = 0.15
    weights[st.WL0 :] = 0.25
    return np.full(st.CELLS * st.DECISIONS, 1 << 31, np.uint32), weights.reshape(-1)


@cache
def _prices() -> np.ndarray:
    return -np.log2((np.arange(4096) + 0.5) / 4096)
