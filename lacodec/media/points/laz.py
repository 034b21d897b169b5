"""laz: las with packed points, by `lazrs`. The cloud is the same file with records in place of what is packed.

file  = header and records of variable length, i64 offset of a table, packed points, that table, bytes behind it
cloud = header and records of variable length, points, bytes behind the table       recipe = u64 where those begin in the file
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile, LacodecError, MissingDependency, UnsupportedFile
from lacodec.io.as_file import SourceFile
from lacodec.io.compare import first_difference
from lacodec.io.source import OpenedSource, Part, Source
from lacodec.media.points import las_head
from lacodec.media.points.forms import spooled
from lacodec.media.points.laz_check import check_chunks, check_packing
from lacodec.media.points.value import Form, PointCloud

_VLR = 54  # bytes of the head of a record of variable length
_PACKING = b"laszip encoded\0\0"  # the user of the one that says how the points are packed
_POINTS = 1 << 16  # at a time
_BLOCK = 1 << 20
_MOST_RATIO, _FEW = 1 << 10, 1 << 24  # bytes of records that a packed byte may become at most, and that any file may


def read(source: Source, head: las_head.Head) -> PointCloud:
    """The points; raises UnsupportedFile where lazrs would not write the same file again, or is not installed."""
    lazrs = _lazrs(UnsupportedFile)
    if head.count * head.columns.size > max(_FEW, (source.size or 0) * _MOST_RATIO):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    with tempfile.TemporaryFile() as file, _blaming(lazrs, UnsupportedFile, source.name):
        packing = _packing(source, head)
        check_chunks(lazrs, SourceFile(source, 0), source, head, packing)
        again = _pack(lazrs, packing, file, source.read(0, head.offset), _unpacked(lazrs, packing, source, head))
        end = again.size or 0
        if first_difference(again, Part(source, 0, min(end, source.size or 0))) is not None:
            raise UnsupportedFile(f"{source.name}: its points were packed in another way than lazrs packs them")
        made = spooled(_cloud(lazrs, packing, source, head, end), source.name)
    return PointCloud(made, "laz", head.columns, head.offset, head.count, Form("laz", end.to_bytes(8, "little")))


def pieces(cloud: PointCloud) -> Iterator[bytes]:
    """The file; offsets of what is behind the points are moved where another lazrs packs them to another size."""
    lazrs, source = _lazrs(MissingDependency), cloud.source
    with tempfile.TemporaryFile() as file, _blaming(lazrs, CorruptFile, source.name):
        head = las_head.read_head(source)
        if (head.columns, head.offset, head.count) != (cloud.columns, cloud.offset, cloud.count):
            raise UnsupportedFile(f"{source.name}: its header contradicts its points")
        start, packing = source.read(0, head.offset), _packing(source, head)
        check_packing(packing, head)
        records = _blocks(source, head.offset, cloud.stop, _POINTS * head.columns.size)
        packed = _pack(lazrs, packing, file, start, records)
        before, end = int.from_bytes(cloud.form.recipe[:8], "little"), packed.size or 0
        yield _moved(start, head.places, before, end - before)
        yield from _blocks(packed, head.offset, end)
    yield from _blocks(source, cloud.stop, source.size or 0)


def _lazrs(error: type[LacodecError]) -> Any:
    try:
        import lazrs
    except ImportError:
        raise error("laz files need lazrs; install it with: pip install 'lacodec[points]'") from None
    return lazrs


@contextmanager
def _blaming(lazrs: Any, error: type[LacodecError], name: str) -> Iterator[None]:
    """Turns what lazrs raises, its panics too, into `error`."""
    try:
        yield
    except (UnsupportedFile, lazrs.LazrsError, OverflowError) as found:
        raise error(f"{name}: its points cannot be packed or unpacked ({str(found).removeprefix(f'{name}: ')})") from found
    except BaseException as found:
        if type(found).__name__ != "PanicException":
            raise
        raise error(f"{name}: its packed points are damaged") from found


def _packing(source: Source, head: las_head.Head) -> bytes:
    """The record that says how the points are packed; raises UnsupportedFile."""
    at = int.from_bytes(source.read(94, 2), "little")
    while at + _VLR <= head.offset:
        start = source.read(at, _VLR)
        size = int.from_bytes(start[20:22], "little")
        if start[2:18] == _PACKING:
            return source.read(at + _VLR, min(size, head.offset - at - _VLR))
        at += _VLR + size
    raise UnsupportedFile(f"{source.name}: does not say how its points are packed")


def _unpacked(lazrs: Any, packing: bytes, source: Source, head: las_head.Head) -> Iterator[bytes]:
    if not head.count:
        return
    unpacker = lazrs.LasZipDecompressor(SourceFile(source, head.offset), packing)
    for start in range(0, head.count, _POINTS):
        block = np.empty(min(_POINTS, head.count - start) * head.columns.size, np.uint8)
        unpacker.decompress_many(block)
        yield block.tobytes()


def _pack(lazrs: Any, packing: bytes, file: Any, head: bytes, records: Iterator[bytes]) -> Source:
    """The header and these records, packed, in `file`."""
    file.write(head)
    packer = lazrs.LasZipCompressor(file, lazrs.LazVlr(packing))
    for block in records:
        packer.compress_many(np.frombuffer(block, np.uint8))
    packer.done()
    return OpenedSource(file, "packed points")


def _cloud(lazrs: Any, packing: bytes, source: Source, head: las_head.Head, end: int) -> Iterator[bytes]:
    yield source.read(0, head.offset)
    yield from _unpacked(lazrs, packing, source, head)
    yield from _blocks(source, end, source.size or 0)


def _blocks(source: Source, start: int, stop: int, size: int = _BLOCK) -> Iterator[bytes]:
    return Part(source, start, max(start, stop)).blocks(size)


def _moved(head: bytes, places: tuple[int, ...], before: int, by: int) -> bytes:
    """The header with offsets from `before` on increased."""
    out = bytearray(head)
    for place in places:
        offset = int.from_bytes(out[place : place + 8], "little")
        if by and offset >= before:
            out[place : place + 8] = (offset + by).to_bytes(8, "little")
    return bytes(out)
