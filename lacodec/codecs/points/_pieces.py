"""A file of points in pieces, each of which becomes a chunk: some records, and what is before or behind them."""

from bisect import bisect_right
from collections.abc import Iterator

from lacodec.errors import BadInput
from lacodec.media.points.value import PointCloud

CHUNK = 4 << 20
"""Bytes of records in a piece, about, and at most of what is beside them."""


def pieces(value: PointCloud) -> Iterator[tuple[int, int, memoryview]]:
    """(offset, bytes before the records, bytes) of each chunk."""
    width = value.columns.size
    block = max(1, CHUNK // width) * width
    start, lead = 0, value.offset
    while lead > CHUNK:
        yield start, CHUNK, _read(value, start, CHUNK)
        start, lead = start + CHUNK, lead - CHUNK
    end = value.source.size or 0
    ends = [value.offset + sum(value.frames[: i + 1]) * width for i in range(len(value.frames))]
    if not end:
        yield 0, 0, memoryview(b"")
    while start < end:
        size = (
            min(lead + min(block, _left(ends, start + lead)), value.stop - start)
            if start < value.stop
            else min(CHUNK, end - start)
        )
        yield start, lead if start < value.stop else size, _read(value, start, size)
        start, lead = start + size, 0


def _left(ends: list[int], at: int) -> int:
    """Bytes from a place up to the end of its frame; at any place where there are none, many."""
    return ends[bisect_right(ends, at)] - at if ends and at < ends[-1] else 1 << 62


def _read(value: PointCloud, start: int, size: int) -> memoryview:
    data = value.source.view(start, size)
    if len(data) != size:
        raise BadInput(f"{value.source.name}: changed while it was read; encode it again")
    return data
