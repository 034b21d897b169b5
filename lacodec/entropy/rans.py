"""rANS coding of whole chunks: symbols and tables go in, one byte string comes out, and back.

    push(symbols, tables) ... push(...) -> finish() -> bytes -> RansDecoder(bytes) -> pull(n, tables) ... pull(...) -> finish()

However many pushes, a chunk is one stream with one flush. The encoder only collects; `finish` codes everything in reverse.
The decoder can pause at any symbol, whatever the pushes were, so that tables may depend on earlier symbols.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from lacodec.entropy import _rans_portable as portable
from lacodec.entropy._rans_arguments import (
    MAX_BITS,
    Ints,
    as_bytes,
    check_width,
    integer_values,
    no_row_message,
    offsets,
    output,
    table_index,
)
from lacodec.entropy._rans_escape import EscapeReader, pack
from lacodec.entropy.rans_dispatch import decode, encode, readonly
from lacodec.entropy.rans_stream import MAX_LANES, Head, pack_head, unpack_head, word_array
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

_MARGIN = 64  # words after the end that vector kernels may read
_TAIL_PER_LANE = 64  # symbols coded into the start states, at most: that part is slow


@dataclass(frozen=True)
class _Segment:
    """One push: rows of the stacked tables, ready for the kernel."""

    rows: Ints
    tables: Tables
    first: int


class RansEncoder:
    """Collects symbols and codes them at `finish`.

    width: 32 (tables up to 14 bits, fastest) or 64 (up to 24 bits, exact to 0.01 %).
    lanes: a power of two up to 64; by default chosen from the count of symbols and the size of the result.
    """

    def __init__(self, width: int = 32, lanes: int | None = None) -> None:
        if width not in MAX_BITS:
            raise BadInput(f"rANS: width is {width}; use 32 or 64")
        if lanes is not None and (lanes < 1 or lanes > MAX_LANES or lanes & (lanes - 1)):
            raise BadInput(f"rANS: lanes is {lanes}; use a power of two up to {MAX_LANES}")
        self._width = width
        self._lanes = lanes
        self._segments: list[_Segment] = []
        self._escaped: list[NDArray[np.int64]] = []
        self._count = 0

    def push(
        self, symbols: ArrayLike, tables: Tables, index: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> "RansEncoder":
        """Append symbols (integers[n]); symbol i uses table index[i] (default 0).

        Its row there is symbols[i] - offset[i] - first. A u8 array coded with a single table is kept by reference: leave it
        unchanged until `finish`. Returns the encoder.
        A value that has no row in its table is escaped when the tables have escapes, else BadInput.
        """
        check_width(tables, self._width)
        values = integer_values(symbols, "symbols")
        table = table_index(index, len(values), tables)
        shift = offsets(offset, len(values))
        if len(tables) == 1 and shift is None and not tables.escape and not tables.lowest:
            small = as_bytes(values)
            if small is not None:
                self._append(small, tables)  # rows outside the table have no frequency, which the kernel notices
                return self
        rows, outside = _rows(values, tables, table, shift)
        if len(outside) and not tables.escape:
            raise BadInput(no_row_message(int(outside[0]), values, table, shift, tables))
        self._append(rows, tables)
        if len(outside):
            beyond = values[outside].astype(np.int64)
            if shift is not None:
                beyond -= shift[outside]
            which = np.zeros(len(outside), np.int64) if table is None else table[outside].astype(np.int64)
            self._escaped.append(beyond - tables.origins[which] - tables.sizes[which])
        return self

    def finish(self) -> bytes:
        """The stream of everything pushed; the encoder is empty afterwards. BadInput for a u8 symbol without a frequency."""
        block = pack(self._escaped)
        lanes = self._lanes or _lanes_for(self._count)
        data = self._code(lanes, block)
        if self._lanes is None and _lanes_for(self._count, len(data)) < lanes:
            data = self._code(_lanes_for(self._count, len(data)), block)
        self._segments, self._escaped, self._count = [], [], 0
        return data

    def _append(self, rows: Ints, tables: Tables) -> None:
        if len(rows):
            self._segments.append(_Segment(rows, tables, self._count))
            self._count += len(rows)

    def _code(self, lanes: int, block: bytes) -> bytes:
        word, state = np.dtype(f"u{self._width // 16}"), np.dtype(f"u{self._width // 8}")
        words = np.empty(self._count + _MARGIN, word)
        one = np.ones(1, state)
        if lanes == 1:
            _, at = self._run(self._count, one, words, len(words), 0)
            head = Head(self._width, 1, self._count, self._count, 0, [int(one[0])], len(block))
            return pack_head(head) + block + _little(words[at:])
        tail = np.zeros(lanes, word)
        left, start = self._run(self._count, one, tail, lanes, 2, _TAIL_PER_LANE * lanes)
        half = self._width // 2
        used = lanes - start + 2
        payload = np.zeros(lanes, word)
        payload[:used] = np.concatenate([np.array([int(one[0]) & ((1 << half) - 1), int(one[0]) >> half], word), tail[start:]])
        states = payload.astype(state) | state.type(1 << half)
        _, at = self._run(left, states, words, len(words), 0)
        head = Head(self._width, lanes, self._count, self._count - left, used, states.tolist(), len(block))
        return pack_head(head) + block + _little(words[at:])

    def _run(
        self,
        end: int,
        states: Ints,
        words: Ints,
        at: int,
        stop: int,
        most: int = 1 << 62,
    ) -> tuple[int, int]:
        """Code at most `most` symbols from end - 1 down into words[stop:at]; returns (symbols left, start of the words)."""
        floor = max(0, end - most)
        for segment in reversed(self._segments):
            if segment.first >= end:
                continue
            begin = max(floor - segment.first, 0)
            left, place = encode(segment.rows, begin, end - segment.first, segment.first, states, segment.tables, words, at, stop)
            if place < 0:
                raise BadInput(no_row_message(left, segment.rows, None, None, segment.tables))
            end, at = segment.first + left, place
            if left or end <= floor:
                break
        return end, at


class RansDecoder:
    """Reads a stream of `RansEncoder`. Raises CorruptFile as soon as the stream contradicts itself; `finish` settles the rest."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data).cast("B")
        head = unpack_head(view)
        self.width = head.width
        self.lanes = head.lanes
        self.count = head.count
        """Symbols in the stream."""
        words = head.start + head.escapes
        self._escapes = EscapeReader(view[head.start : words])
        self._words = word_array(view, words, head.width, _MARGIN)
        self._stop = len(self._words) - _MARGIN
        self._states = np.array(head.states, np.uint32 if head.width == 32 else np.uint64)
        self._place = 0  # in words
        self._at = 0  # in symbols
        self._main = head.count - head.tail if head.lanes > 1 else head.count
        self._tail_words = head.tail_words
        self._in_tail = False

    def pull(
        self,
        n: int,
        tables: Tables,
        index: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        dtype: DTypeLike = np.int32,
        out: Ints | None = None,
    ) -> Ints:
        """The next n symbols, with the tables, index and offset that they were pushed with.

        Returns dtype[n] (int32, uint8, int16 or uint16; it must hold every value of the tables), or fills `out`.
        """
        check_width(tables, self.width)
        table = table_index(index, n, tables)
        shift = offsets(offset, n)
        result = output(n, dtype, out, tables, self.count - self._at)
        self._fill(result, tables, table)
        places = np.flatnonzero(result == tables.marker) if tables.escape else np.empty(0, np.intp)
        beyond = np.empty(0, np.int64)
        if len(places):
            which = np.zeros(len(places), np.int64) if table is None else table[places].astype(np.int64)
            beyond = self._escapes.read(len(places)) + tables.origins[which] + tables.sizes[which]
        if shift is not None:
            shifted = np.add(result, shift, dtype=np.int64)
            shifted[places] = beyond + shift[places]
            _put(result, slice(None), shifted)
        elif len(places):
            _put(result, places, beyond)
        return result

    def whole(self, rows: int, columns: int) -> int:
        """How many of the next `rows` rows of that many symbols `run` can take at once."""
        if not self._in_tail and self._at == self._main:
            self._enter_tail()
        return min(rows, ((self.count if self._in_tail else self._main) - self._at) // columns)

    def run(self, n: int, tables: Tables, decode_next: Callable[[int, Ints, Ints, int, int], int]) -> None:
        """Let a kernel of the caller's decode the next n symbols, as many as `whole` allows; raises CorruptFile.

        decode_next: (number of the first symbol, states of the lanes, words, position in them, where they end) -> new position.
        """
        check_width(tables, self.width)
        self._place = decode_next(self._at, self._states, self._words, self._place, self._stop)
        if self._place > self._stop:
            raise CorruptFile("rANS stream: ends too early: cut short, or read with other tables")
        self._at += n

    def finish(self) -> None:
        """Check that all symbols, words and escaped values were consumed, down to the start state; CorruptFile otherwise."""
        if self._at != self.count:
            raise CorruptFile(
                f"rANS stream: {self.count - self._at} of {self.count} symbols were not read: a wrong length or damage"
            )
        if self.lanes > 1 and not self._in_tail:
            self._enter_tail()
        if int(self._states[0]) != 1 or self._place != self._stop:
            raise CorruptFile("rANS stream: does not end in its start state: damaged, or read with other tables")
        self._escapes.finish()

    def _fill(self, out: Ints, tables: Tables, index: Ints | None) -> None:
        n = len(out)
        done = 0
        while done < n:
            if not self._in_tail and self._at == self._main:
                self._enter_tail()
            take = n - done if self._in_tail else min(n - done, self._main - self._at)
            part = out[done : done + take]
            chosen = None if index is None else index[done : done + take]
            self._place = decode(part, self._at, self._states, self._words, self._place, self._stop, tables, chosen)
            if self._place > self._stop:
                raise CorruptFile("rANS stream: ends too early: cut short, or read with other tables")
            self._at += take
            done += take

    def _enter_tail(self) -> None:
        """The lanes are back at their start states, which hold the words of the last symbols."""
        half = self.width // 2
        states = self._states.tolist()
        payload = [state - (1 << half) for state in states]
        if self._place != self._stop or any(not 0 <= word < 1 << half for word in payload) or any(payload[self._tail_words :]):
            raise CorruptFile("rANS stream: lanes do not end in their start states: damaged, or read with other tables")
        self._words = np.array(payload + [0] * _MARGIN, self._words.dtype)
        self._states = np.array([payload[0] | payload[1] << half], self._states.dtype)
        self._place, self._stop = 2, self._tail_words
        self._in_tail = True


def _lanes_for(count: int, size: int | None = None) -> int:
    """Lanes from the symbol count; once the size in bytes is known, fewer if the flush (half a byte a lane) weighs."""
    lanes = 1 if count < 4096 else 8 if count < 32768 else MAX_LANES
    if size is None or count > 1 << 20:
        return lanes
    return min(lanes, 1 if size < 2048 else 8 if size < 16384 else MAX_LANES)


def _rows(values: Ints, tables: Tables, index: Ints | None, offset: NDArray[np.int32] | None) -> tuple[Ints, NDArray[np.uint64]]:
    rows = np.empty(len(values), np.uint16 if len(tables.freqs) <= 0xFFFF else np.uint32)
    limit = 1 if not tables.escape else 1024
    while True:
        outside = np.empty(limit, np.uint64)
        count = portable.rows_of_values(
            readonly(values), readonly(offset), tables.origins, tables.sizes, tables.offsets, tables.spans, readonly(index),
            rows, outside, np.uint64(limit),
        )  # fmt: skip
        if count <= limit or not tables.escape:
            return rows, outside[: min(int(count), limit)]
        limit = int(count)


def _put(result: Ints, places: NDArray[np.intp] | slice, values: NDArray[np.int64]) -> None:
    """result[places] = values, if they fit its dtype."""
    narrow = values.astype(result.dtype)
    if (values != narrow).any():
        raise CorruptFile(f"rANS stream: value outside {result.dtype}: damaged, or pull with a wider dtype")
    result[places] = narrow


def _little(words: Ints) -> bytes:
    return words.astype(words.dtype.newbyteorder("<"), copy=False).tobytes()
