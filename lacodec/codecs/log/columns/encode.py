"""A block of lines -> payload.

data --parse--> templates, ids, texts by column --types--> numbers (`arrays`), texts in pools (`bytes`), packed digits

payload  = number lines, u8 1 if the last line has no line feed, sized filter, templates, slots, ids, head, columns, pools
pool     = number longest run of letters and digits, number longest run of digits, sized filter, text
head     = for each column: u8 1 if its texts begin a pool, type, [number of different texts] or [number lowest, number span]
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns import _values_kernel as vk
from lacodec.codecs.log.columns.coders import QUICK, Coder
from lacodec.codecs.log.columns.filters import longest_runs, make_filter
from lacodec.codecs.log.columns.parse import Parsed, parse
from lacodec.codecs.log.columns.types import DISTINCT, TEXT, Type, type_of
from lacodec.codecs.pieces import Writer
from lacodec.codecs.session import DEFAULT, Session

_POOL = 1 << 17
"""Bytes of text from which on a pool is full."""
_FEW = 300
"""Values from which on a column is more than texts in a pool."""
_SAMPLE = 4096


@dataclass
class _Column:
    """numbers: what is kept as an array, less `low`, the largest of them `most`; texts: for a pool; raw: packed digits."""

    type: Type
    numbers: NDArray[np.uint64] | None = None
    texts: bytes | None = None
    raw: bytes | None = None
    low: int = 0
    most: int = 0


def encode(data: NDArray[np.uint8], effort: int, session: Session = DEFAULT) -> bytes | None:
    """The payload of data u8[n], n > 0; None if it cannot be taken apart. effort: 1 to 6."""
    parsed = parse(data)
    if parsed is None:
        return None
    raw = data.tobytes()
    columns = [_column(data, raw, *values, kind) for values, kind in zip(parsed.values, parsed.kinds, strict=True)]
    pools = _pools(columns)
    coder, body = Coder(effort, len(data), session), Writer()
    coder.text(body, b"".join(template + b"\n" for template in parsed.templates), searched=True)
    coder.numbers(body, _new_or_known(parsed), len(parsed.slot_columns), searched=True)
    coder.numbers(body, parsed.ids.astype(np.uint64), len(parsed.templates) - 1, searched=True)
    coder.text(body, _head(columns, pools))
    for column in columns:
        if column.numbers is not None:
            coder.numbers(body, column.numbers, column.most)
        if column.raw is not None:
            coder.text(body, column.raw, QUICK)
    for pool in pools:
        _write_pool(body, coder, b"".join(columns[i].texts or b"" for i in pool))
    out = Writer()
    out.number(len(parsed.ids))
    out.write(bytes([int(data[-1] != 10)]))
    out.piece(make_filter(data, len(body)))
    out.append(body)
    return out.data


def _write_pool(out: Writer, coder: Coder, text: bytes) -> None:
    coded, data = Writer(), np.frombuffer(text, np.uint8)
    coder.text(coded, text)
    for longest in longest_runs(data):
        out.number(int(longest))
    out.piece(make_filter(data, len(coded)))
    out.append(coded)


def _head(columns: list[_Column], pools: list[list[int]]) -> bytes:
    out, starts = Writer(), {pool[0] for pool in pools}
    for i, column in enumerate(columns):
        out.write(bytes([int(i in starts)]))
        column.type.write(out)
        if column.type.code == DISTINCT:
            out.number(column.most + 1)
        elif column.numbers is not None:
            out.number(column.low)
            out.number(column.most)
    return out.data


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
        low = numbers.min()
        return _Column(kept, numbers - low, low=int(low), most=int(numbers.max() - low))
    texts = [raw[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    if len(texts) >= _FEW:
        places: dict[bytes, int] = {}
        ids = [places.setdefault(text, len(places)) for text in texts]
        if 2 * len(places) <= len(texts):
            distinct = b"".join(text + b"\n" for text in places)
            return _Column(Type(DISTINCT), np.array(ids, np.uint64), distinct, most=len(places) - 1)
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
            if size >= _POOL or len(column.texts) >= _POOL:
                pools.append([])
                size = 0
            pools[-1].append(i)
            size += len(column.texts)
    return pools
