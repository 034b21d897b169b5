"""The data of one scan <-> coefficients and a `ScanRecord`.

data --unstuff--> segments --kernels--> coefficients, where each segment stops --compared with the rule--> record
coefficients --kernels--> intervals --stuff--> data
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.stream import _band_decoding, _band_encoding, _segments, _sequential
from lacodec.codecs.image.jpeg.stream._bits import SLACK
from lacodec.codecs.image.jpeg.stream._segments import BLOCKS, RAW_NEXT, RAW_STOP, START, STOP
from lacodec.codecs.image.jpeg.stream.huffman import Tables, tables_of
from lacodec.codecs.image.jpeg.stream.markers import FrameHead, ScanHead
from lacodec.codecs.image.jpeg.stream.record import ScanRecord
from lacodec.errors import CorruptFile


@dataclass(frozen=True)
class Plan:
    """A scan for the kernels: `scan` and `layout` as in `_sequential`, and its tables. count: blocks, stored or not."""

    scan: np.ndarray
    layout: np.ndarray
    tables: Tables
    count: int

    @property
    def intervals(self) -> int:
        """How many there should be."""
        return -(-self.count // int(self.scan[_sequential.INTERVAL]))

    @property
    def bands(self) -> bool:
        """Whether it codes a band of one component, with runs of blocks in which it is empty."""
        return bool(self.scan[_sequential.FIRST] > 0)

    def blocks(self, intervals: int) -> np.ndarray:
        """How many blocks each of the first `intervals` should have."""
        interval = int(self.scan[_sequential.INTERVAL])
        return np.minimum(interval, self.count - np.arange(intervals) * interval)


def offsets_of(frame: FrameHead, down: int) -> list[int]:
    """Where each component's blocks begin among all, and how many there are, with padding, in `down` rows of MCUs."""
    found = [0]
    for one in frame.components:
        found.append(found[-1] + down * one.v * one.padded_columns)
    return found


def sizes_of(frame: FrameHead, head: ScanHead) -> tuple[int, int, int]:
    """(MCUs across, rows of MCUs, blocks of an MCU) of a scan."""
    if len(head.components) == 1:
        one = frame.components[head.components[0]]
        return one.columns, one.rows, 1
    return frame.across, frame.down, sum(frame.components[i].h * frame.components[i].v for i in head.components)


def rows_reached(frame: FrameHead, head: ScanHead, record: ScanRecord) -> int:
    """How many rows of the frame's MCUs a scan's data touches."""
    across, down, per_mcu = sizes_of(frame, head)
    count = across * down * per_mcu
    interval = head.restart * per_mcu if record.restarts and head.restart else count
    done = min(count, record.intervals * interval)
    if record.odd_intervals.size and record.odd_intervals[-1] == record.intervals - 1:
        done = min(done, (record.intervals - 1) * interval + int(record.odd[-1, BLOCKS]))
    rows = -(-done // (per_mcu * across))
    return rows if len(head.components) > 1 else -(-rows // frame.components[head.components[0]].v)


def plan_of(frame: FrameHead, head: ScanHead, down: int, restarts: bool, pad_bit: int = 1, other_rule: bool = False) -> Plan:
    """The scan's layout. down: rows of MCUs that are stored. restarts: whether its restart interval counts."""
    offsets, rows = offsets_of(frame, down), []
    tables = list({id(table): table for table in (*head.dc, *head.ac) if table is not None}.values())
    numbers = {id(table): i for i, table in enumerate(tables)}
    for slot, number in enumerate(head.components):
        one = frame.components[number]
        places = [numbers.get(id(table), 0) for table in (head.dc[slot], head.ac[slot])]
        width = one.padded_columns
        if len(head.components) == 1:
            rows.append([offsets[number], 1, width, slot, *places])
            continue
        for y in range(one.v):
            for x in range(one.h):
                rows.append([offsets[number] + y * width + x, one.h, one.v * width, slot, *places])
    across, height, per_mcu = sizes_of(frame, head)
    stored = min(height, down * (frame.components[head.components[0]].v if len(head.components) == 1 else 1))
    count = across * height * per_mcu
    interval = head.restart * per_mcu if restarts and head.restart else count
    scan = [across, across * stored * per_mcu, interval, head.first, head.last, head.high, head.low, pad_bit, other_rule]
    return Plan(np.array(scan, np.int64), np.array(rows, np.int64), tables_of(tables), count)


@dataclass
class _Decoded:
    """What the kernels found: rows of `segments`, blocks and the place behind them in each, what is odd."""

    clean: np.ndarray
    segments: np.ndarray
    done: np.ndarray
    stops: np.ndarray
    claimed: np.ndarray
    runs: np.ndarray
    breaks: np.ndarray
    other_rule: bool = False


def read_scan(data: np.ndarray, frame: FrameHead, head: ScanHead, down: int, coefficients: np.ndarray) -> tuple[ScanRecord, int]:
    """Decode a scan into int16[blocks, 64]; its record, and the offset behind the last byte that it accounts for."""
    plan = plan_of(frame, head, down, True)
    clean = np.empty(data.size - head.end + 8 * SLACK + 8, np.uint8)
    segments = np.zeros((min(plan.intervals, data.size // 2 + 2), 4), np.int64)
    segments = segments[: int(_segments.unstuff(data, head.end, clean, segments))]
    restarts = plan.intervals == 1 or len(segments) > 1  # where none is found, some files have none although DRI asks for them
    if not restarts:
        plan = plan_of(frame, head, down, False)
    found = _decode(clean, segments, plan, coefficients)
    return _recorded(data, head.end, plan, found, restarts)


def _decode(clean: np.ndarray, segments: np.ndarray, plan: Plan, coefficients: np.ndarray) -> _Decoded:
    size, count = int(segments[-1, STOP]), len(segments)
    clean[size : size + 8 * SLACK + 8] = 0
    words = clean[: (size + 8 * SLACK) // 8 * 8].view(">u8").astype(np.uint64)
    done, stops, claimed = (np.zeros(count, np.int64) for _ in range(3))
    most = int(plan.scan[_sequential.COUNT])
    runs, breaks = np.empty((most, 2), np.int64), np.empty((most, 2), np.int64)
    count_runs = count_breaks = beyond = 0
    common = (words, segments, plan.scan, plan.layout, _kernel_tables(plan.tables), coefficients)
    if plan.bands:
        kept = np.zeros(64, np.int16)
        count_runs, count_breaks, beyond = _band_decoding.decode_bands(*common, kept, done, stops, claimed, runs, breaks)
    else:
        count_runs = _sequential.decode_blocks(*common, np.zeros(4, np.int64), done, stops, runs)
    broken = breaks[:count_breaks]
    broken = (broken if beyond else broken[broken[:, 1] == 0])[:, 0].copy()
    return _Decoded(clean[:size], segments, done, stops, claimed, runs[:count_runs].copy(), broken, bool(beyond))


def _recorded(data: np.ndarray, at: int, plan: Plan, found: _Decoded, restarts: bool) -> tuple[ScanRecord, int]:
    segments, count = found.segments, found.segments.shape[0]
    ends = found.stops + 7 >> 3
    free = 8 * ends - found.stops
    last = np.where(free > 0, found.clean[np.maximum(ends - 1, 0)] if found.clean.size else 0, 0)
    pads = last.astype(np.int64) & (1 << free) - 1
    some = free > 0
    pad_bit = int(np.count_nonzero(pads[some]) * 2 >= np.count_nonzero(some))
    usual = pads == (pad_bit * ((1 << free) - 1))
    numbers = np.arange(count)
    after = segments[:, RAW_STOP]
    marked = (segments[:, RAW_NEXT] == after + 2) & (ends == segments[:, STOP])
    marked &= data[np.minimum(after + 1, data.size - 1)] == 0xD0 + (numbers & 7)
    marked[-1] = True
    odd_intervals = np.flatnonzero(~(usual & marked & (found.done == plan.blocks(count)) & (found.claimed == 0)))
    gaps, sizes = bytearray(), np.zeros(odd_intervals.size, np.int64)
    for row in np.flatnonzero(~marked[odd_intervals]).tolist():
        i = int(odd_intervals[row])
        gap = data[_raw(found, at, i, int(ends[i])) : int(segments[i, RAW_NEXT])].tobytes()
        gaps += gap
        sizes[row] = len(gap)
    columns = (found.done, pads, found.claimed)
    odd = np.stack([*(column[odd_intervals] for column in columns), np.cumsum(sizes) - sizes, np.cumsum(sizes)], 1)
    record = ScanRecord(pad_bit, restarts, found.other_rule, count, odd_intervals, odd, bytes(gaps), found.runs, found.breaks)
    return record, _raw(found, at, count - 1, int(ends[-1]))


def _raw(found: _Decoded, at: int, segment: int, end: int) -> int:
    """The offset in the file of the place `end` in the data without stuffing."""
    start = int(found.segments[segment, START])
    raw = int(found.segments[segment - 1, RAW_NEXT]) if segment else at
    return raw + end - start + int(_segments.count_full(found.clean, start, end))


def write_scan(
    frame: FrameHead, head: ScanHead, down: int, record: ScanRecord, coefficients: np.ndarray, most: int
) -> np.ndarray:
    """The scan's data, at most `most` bytes; raises CorruptFile if the coefficients or the record contradict its header."""
    plan = plan_of(frame, head, down, record.restarts, record.pad_bit, record.other_rule)
    words, ends = _encode(plan, record, coefficients, most)
    clean = words[: int(ends[-1]) // 8 + 1].byteswap().view(np.uint8)
    out = np.empty(most, np.uint8)
    gaps = np.frombuffer(record.gaps, np.uint8)
    size = int(_segments.stuff(clean, ends, record.intervals, record.odd, record.odd_intervals, gaps, out))
    if size < 0:
        raise CorruptFile("a scan is longer than the file")
    return out[:size]


def count_symbols(
    frame: FrameHead, head: ScanHead, down: int, record: ScanRecord, coefficients: np.ndarray, most: int
) -> dict[int, np.ndarray]:
    """How often a scan has each symbol, int64[256], by the id of the table."""
    plan = plan_of(frame, head, down, record.restarts, record.pad_bit, record.other_rule)
    _encode(plan, record, coefficients, most)
    tables = {id(table): table for table in (*head.dc, *head.ac) if table is not None}
    return {one: (plan.tables.codes[i] >> np.uint64(32)).astype(np.int64) for i, one in enumerate(tables)}


def _encode(plan: Plan, record: ScanRecord, coefficients: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The data without stuffing in words, and how many bytes there are at the end of each interval."""
    if not 1 <= record.intervals <= plan.intervals:
        raise CorruptFile("a scan has more restart intervals than its picture")
    words = np.empty(most // 8 + 3 * SLACK, np.uint64)
    ends = np.zeros(record.intervals, np.int64)
    common = (words, plan.scan, plan.layout, _kernel_tables(plan.tables), coefficients, coefficients.view(np.uint64))
    odd = record.odd, record.odd_intervals, record.runs
    if plan.bands:
        failed = _band_encoding.encode_bands(*common, *odd, record.breaks, record.intervals, ends)
    else:
        failed = _sequential.encode_blocks(*common, np.zeros(4, np.int64), *odd, record.intervals, ends)
    if failed:
        raise CorruptFile("its coefficients cannot be coded with its Huffman tables")
    return words, ends


def _kernel_tables(tables: Tables) -> tuple[Any, ...]:
    return tables.look, tables.long, tables.symbols, tables.codes
