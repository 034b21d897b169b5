"""laz: las with packed points, by `lazrs`. The cloud is the same file with records in place of what is packed.

file  = header and records of variable length, i64 offset of a table, packed points, that table, bytes behind it
cloud = header and records of variable length, points, bytes behind the table, note
recipe = u64 where those bytes begin in the file, and u64 bytes of the note if there is one
note = u32 points of each chunk, where chunks have sizes of their own, as in COPC
"""

import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile, LacodecError, MissingDependency, UnsupportedFile
from lacodec.io.as_file import SourceFile
from lacodec.io.compare import first_difference
from lacodec.io.source import OpenedSource, Part, Source
from lacodec.media.points import las_head
from lacodec.media.points.forms import spooled
from lacodec.media.points.laz_check import check_chunks, check_packing, has_varying_chunks
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
        counts = check_chunks(lazrs, SourceFile(source, 0), source, head, packing)
        ends = np.cumsum(counts) if has_varying_chunks(packing) else np.zeros(0, np.int64)
        again = _pack(lazrs, packing, file, source.read(0, head.offset), _unpacked(lazrs, packing, source, head), ends)
        end = again.size or 0
        if first_difference(again, Part(source, 0, min(end, source.size or 0))) is not None:
            raise UnsupportedFile(f"{source.name}: its points were packed in another way than lazrs packs them")
        note = np.diff(ends, prepend=0).astype("<u4").tobytes()
        made = spooled(chain(_cloud(lazrs, packing, source, head, end), (note,)), source.name)
    recipe = end.to_bytes(8, "little") + (len(note).to_bytes(8, "little") if note else b"")
    return PointCloud(made, "laz", head.columns, head.offset, head.count, Form("laz", recipe))


def pieces(cloud: PointCloud) -> Iterator[bytes]:
    """The file; offsets of what is behind the points are moved where another lazrs packs them to another size.

    Raises CorruptFile there if chunks have sizes of their own, since an index may say where each of them is.
    """
    lazrs, source = _lazrs(MissingDependency), cloud.source
    with tempfile.TemporaryFile() as file, _blaming(lazrs, CorruptFile, source.name):
        head = las_head.read_head(source)
        if (head.columns, head.offset, head.count) != (cloud.columns, cloud.offset, cloud.count):
            raise UnsupportedFile(f"{source.name}: its header contradicts its points")
        start, packing = source.read(0, head.offset), _packing(source, head)
        check_packing(packing, head)
        before, noted = (int.from_bytes(cloud.form.recipe[at : at + 8], "little") for at in (0, 8))
        behind = (source.size or 0) - noted
        ends = _ends(source, behind, cloud) if has_varying_chunks(packing) else np.zeros(0, np.int64)
        records = _blocks(source, head.offset, cloud.stop, _POINTS * head.columns.size)
        packed = _pack(lazrs, packing, file, start, records, ends)
        end = packed.size or 0
        if len(ends) and end != before:
            raise CorruptFile(f"{source.name}: this version of lazrs packs its chunks to other sizes than their index says")
        yield _moved(start, head.places, before, end - before)
        yield from _blocks(packed, head.offset, end)
    yield from _blocks(source, cloud.stop, behind)


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


def _ends(source: Source, note: int, cloud: PointCloud) -> np.ndarray:
    """i64[chunks]: the number of the point behind each chunk, by the note at that place; raises CorruptFile."""
    data = source.read(note, max(0, (source.size or 0) - note))
    counts = np.frombuffer(data[: len(data) // 4 * 4], "<u4").astype(np.int64)
    if note < cloud.stop or len(data) % 4 or int(counts.sum()) != cloud.count or (counts == 0).any():
        raise CorruptFile(f"{source.name}: the sizes of its chunks do not make up its points")
    return np.cumsum(counts)


def _pack(lazrs: Any, packing: bytes, file: Any, head: bytes, records: Iterator[bytes], ends: np.ndarray) -> Source:
    """The header and these records, packed, in `file`; ends: of chunks with sizes of their own, in points."""
    file.write(head)
    vlr = lazrs.LazVlr(packing)
    packer, done, inner = lazrs.LasZipCompressor(file, vlr), 0, [int(end) for end in ends[:-1]]
    width = vlr.item_size()
    for block in records:
        some = np.frombuffer(block, np.uint8)
        stop = done + len(some) // width
        first, last = bisect_right(inner, done), bisect_right(inner, stop)
        for end in inner[first:last]:
            packer.compress_many(some[: (end - done) * width])
            packer.finish_current_chunk()
            some, done = some[(end - done) * width :], end
        packer.compress_many(some)
        done = stop
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
