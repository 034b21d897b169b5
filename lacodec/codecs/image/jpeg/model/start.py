"""Start values from training: counters, mixer weights, predictions. Made by `tools/train_jpeg.py`.

start.bin = LZMA of: number of counters, of rows (64 bits each); places of counters, each less the one before, all low bytes, then
the higher bytes; their codes; which rows of weights were trained, likewise; those rows; weights of predictions
"""

import lzma
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables

STEP = 192  # of stretched probabilities in codes
LEVELS = 11
COUNT = 32  # that trained counters start with: how sure they are
WEIGHT_STEP = 1024  # of weights in 65536ths
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "lp": 0}]
_COLUMNS = 13


class Start(NamedTuple):
    """What training found."""

    places: np.ndarray  # int64: of the counters that were met often enough
    counters: np.ndarray  # uint32: their values
    rows: np.ndarray  # int64: weight rows that were used
    weights: np.ndarray  # int32[rows, _COLUMNS]: of 12 contexts, then of the constant
    signed: np.ndarray  # int32[2 * 66 * 32]
    sizes: np.ndarray  # int32[2 * 64 * 56]


@cache
def start_values() -> Start:
    """The values that come with the package."""
    return unpack(Path(__file__).with_name("start.bin").read_bytes())


def unpack(packed: bytes) -> Start:
    """The reverse of `pack`."""
    raw = np.frombuffer(lzma.decompress(packed, lzma.FORMAT_RAW, filters=_FILTERS), np.uint8)
    counters, rows = (int(n) for n in raw[:16].view("<i8"))
    sizes = [3 * counters, counters, 3 * rows, rows * _COLUMNS, 2 * 66 * 32 * 2, 2 * 64 * 56 * 2]
    parts = np.split(raw[16:], np.cumsum(sizes)[:-1])
    _, _, squash, _ = mixing_tables()
    at = (np.arange(2 * LEVELS + 1) - LEVELS) * STEP
    values = ((squash[at + HALF_RANGE].astype(np.uint32) << np.uint32(6)) << np.uint32(10)) | np.uint32(COUNT)
    return Start(
        _places(parts[0]),
        values[parts[1]],
        _places(parts[2]),
        parts[3].view(np.int8).reshape(-1, _COLUMNS).astype(np.int32) * WEIGHT_STEP,
        parts[4].view("<i2").astype(np.int32) << 8,
        parts[5].view("<i2").astype(np.int32) << 8,
    )


def pack(places: np.ndarray, chances: np.ndarray, rows: np.ndarray, weights: np.ndarray, *predictions: np.ndarray) -> bytes:
    """A `Start` as bytes. places, chances (12 bits): of counters; rows, weights (16 fractional bits); two sets as in `State`."""
    stretch = mixing_tables()[1][chances].astype(np.int64)
    codes = np.clip(np.round(stretch / STEP), -LEVELS, LEVELS).astype(np.int64) + LEVELS
    raw = b"".join(
        (
            np.array([places.size, rows.size], "<i8").tobytes(),
            _packed_places(places),
            codes.astype(np.uint8).tobytes(),
            _packed_places(rows),
            np.clip(np.round(weights / WEIGHT_STEP), -127, 127).astype(np.int8).tobytes(),
            *((p >> 8).astype("<i2").tobytes() for p in predictions),
        )
    )
    return lzma.compress(raw, lzma.FORMAT_RAW, filters=_FILTERS)


def _packed_places(places: np.ndarray) -> bytes:
    steps = np.diff(places, prepend=0).astype("<u4").view(np.uint8).reshape(-1, 4)
    assert not steps[:, 3].any()
    return steps[:, :3].T.tobytes()


def _places(planes: np.ndarray) -> np.ndarray:
    low, middle, high = planes.reshape(3, -1).astype(np.int64)
    return np.cumsum(low + (middle << 8) + (high << 16))
