"""Coders at their start: `new_coder`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lacodec.codecs.audio.transform import _state as st
from lacodec.codecs.audio.transform._tables import BANDS, SIZES, SLOTS, bands_at, logs, powers
from lacodec.entropy.mixing_tables import mixing_tables

_TRAINED = Path(__file__).with_name("start.npz")
_MOST_TRUST = 40  # of a count that training left


@dataclass(frozen=True)
class Rule:
    """How steps follow from levels.

    coarseness: eighths of an octave. slope, lift: of 256, how much steps follow what is masked in the band, and the loudest band
    of the block. tilt: sixteenths of an eighth of an octave that steps grow from band to band. up, down: eighths of an octave by
    which masking falls from a band to the next higher and lower one.
    """

    coarseness: int
    slope: int
    lift: int
    tilt: int
    up: int = 16
    down: int = 36

    @property
    def numbers(self) -> np.ndarray:
        """The same as int64[6]."""
        return np.array([self.coarseness, self.slope, self.lift, self.tilt, self.up, self.down])


@dataclass(frozen=True)
class Pace:
    """How fast a coder learns.

    limit, side_limit: tens of the counts at which the chances of coefficients, and of what is coded beside them, stop slowing
    down. weights: thousandths of the error by which weights follow.
    """

    limit: int = 40
    side_limit: int = 25
    weights: int = 4


def new_coder(
    rate: int,
    channels: int,
    frames: int,
    rule: Rule,
    pace: Pace,
    stream: np.ndarray,
    *,
    decoding: bool,
    prices: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> st.Coder:
    """A coder of `frames` frames of one channel or two: an encoder writes `stream` (uint8), a decoder reads it.

    prices: `_state.PRICE`, TRIM and LEVEL_PRICE, for an encoder.
    """
    bands = bands_at(rate)
    n, slots = frames * bands.frame, frames * SLOTS
    plan = np.zeros(st.PLAN, np.int64)
    plan[[st.CHANNELS, st.FRAME]] = channels, bands.frame
    plan[[st.LIMIT, st.SIDE_LIMIT, st.PAST_SIZE, st.PAST_SIZE_2]] = 10 * pace.limit, 10 * pace.side_limit, SIZES, SIZES
    plan[st.DECODING] = int(decoding)
    _, stretch, squash, reciprocal = mixing_tables()
    chances, weights = start_state()
    padded = bands.frame + 2 * st.PAD
    return st.Coder(
        plan=plan,
        rule=rule.numbers,
        rates=np.array([pace.weights / 1000, *prices]),
        registers=np.zeros(6, np.int64),
        stream=stream,
        quantised=np.zeros((channels, n), np.int32),
        wanted=np.zeros((channels, 0 if decoding else n)),
        exact=np.zeros((channels, 0 if decoding else slots, BANDS)),
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
    if not _TRAINED.exists():
        return plain_state()
    with np.load(_TRAINED) as kept:
        chances = kept["chances"].astype(np.uint32) << np.uint32(16) | kept["counts"]
        return chances, kept["weights"].astype(np.float64)


def packed(chances: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a file that `start_state` reads; counts are cut off, so that a coder soon follows its own sound."""
    counts = np.minimum(chances & 1023, _MOST_TRUST).astype(np.uint8)
    return {"chances": (chances >> 16).astype(np.uint16), "counts": counts, "weights": weights.astype(np.float32)}


def plain_state() -> tuple[np.ndarray, np.ndarray]:
    """What training begins with: all chances even, all contexts trusted alike."""
    weights = np.zeros((st.SETS, st.INPUTS))
    weights[:, : st.CONTEXTS] = 0.15
    weights[st.WL0 :] = 0.25
    return np.full(st.CELLS * st.DECISIONS, 1 << 31, np.uint32), weights.reshape(-1)


@cache
def _prices() -> np.ndarray:
    return -np.log2((np.arange(4096) + 0.5) / 4096)
