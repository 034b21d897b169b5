"""Frequency tables: counts or models come in, validated integer tables for the rANS coder go out.

A `Tables` object is a stack of one or more tables that share a total of 2**freq_bits. Coders pick one per symbol. The
look-ups that the coders need are built from it on first use and kept on the object.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lacodec.entropy._rans_normalise import MAX_FREQ_BITS, integers, normalise
from lacodec.errors import BadInput, CorruptFile

__all__ = ["MAX_FREQ_BITS", "Tables", "cost_bits", "normalise"]

_MAX_ROWS = 1 << 26
_MOST_SLOTS = 1 << 22  # of a look-up by slot
_BUCKETS = 1 << 20  # size of the coarse look-up of `Tables.search`, at most


class Search(NamedTuple):
    """Look-up by bucket and bisection, for any table. Rows count through all tables of the stack.

    rows[t * stride + (slot >> shift)] is the last row that starts at or before that bucket; the next entry bounds it above.
    modes[t] is a row of the highest frequency: the one to try first, since `rows` is large for a cache.
    """

    rows: NDArray[np.uint32]
    modes: NDArray[np.uint32]
    stride: int
    shift: int


class Split(NamedTuple):
    """Look-up in two steps: the code of a slot (its value less the lowest one), then the span of a code.

    codes[t << freq_bits | slot]; spans[t << code_bits | code] is frequency << 16 | start.
    """

    codes: NDArray[np.unsignedinteger]
    spans: NDArray[np.uint32]
    code_bits: int


@dataclass(frozen=True, eq=False)
class Tables:
    """T frequency tables with a common total, immutable.

    freqs: u32[rows], the tables one after the other. offsets: u32[T + 1], where each begins, and the end.
    freq_bits: every table sums to 2**freq_bits, 1..24 (coders of width 32 take at most 14).
    escape: the last row of every table stands for "any other value"; such values are stored apart (`_rans_escape`).
    first: i32[T], the value that row 0 of each table stands for (default 0).
    Row r of table t means the value first[t] + r. Raises BadInput when any of this does not hold.
    """

    freqs: NDArray[np.uint32]
    offsets: NDArray[np.uint32]
    freq_bits: int
    escape: bool = False
    first: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        freq_bits = int(self.freq_bits)
        if not 1 <= freq_bits <= MAX_FREQ_BITS:
            raise BadInput(f"tables: freq_bits is {freq_bits}; use 1..{MAX_FREQ_BITS}")
        freqs = integers(self.freqs, 0, 1 << freq_bits, np.uint32, "freqs")
        if not 1 <= len(freqs) <= _MAX_ROWS:
            raise BadInput(f"tables: {len(freqs)} rows in all; use 1..{_MAX_ROWS}")
        offsets = integers(self.offsets, 0, len(freqs), np.uint32, "offsets")
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(freqs):
            raise BadInput(f"tables: offsets must run from 0 to the number of rows, {len(freqs)}")
        wide = offsets.astype(np.int64)
        if (wide[1:] <= wide[:-1]).any():
            at = int(np.argmax(wide[1:] <= wide[:-1]))
            raise BadInput(
                f"tables: offsets[{at + 1}] = {wide[at + 1]} is not above offsets[{at}] = {wide[at]}; no table may be empty"
            )
        sums = np.add.reduceat(freqs.astype(np.uint64), wide[:-1])
        if (sums != 1 << freq_bits).any():
            at = int(np.argmax(sums != 1 << freq_bits))
            raise BadInput(f"tables: table {at} sums to {sums[at]}, not to 2**{freq_bits}; see lacodec.entropy.tables.normalise")
        first = np.zeros(len(offsets) - 1, np.int32) if self.first is None else self.first
        first = integers(first, -(1 << 30), 1 << 30, np.int32, "first")
        if len(first) != len(offsets) - 1:
            raise BadInput(f"tables: {len(first)} entries in first, but {len(offsets) - 1} tables")
        if self.escape and (freqs[wide[1:] - 1] == 0).any():
            raise BadInput("tables: the escape (last row of every table) needs a frequency of at least 1")
        for name, value in (("freqs", freqs), ("offsets", offsets), ("first", first)):
            object.__setattr__(self, name, _frozen(value))
        object.__setattr__(self, "freq_bits", freq_bits)
        object.__setattr__(self, "escape", bool(self.escape))

    @classmethod
    def from_counts(cls, counts: ArrayLike, freq_bits: int, escape: bool = False, first: int = 0) -> "Tables":
        """One table from counts (integers, one per symbol; with `escape` the last one counts the escapes)."""
        freqs = normalise(counts, freq_bits)
        return cls(freqs, np.array([0, len(freqs)], np.uint32), freq_bits, escape, np.array([first], np.int32))

    @classmethod
    def of_one(cls, freqs: NDArray[np.uint32], freq_bits: int) -> "Tables":
        """One table for the values from 0 on, from frequencies that a kernel made, whose sum is therefore right."""
        tables = object.__new__(cls)
        offsets, first = np.array([0, len(freqs)], np.uint32), np.zeros(1, np.int32)
        tables.__dict__.update(
            freqs=_frozen(freqs), offsets=_frozen(offsets), freq_bits=freq_bits, escape=False, first=_frozen(first),
            lowest=0, highest=len(freqs) - 1, plain=True,
        )  # fmt: skip
        return tables

    @classmethod
    def sparing(cls, counts: ArrayLike, freq_bits: int, first: int = 0) -> "Tables":
        """One table from counts (integers, one per value from `first` on) that leaves the rarest values to an added escape.

        A value whose share is far below 2**-freq_bits would still take a frequency of 1 from the others. Escaping costs it some
        16 bits more, so it pays below a twelfth of that share.
        """
        exact = integers(counts, 0, 1 << 48, np.int64, "counts")
        rare = exact * 12 < int(exact.sum()) >> freq_bits
        kept = np.where(rare, 0, exact)
        return cls.from_counts(np.append(kept, max(1, int(exact[rare].sum()))), freq_bits, True, first)

    @classmethod
    def uniform(cls, bits: int) -> "Tables":
        """The table of 2**bits equally likely symbols: raw bits."""
        return cls(np.ones(1 << bits, np.uint32), np.array([0, 1 << bits], np.uint32), bits)

    def pack(self) -> bytes:
        """Self-delimiting bytes for storing the tables, usually 30-150 for 256 symbols."""
        from lacodec.entropy.rans_pack import pack

        return pack(self)

    @staticmethod
    def unpack(data: bytes | memoryview, at: int = 0) -> tuple["Tables", int]:
        """The tables packed at data[at:], and the position after them; CorruptFile if damaged."""
        from lacodec.entropy.rans_pack import unpack

        found, end = unpack(data, at)
        if found.offsets is None:
            return Tables.of_one(found.freqs, found.freq_bits), end
        try:
            return Tables(found.freqs, found.offsets, found.freq_bits, found.escape, found.first), end
        except BadInput as error:
            raise CorruptFile(f"packed tables: {error}") from None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __reduce__(self) -> tuple[object, ...]:
        return Tables, (self.freqs, self.offsets, self.freq_bits, self.escape, self.first)

    @cached_property
    def plain(self) -> bool:
        """One table whose row r stands for the value r: the look-ups of such a one are made in one quick pass."""
        return len(self) == 1 and not self.escape and self.lowest == 0

    @cached_property
    def sizes(self) -> NDArray[np.uint32]:
        """u32[T]: rows that stand for a value of their own (all but the escape)."""
        return _frozen(np.diff(self.offsets) - np.uint32(self.escape))

    @cached_property
    def lowest(self) -> int:
        """Smallest value of any row."""
        return int(self.origins.min())

    @cached_property
    def highest(self) -> int:
        """Largest value of any row, the marker included."""
        top = int((self.origins + self.sizes.astype(np.int64)).max()) - 1
        return max(top, self.marker) if self.escape else top

    @cached_property
    def marker(self) -> int:
        """The value of an escape row before the escaped one is read: no other row has it."""
        if len(self) == 1 and not self.freqs[:-1].all():
            return int(self.origins[0]) + int(np.argmin(self.freqs[:-1]))
        return int((self.origins + self.sizes.astype(np.int64)).max())

    @cached_property
    def origins(self) -> NDArray[np.int32]:
        """i32[T]: the value of row 0 of each table."""
        assert self.first is not None
        return self.first

    @cached_property
    def starts(self) -> NDArray[np.uint32]:
        """u32[rows]: sum of the frequencies before each row within its table."""
        ends = np.cumsum(self.freqs, dtype=np.uint64)
        starts = ends - self.freqs
        return _frozen((starts - np.repeat(starts[self.offsets[:-1]], np.diff(self.offsets))).astype(np.uint32))

    @cached_property
    def values(self) -> NDArray[np.int32]:
        """i32[rows]: the value of each row; an escape row has the marker."""
        if self.plain:
            return _frozen(np.arange(len(self.freqs), dtype=np.int32))
        rows = np.arange(len(self.freqs), dtype=np.int64)
        values = rows - np.repeat(self.offsets[:-1].astype(np.int64) - self.origins, np.diff(self.offsets))
        if self.escape:
            values[self.offsets[1:].astype(np.int64) - 1] = self.marker
        return _frozen(values.astype(np.int32))

    @cached_property
    def spans(self) -> NDArray[np.uint64]:
        """u64[at least 256]: frequency | start << 32 of each row, for encoders; rows beyond the last have frequency 0."""
        if self.plain:
            return self._encoder[0]
        spans = np.zeros(max(256, len(self.freqs)), np.uint64)
        spans[: len(self.freqs)] = self.freqs.astype(np.uint64) | self.starts.astype(np.uint64) << np.uint64(32)
        return _frozen(spans)

    @cached_property
    def search(self) -> Search:
        """Look-up for decoding any table."""
        buckets = min(self.freq_bits, max(0, (_BUCKETS // len(self)).bit_length() - 1))
        if self.plain:
            from lacodec.entropy.rans_lookups import fill_search

            found = np.empty((1 << buckets) + 1, np.uint32)
            fill_search(self.freqs, np.uint64(self.freq_bits), np.uint64(self.freq_bits - buckets), found)
            mode = np.array([self.freqs.argmax()], np.uint32)
            return Search(_frozen(found), _frozen(mode), len(found), self.freq_bits - buckets)
        starts, width = self.starts.astype(np.int64), (1 << buckets) + 1
        marks = -(-starts >> self.freq_bits - buckets)  # the first bucket that begins at or after a row; the last mark is
        marks += starts >> self.freq_bits  # that of the last slot, so rows without slots behind it are the next table's
        marks += np.repeat(np.arange(len(self)) * width, np.diff(self.offsets))
        rows = np.cumsum(np.bincount(marks, minlength=len(self) * width)[: len(self) * width]) - 1
        highest = np.maximum.reduceat(self.freqs, self.offsets[:-1])
        modes = np.flatnonzero(self.freqs == np.repeat(highest, np.diff(self.offsets)))
        modes = modes[np.searchsorted(modes, self.offsets[:-1])]  # the first one of each table
        return Search(_frozen(rows.astype(np.uint32)), _frozen(modes.astype(np.uint32)), width, self.freq_bits - buckets)

    @cached_property
    def small_spans(self) -> NDArray[np.uint32]:
        """u32[at least 256]: frequency << 16 | start of each row, for freq_bits up to 15."""
        if self.plain:
            return self._encoder[1]
        return _frozen(((self.spans << np.uint64(16)) | (self.spans >> np.uint64(32))).astype(np.uint32))

    @cached_property
    def reciprocals(self) -> NDArray[np.uint64]:
        """u64 like `spans`: 2**(32 + freq_bits) / frequency, rounded up, for exact division by multiplication."""
        if self.plain:
            return self._encoder[2]
        freqs = np.maximum(self.spans & np.uint64(0xFFFFFFFF), np.uint64(1))
        return _frozen((np.uint64(1 << (32 + self.freq_bits)) + freqs - np.uint64(1)) // freqs)

    @cached_property
    def direct(self) -> NDArray[np.uint32] | None:
        """u32[T << freq_bits]: (slot - start) << 20 | frequency << 8 | code; None unless that fits 32 bits."""
        if self.freq_bits > 14 or self.highest - self.lowest > 255 or len(self) << self.freq_bits > _MOST_SLOTS:
            return None
        if self.plain:
            return self._decoder[0]
        if self.freqs.max() > 4095:
            return None
        from lacodec.entropy.rans_lookups import fill_direct

        lut = np.empty(len(self) << self.freq_bits, np.uint32)
        fill_direct(self.freqs, self.offsets, self._codes, np.uint64(self.freq_bits), lut)
        return _frozen(lut)

    @cached_property
    def split(self) -> Split | None:
        """Look-up in two steps; None if it would be large, or with more than 14 bits."""
        code_bits = (self.highest - self.lowest).bit_length()
        if self.freq_bits > 14 or code_bits > 16 or len(self) << max(self.freq_bits, code_bits) > _MOST_SLOTS:
            return None
        if self.plain and code_bits <= 8:
            return self._decoder[1]
        from lacodec.entropy.rans_lookups import fill_split

        codes = np.zeros((len(self) << self.freq_bits) + 4, np.uint8 if code_bits <= 8 else np.uint16)  # 32-bit loads read beyond
        spans = np.zeros(len(self) << code_bits, np.uint32)
        # An unused row may share its code with the marker: only rows in use have spans.
        fill_split(self.freqs, self.offsets, self._codes, np.uint64(self.freq_bits), np.uint64(code_bits), codes, spans)
        return Split(_frozen(codes), _frozen(spans), code_bits)

    @cached_property
    def _encoder(self) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint64]]:
        """`spans`, `small_spans` and `reciprocals` of a plain table."""
        from lacodec.entropy.rans_lookups import encoder_rows

        rows = max(256, len(self.freqs))
        spans, small, reciprocals = np.empty(rows, np.uint64), np.empty(rows, np.uint32), np.empty(rows, np.uint64)
        encoder_rows(self.freqs, np.uint64(self.freq_bits), spans, small, reciprocals)
        return _frozen(spans), _frozen(small), _frozen(reciprocals)

    @cached_property
    def _decoder(self) -> tuple[NDArray[np.uint32] | None, Split]:
        """`direct` and `split` of a plain table with at most 14 bits and 256 rows."""
        from lacodec.entropy.rans_lookups import fill_one

        code_bits = self.highest.bit_length()
        lut, codes = np.empty(1 << self.freq_bits, np.uint32), np.empty((1 << self.freq_bits) + 4, np.uint8)
        spans = np.zeros(1 << code_bits, np.uint32)
        fits = fill_one(self.freqs, lut, codes, spans)
        return _frozen(lut) if fits else None, Split(_frozen(codes), _frozen(spans), code_bits)

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        """u32[rows]: the value of each row less the lowest one."""
        return _frozen((self.values.astype(np.int64) - self.lowest).astype(np.uint32))

    @cached_property
    def bits(self) -> NDArray[np.float64]:
        """f64[rows]: ideal cost of each row in bits (inf where the frequency is 0); an estimate, never used for decoding."""
        with np.errstate(divide="ignore"):
            return _frozen(self.freq_bits - np.log2(self.freqs))


def cost_bits(values: ArrayLike, tables: Tables, index: ArrayLike | None = None) -> float:
    """Estimated bits to code `values` (integers[n]) with `tables` (table `index[i]` for value i, default table 0).

    Values that a table cannot code count as its escape plus the Elias-gamma bits, or as infinite without an escape.
    """
    value = np.asarray(values, np.int64).ravel()
    table = np.zeros(len(value), np.int64) if index is None else np.asarray(index, np.int64).ravel()
    row = value - tables.origins[table]
    size = tables.sizes[table].astype(np.int64)
    base = tables.offsets[table].astype(np.int64)
    inside = (row >= 0) & (row < size)
    bits = tables.bits[base + np.where(inside, row, 0)]
    outside = ~inside | np.isinf(bits)
    if not tables.escape:
        return float(np.where(inside, bits, np.inf).sum())
    beyond = row[outside] - size[outside]
    folded = np.where(beyond >= 0, 2 * beyond, -2 * beyond - 1) + 1
    escaped = tables.bits[(base + size)[outside]] + 2 * np.floor(np.log2(folded)) + 1
    return float(bits[~outside].sum() + escaped.sum())


def _frozen(array: NDArray) -> NDArray:
    array.setflags(write=False)
    return array
