"""What laz files claim, checked before `lazrs` believes it: that library ends the process where memory does not suffice.

The record about the packing and the table of chunks are those of LASzip (see the LAZ specification).
"""

import struct
from typing import Any

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.las_head import Head

_ITEMS = 34  # bytes before the items that a record is made of
_LAYERS = {10: 9, 11: 1, 12: 2, 13: 1}  # of an item in layered chunks; bytes, item 14, have one each
_SIZES = {6: 20, 7: 8, 8: 6, 9: 29, 10: 30, 11: 6, 12: 8, 13: 29}
_BYTES = (0, 14)
_LAYERED = 3
_VARYING = (1 << 32) - 1


def check_packing(packing: bytes, head: Head) -> tuple[int, int]:
    """(points of a chunk, 0 if each has its own number; layers of a chunk) by the record about it; raises UnsupportedFile."""
    if len(packing) < _ITEMS:
        raise UnsupportedFile("the record about its packing is too short")
    (method,) = struct.unpack_from("<H", packing)
    chunk, several = struct.unpack_from("<I", packing, 12)[0], struct.unpack_from("<H", packing, 32)[0]
    if len(packing) < _ITEMS + 6 * several or not 0 < several <= 8 or method not in (2, _LAYERED) or chunk == 0:
        raise UnsupportedFile("the record about its packing is damaged, or of another kind")
    if chunk == _VARYING and method != _LAYERED:
        raise UnsupportedFile("its chunks have sizes of their own, and no layers")
    items = list(struct.iter_unpack("<HHH", packing[_ITEMS : _ITEMS + 6 * several]))
    known = all(size > 0 if kind in _BYTES else _SIZES.get(kind) == size for kind, size, _ in items)
    if not known or sum(size for _, size, _ in items) != head.columns.size:
        raise UnsupportedFile("its records are packed in parts that do not make up their size")
    layers = sum(_LAYERS.get(kind, size) for kind, size, _ in items) if method == _LAYERED else 0
    return 0 if chunk == _VARYING else chunk, layers


def has_varying_chunks(packing: bytes) -> bool:
    """Whether each chunk has a number of points of its own, by a checked record about the packing."""
    return struct.unpack_from("<I", packing, 12)[0] == _VARYING


def check_chunks(lazrs: Any, file: Any, source: Source, head: Head, packing: bytes) -> list[int]:
    """Points of each chunk, by the table if each has its own number. file: the source as a file object.

    Raises UnsupportedFile unless the chunks have the sizes that the file has room for, and make up the points.
    """
    chunk, layers = check_packing(packing, head)
    size = source.size or 0
    table = int.from_bytes(source.read(head.offset, 8), "little", signed=True)
    if not head.offset + 8 <= table <= size - 8:
        raise UnsupportedFile("its table of chunks is not where it should be")
    version, several = struct.unpack("<II", source.read(table, 8))
    most = min(head.count, (table - head.offset - 8) // head.columns.size)  # the first point of a chunk is not packed
    if version or (several > most if not chunk else several != -(-head.count // chunk)):
        raise UnsupportedFile(f"its table claims {several} chunks, which are not those that its points need")
    file.seek(head.offset)
    entries = lazrs.read_chunk_table(file, lazrs.LazVlr(packing)) if several else []
    counts, sizes = [entry[0] for entry in entries], [entry[1] for entry in entries]
    if not chunk and (sum(counts) != head.count or min(counts, default=1) == 0):
        raise UnsupportedFile("its chunks do not make up its points")
    if sum(sizes) != table - head.offset - 8:
        raise UnsupportedFile("its chunks do not make up its packed points")
    at = head.offset + 8
    for room in sizes if layers else ():
        found = source.read(at + head.columns.size + 4, 4 * layers)
        if len(found) < 4 * layers or sum(struct.unpack(f"<{layers}I", found)) > room:
            raise UnsupportedFile("the layers of a chunk are larger than the chunk")
        at += room
    return counts
