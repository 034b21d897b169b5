"""The bytes of the `.lac` format, section by section: packing and parsing, without any reading or writing of files.

    chunked:  prefix | file id | header | checksum || (chunk header | payload)* | index chunk | footer || more of the same
    compact:  prefix | chunk facts | header | checksum || payload | 0

Integers are little-endian; a checksum is the low 32 bits of the xxh3-64 of all bytes of its section before it.
"""

import struct
from dataclasses import dataclass

import xxhash

from lacodec.container.types import CRITICAL, MAX_AXES, MAX_DECODED, MAX_DEPENDS, MAX_HEADER, MAX_PAYLOAD, ChunkHead, Header
from lacodec.errors import CorruptFile, LimitExceeded, UnsupportedFile

MAGIC = b"\x8bLAC"
VERSION = 1
READS = (0, 1)  # version 0 differs in nothing but this number
CHUNKED, COMPACT = 0, 1
CHUNK_MARKER = b"\xc5Lch"
FOOTER_MARKER = b"\xc5Lft"
COMPACT_END = b"\0"  # the last byte of a compact file; a footer ends otherwise, so the end of a file tells its form
FOOTER_END = b"LAC\x8b"

PREFIX = struct.Struct("<4sBBI")  # magic, version, form, header size
_FILE_ID = struct.Struct("<I")
_FACTS = struct.Struct("<BIQQ")  # axes, decoded size, payload hash, content hash; then a stop per axis
_CHUNK = struct.Struct("<4sIIBBHIIQQ")  # marker, file id, sequence, kind, axes, depends, payload and decoded size, two hashes
_FOOTER = struct.Struct("<4sIQI")  # marker, file id, offset of the index chunk, its size
_SUM = struct.Struct("<I")
_ENTRY = struct.Struct("<Q")

CHUNK_FIXED = _CHUNK.size
FOOTER_SIZE = _FOOTER.size + _SUM.size + len(FOOTER_END)
MAX_INDEX = MAX_PAYLOAD + CHUNK_FIXED + 16 * MAX_AXES + 4 * MAX_DEPENDS + 4  # bytes of an index chunk with its header


@dataclass(frozen=True)
class FileHead:
    """The start of a file: `file_id` marks its chunks (chunked form), `chunk` is the only one (compact form); `size` in bytes."""

    header: Header
    header_bytes: bytes
    file_id: int
    chunk: ChunkHead | None
    size: int


def checksum(data: bytes | memoryview, more: bytes = b"") -> int:
    """The 32-bit checksum of a section, or of its two parts."""
    if not more:
        return xxhash.xxh3_64_intdigest(data) & 0xFFFFFFFF
    digest = xxhash.xxh3_64(data)
    digest.update(more)
    return digest.intdigest() & 0xFFFFFFFF


def pack_head(header_bytes: bytes, file_id: int) -> bytes:
    """The start of a chunked file."""
    data = PREFIX.pack(MAGIC, VERSION, CHUNKED, len(header_bytes)) + _FILE_ID.pack(file_id) + header_bytes
    return data + _SUM.pack(checksum(data))


def pack_compact_head(header_bytes: bytes, chunk: ChunkHead) -> bytes:
    """The start of a compact file; `chunk` must be critical, depend on nothing and start at 0 on each of its axes.

    Axes 0 stands for the commonest case, one axis from 0 to the decoded size.
    """
    stops = [stop for _, stop in chunk.covers]
    if stops == [chunk.decoded_size]:
        stops = []
    data = PREFIX.pack(MAGIC, VERSION, COMPACT, len(header_bytes))
    data += _FACTS.pack(len(stops), chunk.decoded_size, chunk.payload_hash, chunk.content_hash)
    data += struct.pack(f"<{len(stops)}Q", *stops) + header_bytes
    return data + _SUM.pack(checksum(data))


def head_rest_size(start: bytes) -> tuple[int, int]:
    """(fixed, rest) bytes that follow the prefix: read `fixed` (0 or up to the axes), then ask `head_size`."""
    if len(start) < PREFIX.size or start[:4] != MAGIC:
        raise UnsupportedFile("not a .lac file; give a file encoded by lacodec")
    _, version, form, header_size = PREFIX.unpack_from(start)
    if version not in READS or form not in (CHUNKED, COMPACT):
        raise UnsupportedFile(f".lac version {version}, form {form} is not supported; update lacodec")
    if header_size > MAX_HEADER:
        raise LimitExceeded(f"a header of {header_size} bytes, the limit is {MAX_HEADER}; the file is damaged or forged")
    fixed = _FILE_ID.size if form == CHUNKED else _FACTS.size
    return fixed, header_size + _SUM.size


def axes_size(start: bytes) -> int:
    """Bytes of the stops in the start of a compact file, given its prefix and fixed part; 0 in the chunked form."""
    if start[5] == CHUNKED or len(start) <= PREFIX.size:
        return 0
    if start[PREFIX.size] > MAX_AXES:
        raise CorruptFile(f"{start[PREFIX.size]} axes, the limit is {MAX_AXES}; the start of the file is damaged")
    return 8 * start[PREFIX.size]


def parse_head(data: bytes) -> FileHead:
    """The whole start of a file, as long as the functions above say."""
    if len(data) < PREFIX.size + _SUM.size or checksum(data[: -_SUM.size]) != _SUM.unpack(data[-_SUM.size :])[0]:
        raise CorruptFile("the start of the file (bytes 0 to the end of the header) is damaged")
    _, _, form, header_size = PREFIX.unpack_from(data)
    header_start = len(data) - _SUM.size - header_size
    header_bytes = data[header_start : header_start + header_size]
    header = Header.unpack(header_bytes)
    if form == CHUNKED:
        return FileHead(header, header_bytes, _FILE_ID.unpack_from(data, PREFIX.size)[0], None, len(data))
    axes, decoded_size, payload_hash, content = _FACTS.unpack_from(data, PREFIX.size)
    stops = struct.unpack_from(f"<{axes}Q", data, PREFIX.size + _FACTS.size) if axes else (decoded_size,)
    covers = tuple((0, stop) for stop in stops)
    chunk = ChunkHead(0, CRITICAL, covers, 0, decoded_size, payload_hash, content, (), len(data), len(data))
    check_sizes(chunk)
    return FileHead(header, header_bytes, 0, chunk, len(data))


def pack_chunk_head(chunk: ChunkHead, file_id: int) -> bytes:
    """The header of a chunk, with its marker and checksum."""
    data = _CHUNK.pack(
        CHUNK_MARKER,
        file_id,
        chunk.sequence,
        chunk.kind,
        len(chunk.covers),
        len(chunk.depends),
        chunk.payload_size,
        chunk.decoded_size,
        chunk.payload_hash,
        chunk.content_hash,
    )
    data += struct.pack(f"<{2 * len(chunk.covers)}Q", *(edge for pair in chunk.covers for edge in pair))
    data += struct.pack(f"<{len(chunk.depends)}I", *chunk.depends)
    return data + _SUM.pack(checksum(data))


def chunk_head_size(fixed: bytes, file_id: int) -> int:
    """Size of the chunk header that starts with these CHUNK_FIXED bytes; raises CorruptFile if they do not start one."""
    if len(fixed) < CHUNK_FIXED:
        raise CorruptFile("a chunk header is cut off")
    marker, found_id, _, _, axes, depends, *_ = _CHUNK.unpack_from(fixed)
    if marker != CHUNK_MARKER or found_id != file_id:
        raise CorruptFile("no chunk of this file starts here")
    if axes > MAX_AXES or depends > MAX_DEPENDS:
        raise CorruptFile("a chunk header is damaged (too many axes or dependencies)")
    return CHUNK_FIXED + 16 * axes + 4 * depends + _SUM.size


def parse_chunk_head(data: bytes, file_id: int, offset: int) -> ChunkHead:
    """The chunk header in exactly these bytes, found at `offset`; sizes and edges are within the format's limits."""
    if chunk_head_size(data, file_id) != len(data) or checksum(data[: -_SUM.size]) != _SUM.unpack(data[-_SUM.size :])[0]:
        raise CorruptFile("a chunk header is damaged")
    _, _, sequence, kind, axes, depends, payload_size, decoded_size, payload_hash, content = _CHUNK.unpack_from(data)
    edges = struct.unpack_from(f"<{2 * axes}Q", data, CHUNK_FIXED)
    needs = struct.unpack_from(f"<{depends}I", data, CHUNK_FIXED + 16 * axes)
    covers = tuple(zip(edges[::2], edges[1::2], strict=True))
    head = ChunkHead(sequence, kind, covers, payload_size, decoded_size, payload_hash, content, needs, offset, offset + len(data))
    check_sizes(head)
    return head


def check_sizes(head: ChunkHead) -> None:
    """The limits of the format for one chunk header, before anything is allocated for it."""
    if head.payload_size > MAX_PAYLOAD or head.decoded_size > MAX_DECODED:
        size = max(head.payload_size, head.decoded_size)
        raise LimitExceeded(f"{head.describe()} claims {size} bytes, the limit is {MAX_DECODED}; the file is damaged or forged")
    if any(start > stop or stop >= 1 << 63 for start, stop in head.covers):
        raise CorruptFile(f"{head.describe()} covers an impossible range; the file is damaged or forged")


def index_start(header_bytes: bytes) -> bytes:
    """The first part of an index payload: the file's header once more."""
    return _SUM.pack(len(header_bytes)) + header_bytes


def index_entry(offset: int, head_bytes: bytes) -> bytes:
    """One entry of an index payload: where the chunk is, and its header."""
    return _ENTRY.pack(offset) + head_bytes


def parse_index(payload: bytes, file_id: int) -> tuple[bytes, list[ChunkHead]]:
    """(header bytes, chunk headers) from an index payload."""
    if len(payload) < _SUM.size:
        raise CorruptFile("the index is cut off")
    position = _SUM.size + _SUM.unpack_from(payload)[0]
    if position > len(payload):
        raise CorruptFile("the index is cut off")
    header_bytes, heads = payload[_SUM.size : position], []
    while position < len(payload):
        if position + _ENTRY.size > len(payload):
            raise CorruptFile("the index is cut off")
        (offset,) = _ENTRY.unpack_from(payload, position)
        position += _ENTRY.size
        size = chunk_head_size(payload[position : position + CHUNK_FIXED], file_id)
        heads.append(parse_chunk_head(payload[position : position + size], file_id, offset))
        position += size
    return header_bytes, heads


def pack_footer(file_id: int, index_offset: int, index_size: int) -> bytes:
    """The footer; `index_size` counts the whole index chunk, header and payload."""
    data = _FOOTER.pack(FOOTER_MARKER, file_id, index_offset, index_size)
    return data + _SUM.pack(checksum(data)) + FOOTER_END


def file_size(footer: bytes) -> int:
    """The size of the file that ends with this footer, of FOOTER_SIZE bytes; raises CorruptFile."""
    if len(footer) != FOOTER_SIZE:
        raise CorruptFile("no valid footer found")
    _, _, index_offset, index_size = _FOOTER.unpack_from(footer)
    parse_footer(footer, index_offset + index_size)
    return int(index_offset + index_size + FOOTER_SIZE)


def parse_footer(data: bytes, offset: int) -> tuple[int, int, int]:
    """(file id, offset, size of the index chunk) from the FOOTER_SIZE bytes at `offset`; raises CorruptFile."""
    if len(data) != FOOTER_SIZE or data[-4:] != FOOTER_END or checksum(data[:-8]) != _SUM.unpack_from(data, _FOOTER.size)[0]:
        raise CorruptFile("no valid footer found")
    marker, file_id, index_offset, index_size = _FOOTER.unpack_from(data)
    if marker != FOOTER_MARKER or index_offset + index_size != offset or not CHUNK_FIXED < index_size <= MAX_INDEX:
        raise CorruptFile("the footer contradicts itself")
    return file_id, index_offset, index_size


def chunk_marker(file_id: int) -> bytes:
    """The first bytes of every chunk of the file, which salvage searches for."""
    return CHUNK_MARKER + _FILE_ID.pack(file_id)
