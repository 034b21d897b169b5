"""A block of lines -> payload.

    data --parse--> templates, ids, texts by column --types--> numbers (`arrays`), texts in pools (`bytes`), packed digits

    payload = number lines, u8 1 if the last line has no line feed, sections: filter, head, templates, slots, ids, columns, pools
    head    = for each column: u8 new pool, type, [number different texts], [number lowest, number span]
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.embedded import embed
from lacodec.codecs.fields import Writer
from lacodec.codecs.log.columns import _values_kernel as vk
from lacodec.codecs.log.columns.parse import Parsed, parse
from lacodec.codecs.log.columns.types import DISTINCT, TEXT, Type, type_of
from lacodec.codecs.session import DEFAULT, Session

_POOL = 1 << 16
"""Bytes of text from which on a pool is full."""
_FEW = 512
"""Values from which on numbers get a payload of their own."""
_TEXT_EFFORTS = (2, 2, 3, 4, 4, 6)
_NUMBER_EFFORTS = (3, 4, 5, 6, 7, 8)
_MIXING, _FEW_TO_MIX = 7, 2048
"""The effort of `arrays` from which on numbers are mixed, and values for which that takes too long."""
_SAMPLE = 4096
_QUICK = 1
"""The effort for digits that are as good as random."""


@dataclass
class _Column:
    """type; numbers: what is kept as an array; text: what goes into a pool; raw: packed digits."""

    type: Type
    numbers: NDArray[np.uint64] | None = None
    texts: bytes | None = None
    distinct: int = 0
    most: int = 0
    raw: bytes | None = None


def encode(data: NDArray[np.uint8], effort: int, session: Session = DEFAULT) -> bytes:
    """The payload of data u8[n]. effort: 1 to 6."""
    parsed = parse(data)
    raw = data.tobytes()
    columns = [_column(data, raw, *values, kind) for values, kind in zip(parsed.values, parsed.kinds, strict=True)]
    coder = _Coder(effort, session)
    out = Writer()
    out.number(len(parsed.ids))
    out.write(bytes([int(len(data) > 0 and data[-1] != 10)]))
    out.number(0)
    coder.text(out, b"".join(template + b"\n" for template in parsed.templates))
    coder.numbers(out, _new_or_known(parsed), len(parsed.slot_columns))
    coder.numbers(out, parsed.ids.astype(np.uint64), max(0, len(parsed.templates) - 1))
    head, pools = Writer(), _pools(columns)
    starts = {pool[0] for pool in pools}
    for i, column in enumerate(columns):
        head.write(bytes([int(i in starts)]))
        column.type.write(head)
        if column.type.code == DISTINCT:
            head.number(column.distinct)
            column.most = column.distinct - 1
        if column.numbers is not None and column.type.code != DISTINCT:
            low = int(column.numbers.min())
            column.most = int(column.numbers.max()) - low
            head.number(low)
            head.number(column.most)
            column.numbers = column.numbers - np.uint64(low)
    coder.text(out, head.data)
    for column in columns:
        if column.numbers is not None:
            coder.numbers(out, column.numbers, column.most)
        if column.raw is not None:
            coder.text(out, column.raw, _QUICK)
    for pool in pools:
        coder.text(out, b"".join(columns[i].texts or b"" for i in pool))
    return out.data


@dataclass(frozen=True)
class _Coder:
    effort: int
    session: Session

    def text(self, out: Writer, text: bytes, effort: int = 0) -> None:
        """Its size, and a sized payload of codec `bytes`."""
        coded = embed("bytes", text, self.session, effort=effort or _TEXT_EFFORTS[self.effort - 1])
        out.number(len(text))
        out.number(len(coded))
        out.write(coded)

    def numbers(self, out: Writer, numbers: NDArray[np.uint64], most: int) -> None:
        """A sized payload of codec `arrays`; the reader knows how many there are, and the largest one possible."""
        array = numbers.astype(width_for(most))
        effort = _NUMBER_EFFORTS[self.effort - 1]
        if effort >= _MIXING and len(array) < _FEW_TO_MIX:
            effort = _MIXING - 1
        coded = embed("arrays", array, self.session, effort=effort)
        out.number(len(coded))
        out.write(coded)


def width_for(most: int) -> str:
    """The type of the array that holds numbers up to `most`."""
    return "<u1" if most < 1 << 8 else "<u2" if most < 1 << 16 else "<u4" if most < 1 << 32 else "<u8"


def _new_or_known(parsed: Parsed) -> NDArray[np.uint64]:
    """For each slot 0 for the next new column, or 1 + the column."""
    known, found = 0, []
    for column in parsed.slot_columns:
        found.append(0 if column == known else column + 1)
        known += column == known
    return np.array(found, np.uint64)


def _column(data: NDArray[np.uint8], raw: bytes, begins: Any, ends: Any, kind: int) -> _Column:
    kept = type_of(data, begins, ends, kind) if len(begins) >= _FEW else Type(TEXT)
    if kept.packed and not _repeats(raw, begins, ends):
        packed = np.zeros(kept.packed * len(begins), np.uint8)
        vk.to_nibbles(data, begins, ends, packed)
        return _Column(kept, raw=packed.tobytes())
    if kept.code != TEXT and not kept.packed:
        numbers = np.empty(len(begins), np.uint64)
        vk.to_numbers(data, begins, ends, kind, numbers)
        return _Column(kept, numbers)
    texts = [raw[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    if len(texts) >= _FEW:
        places: dict[bytes, int] = {}
        ids = [places.setdefault(text, len(places)) for text in texts]
        if 2 * len(places) <= len(texts):
            return _Column(Type(DISTINCT), np.array(ids, np.uint64), b"".join(text + b"\n" for text in places), len(places))
    return _Column(Type(TEXT), texts=b"".join(text + b"\n" for text in texts))


def _repeats(raw: bytes, begins: Any, ends: Any) -> bool:
    """Whether half of the texts come again, in a sample."""
    some = [raw[a:b] for a, b in zip(begins[:_SAMPLE].tolist(), ends[:_SAMPLE].tolist(), strict=True)]
    return 2 * len(set(some)) <= len(some)


def _pools(columns: list[_Column]) -> list[list[int]]:
    """Columns with texts, in order, in pools."""
    pools: list[list[int]] = []
    size = _POOL
    for i, column in enumerate(columns):
        if column.texts is not None:
            if size >= _POOL:
                pools.append([])
                size = 0
            pools[-1].append(i)
            size += len(column.texts)
    return pools
