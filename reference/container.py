"""The `.lac` container: the bytes of a file -> its header and chunks, every sum, hash and rule of docs/format.md checked."""

import struct
from dataclasses import dataclass
from typing import Any

import xxhash

from reference.stream import Damaged, Stream, need

CHUNKED, COMPACT = 0, 1
CRITICAL, ANCILLARY, INDEX = range(3)
FIRST_OPTIONAL = 128  # kinds from here on are skipped, whatever they are
VERSIONS = (0, 1)  # of the container; they differ in nothing but this number
IDENTICAL = ("bytes", "pixels", "samples", "points", "frames", "none")
MAX_HEADER, MAX_DECODED, MAX_PAYLOAD = 1 << 20, 64 << 20, (64 << 20) + (1 << 16)
MAX_AXES, MAX_DEPENDS = 8, 256
FIELDS = ("codec", "stream_version", "options", "name", "identical", "format", "size", "metadata", "model_id", "nested")
DEFAULTS = [None, None, None, None, "bytes", None, None, {}, None, {}]


@dataclass(frozen=True)
class Chunk:
    """A chunk with its payload. covers: (start, stop) for each axis; depends: sequence numbers of shared sections."""

    sequence: int
    kind: int
    covers: list[tuple[int, int]]
    depends: list[int]
    payload: bytes
    decoded_size: int
    content_hash: int

    def check(self, content: bytes) -> None:
        """Damaged unless this is what the chunk decodes to."""
        need(len(content) == self.decoded_size, f"chunk {self.sequence} decodes to another size than it should")
        need(hash64(content) == self.content_hash, f"chunk {self.sequence} decodes to other content than was encoded")


def hash64(data: bytes) -> int:
    """The hash of payloads and contents: xxh3-64."""
    return xxhash.xxh3_64_intdigest(data)


def read(data: bytes) -> tuple[dict[str, Any], list[Chunk]]:
    """(header by names, all chunks but indexes in order) of a whole file."""
    file = Stream(data)
    need(file.take(4) == b"\x8bLAC", "not a .lac file")
    version, form, header_size = file.byte(), file.byte(), file.uint(4)
    need(version in VERSIONS and form in (CHUNKED, COMPACT), f"version {version}, form {form} of the container is unknown")
    need(header_size <= MAX_HEADER, "the header is too long")
    if form == COMPACT:
        return _read_compact(file, header_size)
    file_id = file.uint(4)
    header = file.take(header_size)
    _check_sum(file, 0)
    return read_header(header), _read_chunks(file, file_id, struct.pack("<I", header_size) + header)


def read_header(data: bytes) -> dict[str, Any]:
    """The header by names; what is missing has its default."""
    values = read_msgpack(data)
    need(isinstance(values, list) and 3 <= len(values) <= len(FIELDS), "the header is not an array of 3 to 10 elements")
    header = dict(zip(FIELDS, values + DEFAULTS[len(values) :], strict=True))
    need(header["identical"] in IDENTICAL, "the header does not say what is restored")
    return header


def _read_compact(file: Stream, header_size: int) -> tuple[dict[str, Any], list[Chunk]]:
    axes, decoded_size, payload_hash, content_hash = file.byte(), file.uint(4), file.uint(8), file.uint(8)
    need(axes <= MAX_AXES and decoded_size <= MAX_DECODED, "the start of the file is impossible")
    stops = [file.uint(8) for _ in range(axes)] or [decoded_size]
    header = read_header(file.take(header_size))
    _check_sum(file, 0)
    payload = file.take(file.left() - 1)
    need(file.byte() == 0 and len(payload) <= MAX_PAYLOAD, "the file is cut off")
    need(hash64(payload) == payload_hash, "the only chunk is damaged")
    return header, [Chunk(0, CRITICAL, [(0, stop) for stop in stops], [], payload, decoded_size, content_hash)]


def _read_chunks(file: Stream, file_id: int, index: bytes) -> list[Chunk]:
    """Chunks, indexes and footers up to the end; `index` is what the payload of an index begins with."""
    chunks: list[Chunk] = []
    complete = False
    while file.left():
        offset = file.at
        chunk = _read_chunk(file, file_id)
        need(chunk.sequence == len(chunks), f"chunk {len(chunks)} is missing")
        complete = chunk.kind == INDEX
        if complete:
            need(chunk.payload == index and not chunk.decoded_size, "the index contradicts the chunks")
            _check_footer(file, file_id, offset, file.at - offset)
            continue
        _check_order(chunks, chunk)
        chunks.append(chunk)
        index += struct.pack("<Q", offset) + file.data[offset : file.at - len(chunk.payload)]
    need(complete, "the file is cut off: it does not end with a footer")
    return chunks


def _read_chunk(file: Stream, file_id: int) -> Chunk:
    start = file.at
    need(file.take(4) == b"\xc5Lch" and file.uint(4) == file_id, "no chunk of this file begins here")
    sequence, kind, axes, depends = file.uint(4), file.byte(), file.byte(), file.uint(2)
    payload_size, decoded_size, payload_hash, content_hash = file.uint(4), file.uint(4), file.uint(8), file.uint(8)
    need(axes <= MAX_AXES and depends <= MAX_DEPENDS, "too many axes or dependencies")
    need(payload_size <= MAX_PAYLOAD and decoded_size <= MAX_DECODED, f"chunk {sequence} is too large")
    covers = [(file.uint(8), file.uint(8)) for _ in range(axes)]
    depends_on = [file.uint(4) for _ in range(depends)]
    _check_sum(file, start)
    need(all(start <= stop < 1 << 63 for start, stop in covers), f"chunk {sequence} covers an impossible range")
    known = kind in (CRITICAL, ANCILLARY, INDEX) or kind >= FIRST_OPTIONAL
    need(known, f"chunk {sequence} is of the critical kind {kind}, which is not known here")
    payload = file.take(payload_size)
    need(hash64(payload) == payload_hash, f"chunk {sequence} is damaged")
    return Chunk(sequence, kind, covers, depends_on, payload, decoded_size, content_hash)


def _check_order(before: list[Chunk], chunk: Chunk) -> None:
    """What must hold from one chunk to the next."""
    shared = [other.sequence for other in before if other.kind == CRITICAL and not other.covers]
    need(set(chunk.depends) <= set(shared), f"chunk {chunk.sequence} depends on what is no shared section before it")
    if chunk.kind == CRITICAL and chunk.covers:
        last = next((other.covers for other in reversed(before) if other.kind == CRITICAL and other.covers), None)
        need(last is None or len(last) == len(chunk.covers), "chunks have different numbers of axes")
        if len(chunk.covers) == 1:
            need(chunk.covers[0][0] == (last[0][1] if last else 0), "ranges overlap or leave a hole")


def _check_footer(file: Stream, file_id: int, offset: int, size: int) -> None:
    start = file.at
    need(file.take(4) == b"\xc5Lft" and file.uint(4) == file_id, "a footer is missing")
    need(file.uint(8) == offset and file.uint(4) == size, "a footer contradicts its index")
    _check_sum(file, start)
    need(file.take(4) == b"LAC\x8b", "a footer is damaged")


def _check_sum(file: Stream, start: int) -> None:
    """The next four bytes are the low half of the hash of all bytes of the section."""
    expected = hash64(file.data[start : file.at]) & 0xFFFFFFFF
    need(file.uint(4) == expected, "a section is damaged")


def read_msgpack(data: bytes) -> Any:
    """The one value that `data` is."""
    stream = Stream(data)
    try:
        value = _msgpack(stream)
    except (UnicodeDecodeError, TypeError, RecursionError) as error:
        raise Damaged(f"the header is not valid ({error})") from error
    stream.finish()
    return value


def _msgpack(stream: Stream) -> Any:
    def big(size: int, signed: bool = False) -> int:
        return int.from_bytes(stream.take(size), "big", signed=signed)

    kind = stream.byte()
    if kind <= 0x7F or kind >= 0xE0:
        return kind if kind <= 0x7F else kind - 256
    if kind <= 0x8F or kind in (0xDE, 0xDF):
        count = kind & 15 if kind <= 0x8F else big(2 if kind == 0xDE else 4)
        return {_msgpack(stream): _msgpack(stream) for _ in range(count)}
    if kind <= 0x9F or kind in (0xDC, 0xDD):
        count = kind & 15 if kind <= 0x9F else big(2 if kind == 0xDC else 4)
        return [_msgpack(stream) for _ in range(count)]
    if kind <= 0xBF or kind in (0xD9, 0xDA, 0xDB):
        return stream.take(kind & 31 if kind <= 0xBF else big(1 << kind - 0xD9)).decode()
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind]
    if kind in (0xC4, 0xC5, 0xC6):
        return stream.take(big(1 << kind - 0xC4))
    if kind in (0xCA, 0xCB):
        return struct.unpack(">f" if kind == 0xCA else ">d", stream.take(4 if kind == 0xCA else 8))[0]
    if 0xCC <= kind <= 0xD3:
        return big(1 << (kind & 3), signed=kind >= 0xD0)
    raise Damaged(f"the header has a value of the unknown kind {kind:#x}")
