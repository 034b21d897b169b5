"""What all vectors of a file share: their mean, the directions that they are described by, steps and tables; and its payload.

vector * 2^-exponent = mean + sum over k of (number[k] - shift) * step[k] * basis[k]      [then divided by its length]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.entropy.tables import Tables
from lacodec.errors import CorruptFile

Floats = NDArray[np.float64]

EIGHTHS = (1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096,
           1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424)  # fmt: skip
_UNIT = 1  # a flag: all vectors have length 1
_MOST_OCTAVES = 300  # of a step: products of three of them are finite
_MOST_EXPONENT = 1100
_SHIFT = 256.0
MOST_TABLES = 64


def powers(eighths: NDArray[np.int64]) -> Floats:
    """2^(k/8), by constants and exact powers of two."""
    octaves, rest = np.divmod(eighths, 8)
    return np.ldexp(np.array(EIGHTHS)[rest], octaves)


@dataclass(frozen=True)
class Model:
    """exponent: of the scale. unit: whether vectors have length 1. matrix: i16[1 + K, d], the mean and K directions in steps of
    2^(fineness[1 + K] / 8). scale * 2^(spread[K] / 8): the steps of numbers. tables, which[K]: tables of numbers.
    shifts: i8[T, 2], by which the values of numbers lie nearer to 0, in 256ths of a step.
    """

    exponent: int
    unit: bool
    matrix: NDArray[np.int16]
    fineness: NDArray[np.int64]
    scale: float
    spread: NDArray[np.int64]
    tables: Tables | None
    which: NDArray[np.uint8]
    shifts: NDArray[np.int8]

    @property
    def rows(self) -> Floats:
        """f64[1 + K, d]: the mean and the directions."""
        return self.matrix * powers(self.fineness)[:, None]

    @property
    def steps(self) -> Floats:
        """f64[K]."""
        return self.scale * powers(self.spread)

    def pack(self, embed: Callable[[NDArray[Any]], bytes]) -> bytes:
        """The payload of the shared section; embed: a payload of codec `arrays` for a matrix."""
        out = Writer()
        out.number(_UNIT * self.unit)
        out.signed(self.exponent)
        out.number(len(self.spread))
        for values in (self.fineness, self.spread):
            before = 0
            for value in values.tolist():
                out.signed(value - before)
                before = value
        out.write(np.array([self.scale], "<f8").tobytes())
        out.piece(embed(self.matrix))
        if self.tables is not None:
            out.write(self.tables.pack())
            out.write(self.which.tobytes())
            out.write(self.shifts.tobytes())
        return out.data

    @classmethod
    def unpack(cls, data: bytes, columns: int, unembed: Callable[[bytes, str, tuple[int, int]], NDArray[Any]]) -> "Model":
        """The inverse of `pack`; raises CorruptFile."""
        reader = Reader(data)
        flags, exponent, count = reader.number(), reader.signed(), reader.number()
        if flags > _UNIT or abs(exponent) > _MOST_EXPONENT or count > columns:
            raise CorruptFile("its model has impossible sizes")
        fineness, spread = (_summed(reader, n) for n in (1 + count, count))
        scale = float(np.frombuffer(reader.take(8), "<f8")[0])
        if not (math.isfinite(scale) and 0 < scale < 1e9):
            raise CorruptFile("its model has an impossible step")
        matrix = unembed(bytes(reader.piece()), "<i2", (1 + count, columns))
        tables, which, shifts = None, np.zeros(0, np.uint8), np.zeros((0, 2), np.int8)
        if count:
            tables = reader.tables()
            which = np.frombuffer(reader.take(count), np.uint8)
            if len(tables) > MOST_TABLES or which.max() >= len(tables) or not tables.escape or tables.freq_bits > 14:
                raise CorruptFile("its model has impossible tables")
            shifts = np.frombuffer(reader.take(2 * len(tables)), np.int8).reshape(-1, 2)
        reader.finish()
        return cls(exponent, bool(flags), matrix, fineness, scale, spread, tables, which, shifts)

    def restore(self, numbers: NDArray[np.int32], dtype: str) -> np.ndarray:
        """The vectors, [n, d], for numbers [n, K]; the same on every machine."""
        from lacodec.codecs.vectors._kernel import restore

        rows = self.rows
        out = np.empty((len(numbers), rows.shape[1]))
        restore(numbers, self.steps, self.which, self.shifts / _SHIFT, rows[0].copy(), rows[1:].copy(), self.unit, out)
        if not self.unit:
            with np.errstate(over="ignore"):
                out = np.ldexp(out, self.exponent)
        kind = np.dtype(dtype)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            return np.clip(np.rint(out), limits.min, limits.max).astype(kind)
        most = float(np.finfo(kind).max)
        return np.clip(out, -most, most).astype(kind)


def tables_of(counts: NDArray[np.int64], freq_bits: int = 14) -> Tables:
    """Tables with an escape from counts [T, 2 * most + 1] of the numbers from -most on."""
    from lacodec.entropy.tables import normalise

    most, freqs, offsets, first = counts.shape[1] // 2, [], [0], []
    for row in counts:
        used = np.flatnonzero(row)
        low, high = (int(used[0]), int(used[-1])) if len(used) else (most, most)
        part = np.append(row[low : high + 1], 1)
        freqs.append(normalise(np.maximum(part, 1) if high == low else part, freq_bits))
        offsets.append(offsets[-1] + len(part))
        first.append(low - most)
    return Tables(np.concatenate(freqs), np.array(offsets), freq_bits, True, np.array(first, np.int32))


def _summed(reader: Reader, count: int) -> NDArray[np.int64]:
    """Numbers of which the differences were written; raises CorruptFile beyond 2^+-300."""
    found, value = [], 0
    for _ in range(count):
        value += reader.signed()
        if abs(value) > 8 * _MOST_OCTAVES:
            raise CorruptFile("its model has an impossible scale")
        found.append(value)
    return np.array(found, np.int64)
