"""Encoding of a file at a size: steps of tensors, the search for their common scale, then chunk by chunk."""

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

import numpy as np

from lacodec.codecs.embedded import embed
from lacodec.codecs.session import Session
from lacodec.codecs.weights._chunks import Plan, plans
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.quantised._allocate import scale_for
from lacodec.codecs.weights.quantised._calibration import Calibration
from lacodec.codecs.weights.quantised._chunk import Encoded, encode_chunk
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised._subjects import Subjects
from lacodec.codecs.weights.quantised._ways import ways_of
from lacodec.container.types import CRITICAL, Chunk
from lacodec.io.threads import ordered_map

_SAMPLED = 6  # chunks that the first estimates of the size look at
_AROUND = 128  # bytes of a chunk's head, and of its copy in the index
_FRAME = 130  # bytes of a file beside its chunks and the header, which is there twice
_COMPACT = 31  # the same for a file of one chunk, less what `_HEADER` has too much for it
_HEADER = 117  # bytes of the header beside the table and the errors


class Encoding:
    """A file of tensors at the scale of steps that gives it `wanted` bytes; raises BadInput if none does."""

    def __init__(self, subjects: Subjects, session: Session, wanted: int, calibration: Calibration | None = None) -> None:
        self._subjects, self._session, self._lock = subjects, session, threading.Lock()
        self._plans = list(plans(subjects.entries, subjects.size))
        self._calibration = calibration  # and with it the files of its tensors
        self._ways = ways_of(subjects, session.threads, calibration)
        self._made = _Made(np.nan, tempfile.TemporaryFile(), [])  # noqa: SIM115
        self._errors = np.zeros((2, len(subjects.items)))  # squared: of the restored values, of the values
        fixed, header = _AROUND * len(self._plans) + _FRAME, _HEADER + len(pack_table(subjects.entries)) + 4 * len(self._ways)
        fixed = fixed + 2 * header if len(self._plans) > 1 else _COMPACT + header
        sample = self._plans[:: -(-len(self._plans) // _SAMPLED)]
        share = subjects.size / max(1, sum(plan.size for plan in sample))
        scale = scale_for(
            wanted,
            lambda scale: fixed + self._made_at(scale),
            lambda scale: fixed + int(share * sum(len(made.payload) for made in self._encoded(sample, scale))),
        )
        if self._made.scale != scale:
            self._made_at(scale)

    @property
    def errors(self) -> bytes:
        """f32[tensors]: squared error of each relative to its squares, at the scale that was found."""
        error, energy = self._errors
        return np.where(energy > 0, error / np.where(energy > 0, energy, 1), 0).astype("<f4").tobytes()

    @property
    def total(self) -> bytes:
        """2 x f32: the squared error of all relative to their squares, and weighted by the inverse squares of the steps."""
        weights = np.array([way.step**-2 if way.step else 0.0 for way in self._ways])
        both = [self._errors.sum(1), self._errors @ weights]
        return np.array([error / max(energy, 1e-300) for error, energy in both], "<f4").tobytes()

    def chunks(self) -> Iterator[Chunk]:
        """The chunks of the file."""
        at = 0
        for plan, (size, number) in zip(self._plans, self._made.sizes, strict=True):
            self._made.payloads.seek(at)
            covers = ((plan.start, plan.start + plan.size),)
            yield Chunk(CRITICAL, covers, self._made.payloads.read(size), number, plan.size)
            at += size

    def _made_at(self, scale: float) -> int:
        """Encode all chunks to a temporary file; returns their bytes."""
        self._errors[...] = 0
        self._made.payloads.close()
        self._made = _Made(scale, tempfile.TemporaryFile(), [])  # noqa: SIM115
        for encoded in self._encoded(self._plans, scale):
            self._made.payloads.write(encoded.payload)
            self._made.sizes.append((len(encoded.payload), encoded.hash))
        return sum(size for size, _ in self._made.sizes)

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


@dataclass(frozen=True, eq=False)
class _Made:
    """All payloads at a scale, in a file without a name, and the size and hash of each."""

    scale: float
    payloads: IO[bytes]
    sizes: list[tuple[int, int]]


def _embedded(session: Session, data: bytes, effort: int) -> bytes:
    return embed("bytes", data, session, effort=effort)
