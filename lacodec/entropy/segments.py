"""Tensors of 8-bit symbols as segments that stand alone: symbols and tables go in, one byte string comes out, and back.

Thousands of GPU warps, or the threads of a CPU, each take a segment; `gpu.py` codes the same bytes on CUDA tensors.

    stream    = u64 count | u16 words[S] | segment 0 | segment 1 | ...       S = count / 65536, rounded up; little-endian
    segment   = u32 states[64] | u16 tail | u16 word[words[s]]               65536 symbols, the last segment has the rest

    symbol      0   1   2  ...  63 |  64  65 ... 127 | ...        position i of a segment: step i // 64, lane i % 64
    lane        0   1   2  ...  63 |   0   1 ...  63 | ...
    step        -------- 0 --------  ------- 1 ------            main steps, then the last `tail` (1..64) steps

One static rANS coder per lane: 32-bit state x, 16-bit words. To decode, in each step, in all lanes at once:

    slot = x % 2**freq_bits;  the symbol is the one with start <= slot < start + freq
    x    = freq * (x >> freq_bits) + slot - start
    main steps: lanes with x < 2**16 take the next words, in the order of the lanes:  x = x << 16 | word
    (the k-th such lane of a step takes word[at + k], and at grows by their number: a ballot or a prefix sum)

`states` are those before step 0, at least 2**16. After the main steps all words are used, and 2**16 is subtracted from every
state. The tail steps take no words and must end with every state zero. So the encoder begins at zero, and its first symbols
(the last ones) cost only the information they carry; it takes as many tail steps as fit all lanes.
A segment is some 100 to 160 bytes larger than its information, for all its lanes. Where that weighs (below some 10,000
symbols, say), use `RansEncoder`, which chooses the number of lanes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lacodec.entropy import _segments_run
from lacodec.entropy import _segments_tail as kernels
from lacodec.entropy._rans_arguments import Ints, table_index
from lacodec.entropy._rans_portable import rows_of_values
from lacodec.entropy._segments_run import decode_direct, decode_split
from lacodec.entropy.rans_dispatch import FLOAT_BITS, avx512, decode, encode, readonly
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

LANES = 64
SEGMENT = 1024 * LANES  # symbols
HEAD_WORDS = 2 * LANES + 1  # states and tail, in 16-bit words
MAX_TAIL = 64  # steps; enough to fill the states at a quarter of a bit per symbol
_COUNT_BYTES = 8
_MARGIN = 128  # words that vector kernels may read beyond a segment
_GROUP = 16  # segments that a thread takes at a time
_PROBLEMS = {
    _segments_run.START: "is damaged in its start states",
    _segments_run.WORDS: "is damaged, or was made with other tables: its words are not all used",
    _segments_run.END: "is damaged, or was made with other tables: it does not end in zero states",
}

Memory = Callable[[int], NDArray[np.uint8]]


def _fresh(size: int) -> NDArray[np.uint8]:
    return np.empty(size, np.uint8)


@dataclass(frozen=True)
class Directory:
    """The places of the segments of a stream. count: symbols in all; begins: i64[S + 1], in bytes, the end of the stream last."""

    count: int
    begins: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begins) - 1

    def symbols(self, segment: int) -> int:
        """Symbols in a segment."""
        return min(SEGMENT, self.count - segment * SEGMENT)


def encode_segments(symbols: ArrayLike, tables: Tables, index: ArrayLike | None = None, threads: int = 1) -> bytes:
    """The stream of `symbols` (u8[n]); symbol i is coded with table index[i] (integers[n]; default table 0).

    `tables` have values within 0..255, at most 14 bits and no escape (see `check_tables`). The bytes do not depend on
    `threads`. Raises BadInput, also for a symbol that its table gives no frequency.
    """
    return b"".join(segment_parts(symbols, tables, index, threads))


def segment_parts(
    symbols: ArrayLike, tables: Tables, index: ArrayLike | None = None, threads: int = 1, memory: Memory = _fresh
) -> list[Any]:
    """The result of `encode_segments`, in parts (bytes, and arrays of them) that are still to be joined.

    memory: gives n bytes, u8[n] at an even address, for data that must last as long as the parts; on one thread only.
    """
    check_tables(tables)
    values = np.ascontiguousarray(symbols)
    if values.ndim != 1 or values.dtype != np.uint8:
        raise BadInput(f"segments: symbols must be a one-dimensional array of uint8, not {values.dtype}{list(values.shape)}")
    which = table_index(index, len(values), tables)
    starts = range(0, len(values), SEGMENT)

    def work(begin: int) -> tuple[NDArray[np.int64], Any]:
        stop = min(begin + SEGMENT * _GROUP, len(values))
        if which is None and not tables.lowest:
            return _encode_run(values[begin:stop], begin, tables, memory)
        parts = [_encode_segment(values, at, tables, which) for at in range(begin, stop, SEGMENT)]
        return np.array([len(part) // 2 - HEAD_WORDS for part in parts]), b"".join(parts)

    groups = _mapped(work, starts[::_GROUP], threads)
    words = [sizes.astype("<u2").tobytes() for sizes, _ in groups]
    return [len(values).to_bytes(_COUNT_BYTES, "little"), *words, *(data for _, data in groups)]


def decode_segments(
    data: bytes | bytearray | memoryview,
    tables: Tables,
    n: int,
    index: ArrayLike | None = None,
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The u8[n] symbols of a stream, with the tables and the index that it was made with; in `out`, if given (contiguous).

    Raises CorruptFile when the stream is damaged or holds another number of symbols; nothing large is allocated before its
    lengths are checked, and nothing but the result grows with n.
    """
    check_tables(tables)
    view = memoryview(data).cast("B")
    directory = read_directory(view, n, len(view))
    which = table_index(index, n, tables)
    if out is None:
        out = np.empty(n, np.uint8)
    elif out.shape != (n,) or out.dtype != np.uint8 or not out.flags.c_contiguous or not out.flags.writeable:
        raise BadInput(f"segments: out must be a contiguous writable array of {n} bytes")
    place = out

    def work(first: int) -> None:
        stop = min(first + _GROUP, len(directory))
        words = _words(view[directory.begins[first] : directory.begins[stop]])
        if which is None:
            begins = ((directory.begins[first : stop + 1] - directory.begins[first]) // 2).astype(np.uint64)
            _decode_run(place[first * SEGMENT : stop * SEGMENT], words, begins, first, tables)
            return
        for segment in range(first, stop):
            begin, end = ((directory.begins[segment : segment + 2] - directory.begins[first]) // 2).tolist()
            part = slice(segment * SEGMENT, segment * SEGMENT + directory.symbols(segment))
            _decode_segment(words, begin, end, place[part], tables, None if which is None else which[part], f"segment {segment}")

    _mapped(work, range(0, len(directory), _GROUP), threads)
    return out


def _mapped(work: Callable[[int], Any], items: Sequence[int], threads: int) -> list[Any]:
    """`work` for each, in several threads; in the caller's own where one is asked for: a hand-over costs as much as a segment."""
    if threads <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def decode_segment(
    data: bytes | bytearray | memoryview, tables: Tables, n: int, index: ArrayLike | None = None
) -> NDArray[np.uint8]:
    """The u8[n] symbols of one segment alone: `data` are its bytes, as the directory tells; index belongs to its symbols.

    n must be the directory's: a segment does not hold it, and one that is off by a little need not be noticed.
    """
    check_tables(tables)
    if not 1 <= n <= SEGMENT:
        raise BadInput(f"segments: a segment must have 1..{SEGMENT} symbols, not {n}")
    view = memoryview(data).cast("B")
    if len(view) % 2 or len(view) < 2 * HEAD_WORDS:
        raise CorruptFile(f"segments: a segment of {len(view)} bytes; it must be even and at least {2 * HEAD_WORDS}: cut short")
    out = np.empty(n, np.uint8)
    _decode_segment(_words(view), 0, len(view) // 2, out, tables, table_index(index, n, tables), "segment")
    return out


def directory_size(n: int) -> int:
    """Bytes of a stream of n symbols before its first segment."""
    return _COUNT_BYTES + 2 * -(-n // SEGMENT)


def read_directory(data: bytes | bytearray | memoryview, n: int, size: int) -> Directory:
    """The directory of a stream of n symbols and `size` bytes, from at least its first `directory_size(n)` bytes.

    Raises CorruptFile when count or lengths contradict n or size.
    """
    if n < 0:
        raise BadInput(f"segments: {n} symbols wanted")
    head = directory_size(n)
    if len(data) < _COUNT_BYTES:
        raise CorruptFile("segments: cut short within the count of symbols")
    count = int.from_bytes(data[:_COUNT_BYTES], "little")
    if count != n:
        raise CorruptFile(f"segments: the stream claims {count} symbols but {n} are expected: damaged")
    if len(data) < head:
        raise CorruptFile(f"segments: {len(data)} bytes; the directory of {n} symbols alone takes {head}: cut short")
    words = np.frombuffer(data, "<u2", (head - _COUNT_BYTES) // 2, _COUNT_BYTES).astype(np.int64)
    begins = np.full(len(words) + 1, head, np.int64)
    begins[1:] += np.cumsum(2 * (words + HEAD_WORDS))
    if begins[-1] != size:
        raise CorruptFile(f"segments: the directory lists {begins[-1]} bytes but {size} are present: cut short or damaged")
    return Directory(n, begins)


def check_tables(tables: Tables) -> None:
    """BadInput unless the tables fit segments: values 0..255, 14 bits at most, no escape, at most 2**22 slots in all."""
    if tables.freq_bits > 14:
        raise BadInput(f"segments: tables of {tables.freq_bits} bits; at most 14 are possible")
    if tables.escape:
        raise BadInput("segments: tables with an escape are not possible; give every symbol a frequency")
    if tables.lowest < 0 or tables.highest > 255:
        raise BadInput(f"segments: tables for the values {tables.lowest}..{tables.highest}; only 0..255 are possible")
    if not tables.plain and tables.split is None:
        raise BadInput(f"segments: {len(tables)} tables of {tables.freq_bits} bits are too many; use 2**22 slots in all at most")


def _encode_run(values: NDArray[np.uint8], first: int, tables: Tables, memory: Memory) -> tuple[NDArray[np.int64], Any]:
    """(words of each, their bytes) of the segments of `values`, which begin with symbol `first`; a plain table."""
    sizes = np.empty(-(-len(values) // SEGMENT), np.uint64)
    words = memory(2 * (len(values) + len(sizes) * (HEAD_WORDS + LANES))).view(np.uint16)
    used, refused = _segments_run.encode(
        readonly(values),
        tables.reciprocals,
        tables.small_spans,
        np.uint64(tables.freq_bits),
        words,
        sizes,
        wide(tables.freq_bits),
    )
    if refused < len(values):
        raise BadInput(refusal(first + int(refused), int(values[int(refused)]), tables))
    return sizes.astype(np.int64), words[: int(used)].astype("<u2", copy=False).view(np.uint8)


def _decode_run(out: NDArray[np.uint8], words: Ints, begins: NDArray[np.uint64], first: int, tables: Tables) -> None:
    """Fill `out` from the segments at these places in `words`, which end with a margin; all from one table."""
    split = tables.split
    assert split is not None  # check_tables
    ends = (split.codes, split.spans, np.uint64(split.code_bits), np.uint64(tables.freq_bits), np.uint64(tables.lowest))
    if tables.direct is not None:
        done, problem = decode_direct(out, words, begins, tables.direct, *ends, wide())
    else:
        done, problem = decode_split(out, words, begins, *ends, wide())
    if problem != _segments_run.GOOD:
        raise CorruptFile(f"segments: segment {first + int(done)} {_PROBLEMS[int(problem)]}")


def wide(freq_bits: int | None = None) -> bool | None:
    """The last argument of the kernels for many segments: True for those of AVX-512, None for all others.

    freq_bits: of an encoder, which needs at least FLOAT_BITS for them.
    """
    return True if avx512() is not None and (freq_bits is None or freq_bits >= FLOAT_BITS) else None


def _encode_segment(values: NDArray[np.uint8], first: int, tables: Tables, which: Ints | None) -> bytes:
    """The bytes of the segment that begins with symbol `first`."""
    part = readonly(values[first : first + SEGMENT])
    index = None if which is None else readonly(which[first : first + SEGMENT])
    rows = part
    if len(tables) > 1 or tables.lowest:
        rows = _rows(part, first, tables, index)
    lanes = np.zeros(LANES, np.uint64)
    taken, refused = kernels.encode_tail(
        rows, lanes, np.zeros(LANES, np.uint64), tables.small_spans, np.uint64(tables.freq_bits), np.uint64(MAX_TAIL)
    )
    if refused < len(rows):
        raise BadInput(refusal(first + int(refused), int(part[int(refused)]), tables))
    states = (lanes + np.uint64(1 << 16)).astype(np.uint32)
    words = np.empty(SEGMENT + LANES, np.uint16)
    main = (-(-len(rows) // LANES) - int(taken)) * LANES
    at, place = encode(rows, 0, main, 0, states, tables, words, len(words), 0)
    if place < 0:
        raise BadInput(refusal(first + at, int(part[at]), tables))
    return states.astype("<u4").tobytes() + int(taken).to_bytes(2, "little") + words[place:].astype("<u2").tobytes()


def _rows(part: NDArray[np.uint8], first: int, tables: Tables, index: Ints | None) -> Ints:
    """The rows of the stacked tables that stand for these symbols."""
    rows = np.empty(len(part), np.uint16 if len(tables.freqs) <= 0xFFFF else np.uint32)
    outside = np.empty(1, np.uint64)
    count = rows_of_values(
        part, None, tables.origins, tables.sizes, tables.offsets, tables.spans, index, rows, outside, np.uint64(1)
    )  # fmt: skip
    if count:
        raise BadInput(refusal(first + int(outside[0]), int(part[int(outside[0])]), tables))
    return rows


def refusal(at: int, symbol: int, tables: Tables) -> str:
    """The message about a symbol that cannot be coded."""
    which = "its table" if len(tables) > 1 else "the table"
    return f"segments: symbol {at} is {symbol}, but {which} gives it no frequency; include it in the counts that you normalise"


def _decode_segment(words: Ints, begin: int, end: int, out: Ints, tables: Tables, index: Ints | None, name: str) -> None:
    """Fill `out` from the segment words[begin:end]; the words end with a margin."""
    states = words[begin : begin + 2 * LANES].view("<u4").astype(np.uint32)
    tail = int(words[begin + 2 * LANES])
    steps = -(-len(out) // LANES)
    if not 1 <= tail <= min(steps, MAX_TAIL) or int(states.min()) < 1 << 16:
        raise CorruptFile(f"segments: {name} is damaged in its start states")
    main = (steps - tail) * LANES
    at = begin + HEAD_WORDS
    if main:
        # A margin beyond the end keeps the fast kernel going to the last step; whether it read too far is seen afterwards.
        shown = None if index is None else index[:main]
        at = decode(out[:main], 0, states, words, at, end + LANES, tables, shown)
    if at != end:
        raise CorruptFile(f"segments: {name} is damaged, or was made with other tables: its words are not all used")
    states -= np.uint32(1 << 16)
    split = tables.split
    assert split is not None  # check_tables
    kernels.decode_tail(
        out, np.uint64(main), states, split.codes, split.spans, np.uint64(split.code_bits), np.uint64(tables.freq_bits),
        np.uint64(tables.lowest), readonly(index),
    )  # fmt: skip
    if states.any():
        raise CorruptFile(f"segments: {name} is damaged, or was made with other tables: it does not end in zero states")


def _words(data: memoryview) -> NDArray[np.uint16]:
    """The 16-bit words of the bytes, aligned, with the margin at the end."""
    words = np.empty(len(data) // 2 + _MARGIN, np.uint16)
    words[:-_MARGIN] = np.frombuffer(data, "<u2")
    words[-_MARGIN:] = 0
    return words
