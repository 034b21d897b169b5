"""A file of points in pieces, each of which becomes a chunk: some records, and what is before or behind them."""

from collections.abc import Iterator

from lacodec.errors import BadInput
from lacodec.media.points.value import PointCloud

CHUNK = 4 << 20
"""Bytes of records in a piece, about, and at most of what is beside them."""


TOGETHER = 16 << 20
"""Bytes of the frames of a sequence in a piece, at most."""


def pieces(value: PointCloud, together: int = 1) -> Iterator[tuple[int, int, memoryview, tuple[int, ...]]]:
    """(offset, bytes before the records, bytes, points of each frame) of each chunk. together: frames in one, at most.

    The frames are () but in pieces that have several of them.
    """
    start, lead = 0, value.offset
    while lead > CHUNK:
        yield start, CHUNK, _read(value, start, CHUNK), ()
        start, lead = start + CHUNK, lead - CHUNK
    end = value.source.size or 0
    if not end:
        yield 0, 0, memoryview(b""), ()
    for frames in _groups(value, together) if start < value.stop else ():
        for size in _blocks(sum(frames), value.columns.size, len(frames)):
            yield start, lead, _read(value, start, lead + size), frames if len(frames) > 1 else ()
            start, lead = start + lead + size, 0
    while start < end:
        size = min(CHUNK, end - start)
        yield start, size, _read(value, start, size), ()
        start += size


def _groups(value: PointCloud, together: int) -> Iterator[tuple[int, ...]]:
    """The points of all frames, several of them in one as long as they are few and small; those of a cloud without frames."""
    group: list[int] = []
    for count in value.frames or (value.count,):
        if group and (len(group) == together or (sum(group) + count) * value.columns.size > TOGETHER):
            yield tuple(group)
            group = []
        if count:
            group.append(count)
    yield tuple(group)


def _blocks(count: int, width: int, frames: int) -> Iterator[int]:
    """Bytes of each block of records; of several frames, one."""
    most = max(1, CHUNK // width) if frames < 2 else count
    for first in range(0, count, most):
        yield width * min(most, count - first)


def _read(value: PointCloud, start: int, size: int) -> memoryview:
    data = value.source.view(start, size)
    if len(data) != size:
        raise BadInput(f"{value.source.name}: changed while it was read; encode it again")
    return data
