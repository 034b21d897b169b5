"""Encoding of a file at a size: steps of tensors, the search for their common scale, then chunk by chunk."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lacodec.codecs.embedded import embed
from lacodec.codecs.session import Session
from lacodec.codecs.weights._chunks import Plan, plans
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.quantised._allocate import of_words, scale_for, steps_of
from lacodec.codecs.weights.quantised._calibration import Calibration
from lacodec.codecs.weights.quantised._chunk import Encoded, Quantising, encode_chunk
from lacodec.codecs.weights.quantised._pieces import columns_of, pieces_of
from lacodec.codecs.weights.quantised._rotation import pays
from lacodec.codecs.weights.quantised._subjects import Subject, Subjects
from lacodec.container.types import CRITICAL, Chunk
from lacodec.io.threads import ordered_map

_SAMPLED = 12  # chunks that the first estimates of the size look at
_AROUND = 128  # bytes of a chunk's head, and of its copy in the index
_FRAME = 130  # bytes of a file beside its chunks and the header, which is there twice
_COMPACT = 31  # the same for a file of one chunk, less what `_HEADER` has too much for it
_HEADER = 100  # bytes of the header beside the table and the errors
_AT_ONCE = 1 << 20  # values
_ROTATED_SAMPLE = 1 << 18  # values of a tensor that tell whether rotation pays


class Encoding:
    """A file of tensors at the scale of steps that gives it `wanted` bytes; raises BadInput if none does."""

    def __init__(self, subjects: Subjects, session: Session, wanted: int, calibration: Calibration | None = None) -> None:
        self._subjects, self._session, self._lock = subjects, session, threading.Lock()
        self._plans = list(plans(subjects.entries, subjects.size))
        roots = list(ordered_map(self._root_mean_square, iter(subjects.items), session.threads))
        steps = steps_of([item.entry.name for item in subjects.items], roots)
        if calibration:
            steps = calibration.steps(steps)
        told = calibration.tensors if calibration else {}
        turns = list(ordered_map(lambda both: self._rotation(*both), zip(subjects.items, roots, strict=True), session.threads))
        ranked = [of_words(item.entry.name) for item in subjects.items]
        self._calibration = calibration  # and with it the files of its tensors
        self._ways = list(map(Quantising, steps, turns, ranked, map(told.get, range(len(steps)))))
        self._errors = np.zeros((2, len(subjects.items)))  # squared: of the restored values, of the values
        fixed, header = _AROUND * len(self._plans) + _FRAME, _HEADER + len(pack_table(subjects.entries)) + 4 * len(self._ways)
        fixed = fixed + 2 * header if len(self._plans) > 1 else _COMPACT + header
        sample = self._plans[:: -(-len(self._plans) // _SAMPLED)]
        share = subjects.size / max(1, sum(plan.size for plan in sample))
        self._scale = scale_for(
            wanted,
            lambda scale: fixed + self._size(self._plans, scale),
            lambda scale: fixed + int(share * self._size(sample, scale)),
        )

    @property
    def errors(self) -> bytes:
        """f32[tensors]: squared error of each relative to its squares, at the scale that was found."""
        error, energy = self._errors
        return np.where(energy > 0, error / np.where(energy > 0, energy, 1), 0).astype("<f4").tobytes()

    def chunks(self) -> Iterator[Chunk]:
        """The chunks of the file."""
        return map(self._chunk, self._plans, self._encoded(self._plans, self._scale))

    def _size(self, chosen: list[Plan], scale: float) -> int:
        self._errors[...] = 0
        return sum(len(item.payload) for item in self._encoded(chosen, scale))

    def _encoded(self, chosen: list[Plan], scale: float) -> Iterator[Encoded]:
        factor = 2.0**scale
        ways = [replace(way, step=way.step * factor) for way in self._ways]
        embedded = partial(_embedded, self._session)

        def encoded(plan: Plan) -> Encoded:
            pieces = pieces_of(self._subjects.entries, plan.start, plan.start + plan.size)
            made = encode_chunk(self._subjects, pieces, ways, embedded)
            with self._lock:
                for tensor, error, energy in made.errors:
                    self._errors[:, tensor] += error, energy
            return made

        return ordered_map(encoded, iter(chosen), self._session.threads)

    def _rotation(self, item: Subject, root: float) -> int:
        """log2 of the columns of a tensor that are rotated together."""
        columns = columns_of(item.entry)
        rows = max(1, min(item.entry.shape[0], _ROTATED_SAMPLE // max(1, columns)))
        if not root or rows * columns > 4 * _ROTATED_SAMPLE:
            return 0
        first = (item.entry.shape[0] - rows) // 2 * columns
        sample = item.read(self._subjects.source, first, rows * columns).reshape(rows, columns)
        return pays(sample / np.float32(root))

    def _root_mean_square(self, item: Subject) -> float:
        """Of the values of a tensor; 0 if it is kept as it is: all zeros, values that are not finite, or no matrix."""
        if not columns_of(item.entry):
            return 0.0
        total, left, at = 0.0, int(np.prod(item.entry.shape, dtype=np.int64)), 0
        count = left
        while left:
            values = item.read(self._subjects.source, at, min(left, _AT_ONCE)).astype(np.float64)
            with np.errstate(all="ignore"):
                total += float(np.square(values).sum())
            at, left = at + len(values), left - len(values)
        root = float(np.sqrt(total / count)) if np.isfinite(total) else 0.0
        return root if 1e-30 < root < 1e30 else 0.0

    @staticmethod
    def _chunk(plan: Plan, encoded: Encoded) -> Chunk:
        covers = ((plan.start, plan.start + plan.size),)
        return Chunk(CRITICAL, covers, encoded.payload, encoded.hash, plan.size)


def _embedded(session: Session, data: bytes, effort: int) -> bytes:
    return embed("bytes", data, session, effort=effort)
