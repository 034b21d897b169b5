"""Encoding of a file at a size: steps of tensors, the search for their common scale, then chunk by chunk."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from lacodec.codecs.embedded import embed
from lacodec.codecs.session import Session
from lacodec.codecs.weights._chunks import Plan, plans
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.quantised._allocate import scale_for
from lacodec.codecs.weights.quantised._chunk import Encoded, encode_chunk
from lacodec.codecs.weights.quantised._pieces import columns_of, pieces_of
from lacodec.codecs.weights.quantised._subjects import Subject, Subjects
from lacodec.codecs.weights.quantised.quantise import PRICE
from lacodec.container.types import CRITICAL, Chunk
from lacodec.io.source import Source
from lacodec.io.threads import ordered_map

_SAMPLED = 12  # chunks that the first estimates of the size look at
_AROUND = 128  # bytes of a chunk's head, and of its copy in the index
_FRAME = 130  # bytes of a file beside its chunks and the header, which is there twice; less in a file of one chunk
_HEADER = 90  # bytes of the header beside the table
_AT_ONCE = 1 << 20  # values


class Encoding:
    """The steps of all tensors of a file, which one scale multiplies."""

    def __init__(self, subjects: Subjects, session: Session) -> None:
        self._subjects, self._session = subjects, session
        self._plans = list(plans(subjects.entries, subjects.size))
        self._steps = [root_mean_square(item, subjects.source) if columns_of(item.entry) else 0.0 for item in subjects.items]

    def chunks(self, wanted: int) -> Iterator[Chunk]:
        """The chunks of a file of `wanted` bytes; raises BadInput if there is none."""
        fixed, header = _AROUND * len(self._plans) + _FRAME, _HEADER + len(pack_table(self._subjects.entries))
        fixed += 2 * header if len(self._plans) > 1 else header - _AROUND
        sample = self._plans[:: -(-len(self._plans) // _SAMPLED)]
        share = self._subjects.size / max(1, sum(plan.size for plan in sample))

        def size_at(scale: float) -> int:
            return fixed + sum(len(item.payload) for item in self._encoded(self._plans, scale))

        def guess_at(scale: float) -> int:
            return fixed + int(share * sum(len(item.payload) for item in self._encoded(sample, scale)))

        scale = scale_for(wanted, size_at, guess_at)
        return map(self._chunk, self._plans, self._encoded(self._plans, scale))

    def _encoded(self, chosen: list[Plan], scale: float) -> Iterator[Encoded]:
        factor = 2.0**scale

        def encoded(plan: Plan) -> Encoded:
            pieces = pieces_of(self._subjects.entries, plan.start, plan.start + plan.size)
            return encode_chunk(
                self._subjects, pieces, lambda tensor: self._steps[tensor] * factor, PRICE, partial(_embedded, self._session)
            )

        return ordered_map(encoded, iter(chosen), self._session.threads)

    @staticmethod
    def _chunk(plan: Plan, encoded: Encoded) -> Chunk:
        covers = ((plan.start, plan.start + plan.size),)
        return Chunk(CRITICAL, covers, encoded.payload, encoded.hash, plan.size)


def root_mean_square(item: Subject, source: Source) -> float:
    """Of the values of a tensor; 0 if it is all zeros or has values that are not finite: such are kept as they are."""
    total, left, at = 0.0, int(np.prod(item.entry.shape, dtype=np.int64)), 0
    count = left
    while left:
        values = item.read(source, at, min(left, _AT_ONCE)).astype(np.float64)
        with np.errstate(all="ignore"):
            total += float(np.square(values).sum())
        at, left = at + len(values), left - len(values)
    return float(np.sqrt(total / count)) if np.isfinite(total) else 0.0


def _embedded(session: Session, data: bytes, effort: int) -> bytes:
    return embed("bytes", data, session, effort=effort)
