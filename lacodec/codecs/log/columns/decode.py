"""Payload -> lines: all of them, or those of some templates, for which only their own columns are decoded."""

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns import _render_kernel as rk
from lacodec.codecs.log.columns._tokens_kernel import MARK
from lacodec.codecs.log.columns.filters import longest_runs, may_have
from lacodec.codecs.log.columns.types import DISTINCT, TEXT, Type, read_type, width_for
from lacodec.codecs.pieces import Reader
from lacodec.errors import CorruptFile

Unembed = Callable[[str, Any, Any], Any]
"""(codec, payload, what is known of its content) -> content."""

Bytes = NDArray[np.uint8]


class Block:
    """A payload; its parts are decoded when they are needed. size: bytes of the block; raises CorruptFile."""

    def __init__(self, payload: Any, size: int, unembed: Unembed) -> None:
        self._size, self._unembed = size, unembed
        reader = Reader(payload)
        self.lines = reader.number()
        if self.lines > size:
            raise CorruptFile("it claims more lines than bytes")
        self.open_end = reader.take(1)[0] & 1
        self.filter = reader.piece()
        self._templates, self._slots, self._ids = self._text(reader), reader.piece(), reader.piece()
        self._head, self._reader = self._text(reader), reader
        self._texts: dict[int, Bytes] = {}
        self._parts: dict[int, Bytes] = {}
        self._found: dict[int, NDArray[np.uint64]] = {}

    @cached_property
    def templates(self) -> Bytes:
        """The templates, each with a line feed."""
        return self._read_text(self._templates)

    @cached_property
    def template_ends(self) -> NDArray[np.int64]:
        """i64[templates]: the places of their line feeds."""
        ends = np.flatnonzero(self.templates == 10)
        if len(self.templates) and self.templates[-1] != 10:
            raise CorruptFile("its templates are cut short")
        return ends

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """i64[lines]: the template of each."""
        count = len(self.template_ends)
        found = self._numbers(self._ids, self.lines, max(0, count - 1))
        if self.lines and int(found.max()) >= count:
            raise CorruptFile("a line has a template that is not there")
        return found.astype(np.int64)

    @cached_property
    def slot_counts(self) -> NDArray[np.int64]:
        """i64[templates]: slots of each."""
        marks = np.cumsum(self.templates == MARK, dtype=np.int64)
        return np.diff(marks[self.template_ends], prepend=0)

    @cached_property
    def slot_columns(self) -> NDArray[np.int64]:
        """i64[slots]: the column of each slot of each template."""
        slots = int(self.slot_counts.sum())
        stored = self._numbers(self._slots, slots, slots).astype(np.int64)
        columns = np.where(stored == 0, np.cumsum(stored == 0) - 1, stored - 1)
        if slots and (columns >= np.cumsum(stored == 0)).any():
            raise CorruptFile("a slot has a column that is not there")
        return columns

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """i64[columns]: values of each."""
        uses = np.bincount(self.ids, minlength=len(self.template_ends))
        slot_uses = np.repeat(uses, self.slot_counts)
        found = np.bincount(self.slot_columns, weights=slot_uses).astype(np.int64)
        if found.sum() > 2 * self._size + 16:
            raise CorruptFile("it claims more values than can be")
        return found

    @cached_property
    def columns(self) -> list["Column"]:
        """What the head says of each."""
        columns = len(set(self.slot_columns.tolist()))
        head = Reader(self._read_text(self._head).tobytes())
        found, pool = [], -1
        for i in range(columns):
            pool += head.take(1)[0] & 1
            kept = read_type(head)
            column = Column(i, kept, pool, head.number() if kept.code == DISTINCT else 0)
            if kept.code not in (TEXT, DISTINCT) and not kept.packed:
                column.low, column.span = head.number(), head.number()
            if column.has_texts and pool < 0:
                raise CorruptFile("a column has texts, but no pool")
            found.append(column)
        head.finish()
        for column in found:
            if column.type.packed:
                column.raw = self._text(self._reader)
            elif column.type.code != TEXT:
                column.numbers = self._reader.piece()
        self._pools = [Pool(r.number(), r.number(), r.piece(), self._text(r)) for r in [self._reader] * (pool + 1)]
        self._reader.finish()
        return found

    def render(self, wanted: NDArray[np.bool_] | None = None) -> Bytes:
        """The lines whose templates are wanted (bool[templates]; all by default), each with its line feed."""
        room = self._size + self.open_end
        if wanted is None:
            wanted = np.ones(len(self.template_ends), np.bool_)
        used = np.zeros(len(self.columns), np.bool_)
        used[self.slot_columns[np.repeat(wanted, self.slot_counts)]] = True
        values, bases, blob = self._values(used)
        types = np.array([(c.type.code, c.type.first, c.type.second) for c in self.columns], np.int64).reshape(-1, 3)
        out = np.empty(room, np.uint8)
        cursors = np.zeros(len(self.columns), np.int64)
        filled = int(
            rk.render(
                self.ids, wanted, self.template_ends, self.templates, self.slot_columns, types, bases, cursors, values, blob, out
            )
        )
        if filled == rk.OVERFULL:
            raise CorruptFile("its lines are longer than the block")
        return out[:filled]

    def may_hold(self, number: int, text: bytes) -> bool:
        """Whether a pool, as it is described, may have a text, whatever the case of its letters."""
        pool, (word, digits) = self._pools[number], longest_runs(np.frombuffer(text, np.uint8))
        return word <= pool.word and digits <= pool.digits and may_have(pool.filter, text)

    def pool(self, number: int) -> Bytes:
        """The texts of a pool, each with a line feed."""
        if number not in self._texts:
            self._texts[number] = self._read_text(self._pools[number].text)
        return self._texts[number]

    def texts(self, column: "Column") -> Bytes:
        """The texts of one column that has such, each with a line feed: a part of its pool."""
        if column.place not in self._parts:
            text, members = self.pool(column.pool), self._members(column.pool)
            ends = np.flatnonzero(text == 10) + 1
            lasts = np.cumsum([self._texts_in(member) for member in members])
            if len(ends) != lasts[-1] or (len(text) and text[-1] != 10):
                raise CorruptFile("a pool has another number of texts than its columns")
            bounds = np.append(0, ends)[np.append(0, lasts)].tolist()
            self._parts.update((member.place, text[a:b]) for member, (a, b) in zip(members, pairwise(bounds), strict=True))
        return self._parts[column.place]

    def digits(self, column: "Column") -> Bytes:
        """The packed digits of a column."""
        return self._read_text(column.raw)

    def numbers(self, column: "Column") -> NDArray[np.uint64]:
        """The numbers of a column that has neither texts nor packed digits."""
        if column.place not in self._found:
            found = self._numbers(column.numbers, int(self.counts[column.place]), column.span)
            self._found[column.place] = found.astype(np.uint64) + np.uint64(column.low)
        return self._found[column.place]

    def _values(self, used: NDArray[np.bool_]) -> tuple[NDArray[np.uint64], NDArray[np.int64], Bytes]:
        """The values of the used columns, where those of each begin, and the bytes that they refer to."""
        counts = self.counts
        bases = np.cumsum(np.where(used, counts, 0)) - np.where(used, counts, 0)
        values = np.empty(int(counts[used].sum()), np.uint64)
        blobs: list[Bytes] = []
        self._fill_texts(used, bases, values, blobs)
        start = sum(len(blob) for blob in blobs)
        for column in (self.columns[i] for i in np.flatnonzero(used)):
            mine = values[bases[column.place] : bases[column.place] + counts[column.place]]
            if column.type.packed:
                raw = self.digits(column)
                if len(raw) != column.type.packed * len(mine):
                    raise CorruptFile("a column has too few digits, or too many")
                mine[...] = np.arange(len(mine), dtype=np.uint64) * np.uint64(column.type.packed) + np.uint64(start) << np.uint64(
                    32
                )
                blobs.append(raw)
                start += len(raw)
            elif not column.has_texts:
                mine[...] = self.numbers(column)
        return values, bases, np.concatenate(blobs) if blobs else np.empty(0, np.uint8)

    def _fill_texts(
        self, used: NDArray[np.bool_], bases: NDArray[np.int64], values: NDArray[np.uint64], blobs: list[Bytes]
    ) -> None:
        start = 0
        for pool in sorted({self.columns[i].pool for i in np.flatnonzero(used) if self.columns[i].has_texts}):
            members, text = self._members(pool), self.pool(pool)
            texts = [self._texts_in(column) for column in members]
            if sum(texts) > len(text):
                raise CorruptFile("a pool has too few texts")
            entries = np.empty(sum(texts), np.uint64)
            if rk.find_texts(text, start, entries) != len(entries):
                raise CorruptFile("a pool has another number of texts than its columns")
            at = 0
            for column, n in zip(members, texts, strict=True):
                if used[column.place]:
                    mine = values[bases[column.place] : bases[column.place] + self.counts[column.place]]
                    mine[...] = (
                        entries[at : at + n]
                        if column.type.code == TEXT
                        else self._chosen(column, entries[at : at + n], len(mine))
                    )
                at += n
            blobs.append(text)
            start += len(text)

    def _members(self, pool: int) -> list["Column"]:
        """The columns whose texts are in a pool, in their order there."""
        return [column for column in self.columns if column.pool == pool and column.has_texts]

    def _texts_in(self, column: "Column") -> int:
        """How many texts of its pool a column has."""
        return column.distinct if column.type.code == DISTINCT else int(self.counts[column.place])

    def _chosen(self, column: "Column", entries: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
        places = self._numbers(column.numbers, n, max(0, len(entries) - 1))
        if n and int(places.max()) >= len(entries):
            raise CorruptFile("a value is not among the texts of its column")
        return entries[places]

    def _text(self, reader: Reader) -> tuple[int, memoryview]:
        size = reader.number()
        if size > 4 * self._size + 4096:
            raise CorruptFile("one of its texts is longer than can be")
        return size, reader.piece()

    def _read_text(self, text: Any) -> Bytes:
        return np.frombuffer(self._unembed("bytes", text[1], text[0]), np.uint8)

    def _numbers(self, payload: Any, n: int, most: int) -> NDArray[Any]:
        found: NDArray[Any] = self._unembed("arrays", payload, (np.dtype(width_for(most)), (n,)))
        return found


class Pool(NamedTuple):
    """Texts of columns, coded. word, digits: the longest run of letters and digits, and of digits."""

    word: int
    digits: int
    filter: memoryview
    text: tuple[int, memoryview]


class Column:
    """One column. place: its number; pool: that of its texts; distinct: how many different ones; low, span: of its numbers."""

    def __init__(self, place: int, kept: Type, pool: int, distinct: int) -> None:
        self.place, self.type, self.pool, self.distinct = place, kept, pool, distinct
        self.low = self.span = 0
        self.numbers: Any = None
        self.raw: Any = None

    @property
    def high(self) -> int:
        """The largest number."""
        return self.low + self.span

    @property
    def has_texts(self) -> bool:
        """Whether its values, or the different ones, are in a pool."""
        return self.type.code in (TEXT, DISTINCT)
