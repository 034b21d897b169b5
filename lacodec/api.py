"""What users call: `encode`, `decode`, `open`, `codec`, and the streaming functions for files that the command uses."""

import io
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from lacodec.codecs import registry
from lacodec.codecs.session import Session
from lacodec.container import Header, Limits, Reader, stream
from lacodec.io.source import BytesSource, FileSource, Source, open_source
from lacodec.pipeline import coding
from lacodec.pipeline.containers import check, decode_file, encode_file, info
from lacodec.pipeline.files import FileResult, append_file
from lacodec.pipeline.inspect import CheckResult, Info
from lacodec.pipeline.references import open_references, opened_references

__all__ = [
    "CheckResult",
    "Coder",
    "FileResult",
    "Info",
    "OpenFile",
    "append_file",
    "check",
    "codec",
    "decode",
    "decode_file",
    "encode",
    "encode_file",
    "info",
    "open",
]

DEFAULT_MAX_SIZE = 1 << 30
"""Bytes that `decode` gives back at most unless told otherwise: a file of some kilobytes can claim to hold any amount."""


def encode(value_or_path: Any, codec: str | None = None, *, threads: int = 1, verify: bool = False, **options: Any) -> bytes:
    """Encode a value (bytes-like, Source) or the file at a path (str, Path) into the bytes of a `.lac` file.

    Without `codec`, lossless and chosen by the content of the file, or by the type of the value: bytes stay bytes.
    `options` are the codec's own, e.g. `effort=9`.
    """
    if codec is None and isinstance(value_or_path, str | os.PathLike):
        return _encode_path(value_or_path, None, options, threads, verify)
    return Coder(codec or registry.for_value(value_or_path), options).encode(value_or_path, threads=threads, verify=verify)


def decode(
    data_or_path: Any,
    *,
    threads: int = 1,
    max_size: int | None = DEFAULT_MAX_SIZE,
    max_memory: int | None = None,
    base: Any = None,
) -> Any:
    """Decode the bytes of a `.lac` file, or the file at a path, into the value that was encoded (bytes for codec `bytes`).

    More than `max_size` decoded bytes (None: any number) raise LimitExceeded, damage raises CorruptFile. `base`: what the value
    was stored as differences to, if it was; a path, bytes, an open Source, or several; BadInput tells what is missing.
    """
    with _source_of(data_or_path) as source, opened_references(base) as bases:
        header, chunks = stream(source, Limits(max_size, max_memory))
        decoding = coding.Decoding(header, source.name, Session(threads, bases, max_memory=max_memory))
        value = decoding.whole(chunks)
        return decoding.codec.media.to_object(value)


def open(data_or_path: Any, *, max_size: int | None = None, max_memory: int | None = None, base: Any = None) -> "OpenFile":
    """Open a `.lac` file to decode parts of it: `lacodec.open(path)[1000:2000]`. Accepts a path, bytes or a Source.

    `base`: as for `decode`; read only where something refers to it.
    """
    return OpenFile(_source_of(data_or_path), Limits(max_size, max_memory), base)


def codec(name: str, **options: Any) -> "Coder":
    """A codec with its options, to hold in a pipeline; raises BadInput for unknown names, options and values."""
    return Coder(name, options)


@dataclass(frozen=True)
class Coder:
    """A codec's name and options; picklable, so that it can be sent to other processes."""

    name: str
    options: dict[str, Any]

    def __post_init__(self) -> None:
        coding.make_codec(self.name, self.options)

    def encode(self, value_or_path: Any, *, threads: int = 1, verify: bool = False) -> bytes:
        """The bytes of a `.lac` file."""
        if isinstance(value_or_path, str | os.PathLike):
            return _encode_path(value_or_path, self.name, self.options, threads, verify)
        out = _Parts()
        with opened_references(self.options.get("base")) as bases:
            coder = coding.make_codec(self.name, self.options)
            value = coder.media.from_object(value_or_path)
            coding.encode_value(coder, value, None, out, session=Session(threads, bases), verify=verify)
        return out.getvalue()

    def decode(self, data_or_path: Any, *, threads: int = 1, max_size: int | None = DEFAULT_MAX_SIZE) -> Any:
        """The value again; whatever codec wrote the file decodes it, with the option `base` if there is one."""
        return decode(data_or_path, threads=threads, max_size=max_size, base=self.options.get("base"))


class OpenFile:
    """A `.lac` file opened in the middle; `header` describes it. Close it, or use it in a `with` block."""

    def __init__(self, source: Source, limits: Limits, base: Any = None) -> None:
        with ExitStack() as stack:
            stack.callback(source.close)
            bases = open_references(base, stack)
            self._reader = Reader(source, limits)
            self._decoding = coding.Decoding(
                self._reader.header, source.name, Session(references=bases, max_memory=limits.max_memory)
            )
            self._open = stack.pop_all()

    @property
    def header(self) -> Header:
        """What the file says about itself."""
        return self._reader.header

    def __getitem__(self, key: Any) -> Any:
        reader, decoding = self._reader, self._decoding
        parts = []
        for position in decoding.codec.select(reader.header, reader.index, key):
            for sequence in reader.index[position].depends:
                decoding.notice_shared(reader.chunk(sequence))
            parts.append(decoding.part(reader.chunk(position, decoding.codec.takes_views)))
        return decoding.codec.extract(reader.header, reader.index, key, parts, decoding.session)

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and the bases that were opened for it."""
        self._open.close()


class _Parts(io.BytesIO):
    """A file in memory that is only written to, forwards: its bytes are copied once, however many writes."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Bytes are kept as they are, all else is copied."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def getvalue(self) -> bytes:
        """All that was written."""
        return b"".join(self._parts)


def _encode_path(path: Any, codec: str | None, options: dict[str, Any], threads: int, verify: bool) -> bytes:
    out = _Parts()
    with FileSource(path) as source, opened_references(options.get("base")) as bases:
        session = Session(threads, bases)
        job = coding.prepare(source, codec, options, session)
        name = coding.stored_name(source)
        coding.encode_value(job.codec, job.value, job.source, out, name=name, session=session, verify=verify)
    return out.getvalue()


def _source_of(data_or_path: Any) -> Source:
    if isinstance(data_or_path, bytes | bytearray | memoryview):
        return BytesSource(data_or_path)
    return open_source(data_or_path)
