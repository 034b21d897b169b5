"""The content of a `.lac` file: `Header`, `Chunk` and `ChunkHead` (the part of a chunk that the index repeats)."""

from dataclasses import dataclass
from typing import Any

import msgspec
import xxhash

from lacodec.errors import BadInput, CorruptFile

CRITICAL = 0  # decoding needs it
ANCILLARY = 1  # readers may skip it (a preview, statistics)
INDEX = 2  # only the container writes these
FIRST_OPTIONAL = 128  # kinds from this one on, which later versions may add, are skipped by readers that do not know them

MAX_DECODED = 64 << 20  # bytes that one chunk may decode to
MAX_PAYLOAD = MAX_DECODED + (1 << 16)  # bytes of one payload, index payloads included
MAX_HEADER = 1 << 20  # bytes of the file's header
MAX_AXES = 8
MAX_DEPENDS = 256

IDENTICAL = ("bytes", "pixels", "samples", "points", "frames", "none")  # the parts that a codec may restore exactly

Covers = tuple[tuple[int, int], ...]


def content_hash(*parts: Any) -> int:
    """xxh3-64 of bytes-like objects, one after another: the hash of all contents and payloads."""
    if len(parts) == 1:
        return xxhash.xxh3_64_intdigest(parts[0])
    found = xxhash.xxh3_64()
    for part in parts:
        found.update(part)
    return found.intdigest()


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The description of a file; written as a msgpack array, trailing defaults left out.

    `codec`, `stream_version`: which decoder. `options`: the encoder's, for people to read.
    `identical`: the part that is restored exactly, "bytes", "pixels", "samples", "points", "frames" or "none".
    `name`, `format`, `size`: of the original file (`size` in bytes; None if `identical` is "bytes", because the chunks give it).
    All strings but those in the metadata are printable.
    `metadata`: the codec's description of the value. `model_id`: SHA-256 of the trained weights that decoding needs,
    or its first bytes. `nested`: stream versions of other codecs' payloads inside; codecs of version 0 are left out.
    """

    codec: str
    stream_version: int
    options: dict[str, bool | int | float | str | None]
    name: str | None = None
    identical: str = "bytes"
    format: str | None = None
    size: int | None = None
    metadata: dict[str, Any] = {}
    model_id: bytes | None = None
    nested: dict[str, int] = {}

    def pack(self) -> bytes:
        """The msgpack form; raises BadInput if a value has no such form or it is longer than MAX_HEADER."""
        if not _is_plain(self.metadata):
            raise BadInput(
                f"metadata of codec {self.codec!r}: only None, bool, int, float, str, bytes, lists and dicts can be stored"
            )
        values = [getattr(self, field) for field in self.__struct_fields__]
        defaults: list[Any] = [None, "bytes", None, None, {}, None, {}]
        while len(values) > 3 and values[-1] == defaults[len(values) - 4]:
            values.pop()
        try:
            data = msgspec.msgpack.encode(values)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise BadInput(
                f"header of codec {self.codec!r}: cannot be stored ({error}); use plain numbers, strings, lists"
            ) from error
        if len(data) > MAX_HEADER:
            raise BadInput(f"header of codec {self.codec!r}: {len(data)} bytes, the limit is {MAX_HEADER}; store less metadata")
        return data

    @classmethod
    def unpack(cls, data: bytes) -> "Header":
        """The inverse of `pack`, typed and validated; raises CorruptFile."""
        try:
            header = msgspec.msgpack.decode(data, type=cls)
        # Besides its own errors msgspec lets through Python's: deep nesting, bad UTF-8, unhashable keys, absurd times.
        except (msgspec.MsgspecError, RecursionError, UnicodeError, TypeError, ValueError, OverflowError) as error:
            raise CorruptFile(f"the header is not valid ({_one_line(error)})") from error
        if min(header.stream_version, header.size or 0, *header.nested.values(), 0) < 0 or not _is_plain(header.metadata):
            raise CorruptFile("the header is not valid (a negative size or version, or metadata that is not plain)")
        if header.identical not in IDENTICAL:
            raise CorruptFile("the header is not valid (it does not state what is restored)")
        texts = (header.codec, header.name, header.format, *header.options, *header.options.values(), *header.nested)
        if not all(text.isprintable() for text in texts if isinstance(text, str)):
            raise CorruptFile("the header is not valid (text that cannot be printed)")  # no escape sequences on terminals
        return header


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """Everything about a chunk but its payload.

    `covers` has one (start, stop) per axis, in the codec's unit; a critical chunk that covers nothing is a shared section.
    `depends` lists the sequence numbers of the shared sections that decoding it needs. Sizes in bytes, offsets from the
    file's start; `offset` is where the chunk's own header begins (the compact form has none: there the payload).
    """

    sequence: int
    kind: int
    covers: Covers
    payload_size: int
    decoded_size: int
    payload_hash: int
    content_hash: int
    depends: tuple[int, ...] = ()
    offset: int = 0
    payload_offset: int = 0

    @property
    def end(self) -> int:
        """Offset of the first byte after the payload."""
        return self.payload_offset + self.payload_size

    def describe(self) -> str:
        """For messages: the chunk, its place and its range."""
        return f"chunk {self.sequence} at offset {self.offset} (covers {describe_covers(self.covers)})"

    def with_payload(self, payload: bytes, cut: bool = False) -> "Chunk":
        """The whole chunk, or with the beginning of its payload."""
        return Chunk(
            self.kind, self.covers, payload, self.content_hash, self.decoded_size, self.depends, self.sequence, self.offset, cut
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """One independent piece of a stream, as codecs make and read it.

    `content_hash` is xxh3-64 of the decoded content (lossy codecs: of the integer latents) and checked by the codec;
    `decoded_size` is in bytes. `sequence` and `offset` are set by the reader, for messages. `cut`: the payload is only its
    beginning, and is not checked.
    """

    kind: int
    covers: Covers
    payload: bytes
    content_hash: int
    decoded_size: int
    depends: tuple[int, ...] = ()
    sequence: int = 0
    offset: int = 0
    cut: bool = False

    def describe(self) -> str:
        """For messages: the chunk, its place and its range."""
        return f"chunk {self.sequence} at offset {self.offset} (covers {describe_covers(self.covers)})"


@dataclass(frozen=True)
class Limits:
    """The limits of a reader: `max_size` bytes of decoded content in all, `max_memory` bytes at a time; None means no limit."""

    max_size: int | None = None
    max_memory: int | None = None


def describe_covers(covers: Covers) -> str:
    """For messages: "0-100, 20-40"."""
    return ", ".join(f"{start}-{stop}" for start, stop in covers) or "nothing by itself"


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether `value` consists of JSON's types and bytes, nested at most 32 deep."""
    if isinstance(value, dict):
        return depth < 32 and all(isinstance(key, str) and _is_plain(item, depth + 1) for key, item in value.items())
    if isinstance(value, list | tuple):
        return depth < 32 and all(_is_plain(item, depth + 1) for item in value)
    return value is None or isinstance(value, bool | int | float | str | bytes)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
