"""pcd with `DATA binary_compressed`: the records by fields, not by points, packed by LZF.

cloud = text header, records, bytes behind them          recipe = u8 bits, u8 factor of the writer's hash (`_lzf_kernel`)
"""

from collections.abc import Iterator

import numpy as np

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.points import pcd_head
from lacodec.media.points._lzf_kernel import pack, unpack
from lacodec.media.points.forms import spooled
from lacodec.media.points.value import Columns, Form, PointCloud

_SIZES = 8  # two u32: bytes packed, bytes of the records
_WRITERS = ((16, 1), (16, 5), (13, 1), (15, 1), (14, 1), (15, 5), (14, 5), (13, 5))
"""Hashes of known writers and their kin, the usual ones first."""
_MOST_RATIO = 89  # records that a packed byte may become at most


def read(source: Source, head: pcd_head.Head) -> PointCloud:
    """The points; raises UnsupportedFile where no known writer would give these bytes."""
    sizes = np.frombuffer(source.read(head.size, _SIZES).ljust(_SIZES, b"\0"), "<u4")
    packed, size = int(sizes[0]), int(sizes[1])
    end = head.size + _SIZES + packed
    if size != head.count * head.columns.size or end > (source.size or 0) or size > packed * _MOST_RATIO:
        raise UnsupportedFile(f"{source.name}: its packed points have another size than its header says")
    data = np.frombuffer(source.read(head.size + _SIZES, packed), np.uint8)
    fields = np.empty(size, np.uint8)
    if len(data) != packed or unpack(data, fields) != packed:
        raise UnsupportedFile(f"{source.name}: its packed points are damaged")
    for bits, factor in _WRITERS if size else _WRITERS[:1]:
        if np.array_equal(_packed(fields, bits, factor), data):
            break
    else:
        raise UnsupportedFile(f"{source.name}: was packed by an unknown writer")
    records = _transposed(fields, head, True)
    found = spooled(iter((source.read(0, head.size), records.tobytes(), source.read(end, (source.size or 0) - end))), source.name)
    return PointCloud(found, "pcd", head.columns, head.size, head.count, Form("pcd compressed", bytes([bits, factor])))


def pieces(cloud: PointCloud) -> Iterator[bytes]:
    """The file."""
    try:
        head, recipe = pcd_head.read_head(cloud.source), tuple(cloud.form.recipe)
    except UnsupportedFile as error:
        raise CorruptFile(str(error)) from error
    if recipe not in _WRITERS or head.columns != cloud.columns or (head.size, head.count) != (cloud.offset, cloud.count):
        raise CorruptFile(f"{cloud.source.name}: its header contradicts its points")
    data = np.frombuffer(cloud.source.read(cloud.offset, cloud.stop - cloud.offset), np.uint8)
    packed = _packed(_transposed(data, head, False), *recipe)
    yield cloud.source.read(0, cloud.offset)
    yield np.array([len(packed), len(data)], "<u4").tobytes()
    yield packed.tobytes()
    yield cloud.source.read(cloud.stop, (cloud.source.size or 0) - cloud.stop)


def packed_cloud(xyz: np.ndarray) -> PointCloud:
    """A cloud of f32[n, 3] that is written as such a file."""
    lines = ["# .PCD v0.7", "VERSION 0.7", "FIELDS x y z", "SIZE 4 4 4", "TYPE F F F", "COUNT 1 1 1"]
    lines += [f"WIDTH {len(xyz)}", "HEIGHT 1", f"POINTS {len(xyz)}", "DATA binary_compressed", ""]
    head = "\n".join(lines).encode()
    source = BytesSource(head + np.ascontiguousarray(xyz, "<f4").tobytes())
    return PointCloud(source, "pcd", Columns(("x", "y", "z"), ("<f4",) * 3), len(head), len(xyz), Form("pcd compressed", b"\r\1"))


def _packed(data: np.ndarray, bits: int, factor: int) -> np.ndarray:
    out = np.empty(len(data) + len(data) // 32 + 8, np.uint8)
    return out[: int(pack(data, np.zeros(1 << bits, np.int64), bits, factor, out))]


def _transposed(data: np.ndarray, head: pcd_head.Head, to_points: bool) -> np.ndarray:
    """u8[n]: records by points from those by fields, or back."""
    out, at, begin = np.empty_like(data), 0, 0
    rows = (out if to_points else data).reshape(head.count, -1) if head.count else np.empty((0, head.columns.size), np.uint8)
    for width in head.widths:
        field = (data if to_points else out)[begin : begin + head.count * width].reshape(head.count, width)
        if to_points:
            rows[:, at : at + width] = field
        else:
            field[...] = rows[:, at : at + width]
        at, begin = at + width, begin + head.count * width
    return out
