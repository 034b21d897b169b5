"""Sizes and start values for efforts 1 and 2."""

import lzma
from functools import cache
from math import isqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lacodec.codecs.image.jpeg.model import fast, pairs, symbols
from lacodec.codecs.image.jpeg.model.setup import ZIGZAG, coding_order
from lacodec.codecs.image.jpeg.model.start import start_values

_FINE = 8  # codes of start frequencies to an octave
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
_KNOWN = 24  # age of a row that training saw
_PLAIN = [0, 12150, 19500, 23970, 26711, 28416, 29499, 30208, 30693, 31044, 31314, 31536, 31729, 31905, 32070, 32229]  # of others
SCALE = 1 << symbols.SCALE_BITS
PAIRS, ALL_ROWS = 2 * fast.KIND_ROWS, 2 * (fast.KIND_ROWS + pairs.KIND_ROWS)  # in `StartRows`: those of effort 2, then of 1


class StartRows(NamedTuple):
    """Start values: rows of `Symbols`, their ages, chances of signs."""

    rows: np.ndarray
    ages: np.ndarray
    chances: np.ndarray


@cache
def _speeds() -> np.ndarray:
    return np.array([3] * 4 + [4] * 12 + [5] * 32 + [6] * 48 + [7] * 128 + [8] * 32, np.int64)


@cache
def _targets() -> np.ndarray:
    """For each symbol the row that has it almost surely."""
    rows = np.tile(np.arange(16) * symbols.LEAST, (16, 1))
    above = np.arange(16)[None, :] > np.arange(16)[:, None]
    return np.where(above, SCALE - (16 - np.arange(16)) * symbols.LEAST, rows).astype(np.int16).reshape(-1)


@cache
def start_rows() -> StartRows:
    """The values that come with the package."""
    return unpack_rows(Path(__file__).with_name("fast.bin").read_bytes())


def plain_rows() -> StartRows:
    """Rows without training."""
    return StartRows(
        np.tile(np.array(_PLAIN, np.int16), ALL_ROWS), np.zeros(ALL_ROWS, np.uint8), np.full(fast.CHANCES, SCALE // 2, np.int16)
    )


def pack_rows(rows: np.ndarray, seen: np.ndarray, chances: np.ndarray) -> bytes:
    """Rows (int16[n * 16]) of which `seen` says whether they matter, and chances of signs, as bytes."""
    wide = np.concatenate([rows.reshape(-1, 16).astype(np.int64), np.full((len(seen), 1), SCALE)], 1)
    codes = np.round(np.log2(np.maximum(np.diff(wide, axis=1), 1)) * _FINE).astype(np.uint8)
    raw = np.packbits(seen).tobytes() + (chances >> 7).astype(np.uint8).tobytes() + codes[seen].T.tobytes()
    return lzma.compress(raw, lzma.FORMAT_RAW, filters=_FILTERS)


def unpack_rows(packed: bytes) -> StartRows:
    """The reverse."""
    raw = np.frombuffer(lzma.decompress(packed, lzma.FORMAT_RAW, filters=_FILTERS), np.uint8)
    seen = np.unpackbits(raw[: ALL_ROWS // 8]).astype(bool)
    chances, codes = np.split(raw[ALL_ROWS // 8 :], [fast.CHANCES])
    codes = codes.reshape(16, -1).T
    table = np.array([isqrt(isqrt(isqrt(1 << (n + 192)))) + (1 << 23) >> 24 for n in range(256)])  # 2 ** (n / _FINE), rounded
    shares = np.cumsum(table[codes], axis=1)
    room = SCALE - 16 * symbols.LEAST
    below = shares[:, :-1] * room // shares[:, -1:]
    rows = plain_rows().rows
    wide = rows.reshape(-1, 16)
    wide[seen, 1:] = below + np.arange(1, 16) * symbols.LEAST
    return StartRows(rows, (seen * _KNOWN).astype(np.uint8), (chances.astype(np.int16) << 7) + 64)


def new_symbols(start: StartRows, effort: int, **pools: np.ndarray) -> symbols.Symbols:
    """A coder of symbols at its start; pools: notes, words, plain."""
    rows = slice(PAIRS, ALL_ROWS) if effort == 1 else slice(PAIRS)
    empty = np.zeros(0, np.uint32)
    return symbols.Symbols(
        registers=np.zeros(7, np.uint64),
        rows=start.rows.reshape(-1, symbols.SYMBOLS)[rows].reshape(-1).copy(),
        ages=start.ages[rows].copy(),
        speeds=_speeds(),
        targets=_targets(),
        notes=pools.get("notes", empty),
        words=pools.get("words", empty),
        plain=pools.get("plain", empty),
    )


def fast_component(array: np.ndarray, quant: np.ndarray, kind: int, decoding: bool, chances: np.ndarray) -> fast.Fast:
    """The state for one component (zigzag order); kind: 0 for luma, 1 for chroma."""
    rows, columns = array.shape[:2]
    natural = np.maximum(quant.astype(np.int64), 1)[np.argsort(ZIGZAG)]
    return fast.Fast(
        plan=np.array([rows, columns, kind, decoding], np.int64),
        coefficients=array,
        quant=natural,
        order=coding_order(),
        zigzag=np.argsort(ZIGZAG).astype(np.int64),
        records=np.zeros(2 * (columns + 2) * fast.RECORD + 16, np.int16),
        counts=np.zeros((2, columns + 2, 4), np.int64),
        near=np.zeros(64, np.int16),
        starts=np.zeros(4, np.int64),
        signed_weights=start_values().signed,
        class_of=_classes(),
        inverse=(1 << 24) // natural,
        chances=chances,
    )


@cache
def _classes() -> np.ndarray:
    """0, 1, 3 for 2, 4 for 3, then about two to an octave."""
    starts = [1, 2, 2, 3, 4, 6, 8, 12, 16, 23, 32, 46, 64, 91, 128]
    return np.searchsorted(starts, np.arange(1024), "right").astype(np.uint8)


def pair_component(array: np.ndarray, kind: int, decoding: bool) -> pairs.Pairs:
    """The state of effort 1 for one component (zigzag order); kind: 0 for luma, 1 for chroma."""
    rows, columns = array.shape[:2]
    return pairs.Pairs(
        plan=np.array([rows, columns, kind, decoding], np.int64),
        coefficients=array,
        flat=array.reshape(-1),
        records=np.zeros(2 * (columns + 2) * pairs.RECORD, np.int16),
        ends=np.zeros((2, columns + 2, 2), np.int64),
        near=np.zeros(32, np.int16),
        sizes=np.zeros(65, np.int16),
        levels=np.zeros((2, columns + 2), np.int64),
        class_of=_classes(),
    )
