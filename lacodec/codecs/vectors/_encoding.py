"""Vectors -> payloads of chunks at a rate, and payloads -> numbers.

payload = [number size, columns 0 and 1 as differences, by codec `arrays`, if vectors are sorted] rANS stream of the numbers
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.vectors import _fit as fit
from lacodec.codecs.vectors import _kernel as kernels
from lacodec.codecs.vectors._model import Model
from lacodec.container.types import content_hash
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.errors import BadInput, CorruptFile

_AROUND = 140  # bytes of a chunk beside its symbols: its head, its copy in the index, the head of its stream
_FRAME = 500  # bytes of a file beside its chunks
_CLOSE = 0.005  # relative
_TRIES, _COARSER = 4, 9
_MOST_BITS = 10  # of a number, where tables end
_SORTED = 2  # columns that vectors are sorted by

Embed = Callable[[NDArray[np.signedinteger]], bytes]
Unembed = Callable[[bytes, str, tuple[int, int]], NDArray[np.signedinteger]]


class Encoding:
    """The model for `rows` [n, d] with which a file of chunks of `chunk` rows has `rate` bytes for each; BadInput if none does.

    embed: a payload of codec `arrays`. order: None, or where in the file each vector comes from, if it is sorted.
    """

    def __init__(self, rows: np.ndarray, rate: float, chunk: int, ordered: bool, embed: Embed) -> None:
        _check(rows, rate)
        self._embed = embed
        self.order: NDArray[np.intp] | None = None
        around = _FRAME + _AROUND * -(-len(rows) // chunk)
        wanted = 8.0 * (rate * len(rows) - around)
        found = fit.Fit(_sample(rows), len(rows))
        scale, before, slack = 0.0, None, 8 * _CLOSE * rate * len(rows)
        for number in range(_TRIES + _COARSER):  # what is only estimated is put right; at last it is made to fit
            scale = fit.scale_for(wanted, found.bits, before) if number < _TRIES else scale + 0.03 * 2 ** (number - _TRIES)
            self.model, self._lengths = found.model(scale)
            self.packed = self.model.pack(embed)
            found.missed = 8 * len(self.packed) - found.model_bits(scale, len(self.model.spread))
            if not ordered:
                found.missed -= self._sort(rows, chunk)
            size = found.bits(scale)
            settled = before is not None and abs(scale - before) < 0.01  # with one more direction it would be too large
            if size <= wanted + slack and (settled or size >= wanted - slack or number >= _TRIES - 1):
                return
            before = scale
        if len(rows):
            nearest = (size / 8 + around) / len(rows)
            raise BadInput(f"{len(rows)} vectors do not fit into {rate:g} bytes each; the least found is {nearest:.1f}")

    def encode(self, rows: np.ndarray) -> tuple[bytes, int]:
        """The payload for some of the vectors, in the order of the file, and the hash of their numbers."""
        model, numbers, out = self.model, self._numbers(rows), Writer()
        digest = content_hash(numbers.astype("<i4").tobytes())
        if model.tables is None:
            return b"", digest
        first = 0
        if self.order is not None:
            out.piece(self._embed(_differences(numbers)))
            first = numbers[:, :_SORTED].shape[1]
        left = np.ascontiguousarray(numbers[:, first:])
        out.write(RansEncoder().push(left.ravel(), model.tables, np.tile(model.which[first:], len(rows))).finish())
        return out.data, digest

    def _numbers(self, rows: np.ndarray) -> NDArray[np.int32]:
        model = self.model
        if model.tables is None:
            return np.zeros((len(rows), 0), np.int32)
        values = fit.coordinates(np.ldexp(rows.astype(np.float64), -model.exponent), model)
        numbers, counts = np.zeros(values.shape, np.int32), np.zeros(self._lengths.shape, np.int64)
        kernels.choose(values, model.steps, model.which, self._lengths, self._lengths.shape[1] // 2, fit.PRICE, numbers, counts)
        return numbers

    def _sort(self, rows: np.ndarray, chunk: int) -> float:
        """Sort the vectors; returns the bits that this saves."""
        first = np.concatenate([self._numbers(rows[at : at + chunk])[:, :_SORTED] for at in range(0, max(1, len(rows)), chunk)])
        self.order = np.lexsort(first.T[::-1]) if first.shape[1] else np.arange(len(rows))
        first = first[self.order]
        most = self._lengths.shape[1] // 2
        columns = self._lengths[self.model.which[: first.shape[1]], most + np.clip(first, -most, most)]
        coded = sum(len(self._embed(_differences(first[at : at + chunk]))) for at in range(0, len(first), chunk))
        return float(columns.sum(dtype=np.float64)) - 8.0 * coded


def numbers_in(payload: bytes, model: Model, count: int, ordered: bool, unembed: Unembed) -> NDArray[np.int32]:
    """i32[count, K]; raises CorruptFile."""
    reader = Reader(payload)
    numbers = np.zeros((count, len(model.which)), np.int32)
    if model.tables is None:
        reader.finish()
        return numbers
    first = 0
    if not ordered:
        first = numbers[:, :_SORTED].shape[1]
        numbers[:, :first] = _sums(unembed(bytes(reader.piece()), "<i4", (first, count)))
    decoder = RansDecoder(reader.rest())
    columns = len(model.which) - first
    if decoder.count != count * columns:
        raise CorruptFile(f"it has {decoder.count} numbers for {count} vectors")
    numbers[:, first:] = decoder.pull(decoder.count, model.tables, np.tile(model.which[first:], count)).reshape(count, columns)
    decoder.finish()
    return numbers


def _differences(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """[columns, n] of sorted numbers: differences to the row before, where the columns before agree; of the first columns."""
    first = numbers[:, :_SORTED].T.copy()
    found = np.diff(first, axis=1, prepend=0).astype("<i4")
    if len(first) == _SORTED:
        found[1] = np.where(found[0] != 0, first[1], found[1])
    return found


def _sums(found: NDArray[np.signedinteger]) -> NDArray[np.int32]:
    """The inverse of `_differences`: [n, columns]."""
    sums = np.cumsum(found, axis=1, dtype=np.int64)
    if len(found) == _SORTED:
        starts = np.flatnonzero(found[0])
        before = np.concatenate([[0], sums[1][starts - 1] * (starts > 0)])
        sums[1] -= before[np.searchsorted(starts, np.arange(found.shape[1]), side="right")]
    return sums.T.astype(np.int32)


def _sample(rows: np.ndarray) -> np.ndarray:
    """At random: any rule could meet one that the vectors follow."""
    if len(rows) <= fit.SAMPLE:
        return rows
    return rows[np.sort(np.random.default_rng(1).choice(len(rows), fit.SAMPLE, replace=False))]


def _check(rows: np.ndarray, rate: float) -> None:
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise BadInput("vectors have NaN or infinity, which only lossless coding keeps; use codec 'arrays'")
    if rate * 8 > _MOST_BITS * rows.shape[1]:
        most = _MOST_BITS * rows.shape[1] / 8
        raise BadInput(f"bytes_per_vector is {rate:g}; above {most:g} for {rows.shape[1]} numbers use codec 'arrays'")
