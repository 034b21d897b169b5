"""The public functions: `encode`, `decode`, `open`, `codec`; for files of any size `encode_file`, `decode_file`, `info`, `check`.

A file may be given as a path, a URL that fsspec knows ("s3://...", "https://...", "memory://..."; extra `remote`)
or an open binary stream, which is read from its current position. `threads` is the number of cores by default, as in the command.
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from mmap import mmap
from types import EllipsisType
from typing import Any, BinaryIO

from lacodec.codecs import registry
from lacodec.codecs.session import Session
from lacodec.container import Limits, Reader, stream
from lacodec.errors import BadInput
from lacodec.io.places import open_source, stream_source
from lacodec.io.progress import Progress
from lacodec.io.remote import is_url, remote_target
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.io.threads import cores
from lacodec.pipeline import containers, files, kept
from lacodec.pipeline.blame import blamed
from lacodec.pipeline.choice import make_codec
from lacodec.pipeline.containers import check
from lacodec.pipeline.decoding import Decoding
from lacodec.pipeline.encoding import encode_value
from lacodec.pipeline.files import FileResult, append_file
from lacodec.pipeline.inspect import CheckResult, Info
from lacodec.pipeline.opened import OpenFile
from lacodec.pipeline.references import opened_references

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
"""Default limit of decoded bytes for inputs that are not local files, because a few kilobytes can claim to hold any amount."""

Place = str | os.PathLike[str] | BinaryIO | Source
"""A path, a URL, an open binary stream or a Source (which is only read)."""


def encode(
    value_or_path: Any, codec: str | None = None, *, threads: int | None = None, verify: bool = False, **options: Any
) -> bytes:
    """Encode a value, or the content of a file, into the bytes of a `.lac` file. `options` are the codec's own, e.g. `effort=9`.

    Values: bytes (bytearray, memoryview, mmap), numpy arrays, torch tensors, dicts, lists and tuples of those, Pillow pictures,
    Image, Audio, Arrays, PointCloud, Tensors.
    `decode` restores them with their type, shape, byte order and element order; a value that
    cannot be restored raises BadInput. Bytes-like values are returned as bytes, and subclasses of dict as dict; tensors are
    detached, contiguous and on the CPU, and Pillow pictures lack `format` and `filename`.
    A str is a path or a URL. By default the codec is lossless and chosen by the content of the file or the type of the value. An
    array is a picture only for picture codecs, which return an Image.
    """
    if codec is None and _is_file(value_or_path):
        return _encode_place(value_or_path, None, _plain(options), threads, verify)
    return Coder(codec or registry.for_value(value_or_path), options).encode(value_or_path, threads=threads, verify=verify)


def decode(
    data_or_path: Any,
    *,
    threads: int | None = None,
    max_size: int | EllipsisType | None = ...,
    max_memory: int | None = None,
    base: Any = None,
) -> Any:
    """Decode the bytes of a `.lac` file, or a file, into the value that was encoded.

    An encoded file is returned as an Image, an Audio, a PointCloud, an array, arrays by name, or bytes.
    More than `max_size` decoded bytes (None: no limit) raise LimitExceeded, and damage raises CorruptFile. By default a local
    path has no limit; for all other inputs it is DEFAULT_MAX_SIZE, 1 GiB. `base`: the base that the value was stored as
    differences to, if any: a path, bytes, an open Source, or several. A missing base raises BadInput, which names it.
    """
    if isinstance(max_size, EllipsisType):
        local = isinstance(data_or_path, str | os.PathLike) and not is_url(data_or_path)
        max_size = None if local else DEFAULT_MAX_SIZE
    with _source_of(data_or_path) as source, opened_references(base) as bases:
        header, chunks = stream(source, Limits(max_size, max_memory))
        decoding = Decoding(header, source.name, Session(_threads(threads), bases, max_memory=max_memory))
        value = decoding.whole(chunks)
        with blamed(decoding.codec, f"restoring {source.name}"):
            found = decoding.codec.media.to_object(value)
        return kept.as_its_kind(header, found) if kept.is_of_a_kind(header) else found


def open(
    data_or_path: Any,
    *,
    max_size: int | None = None,
    max_memory: int | None = None,
    base: Any = None,
    fraction: float | None = None,
) -> OpenFile:
    """Open a `.lac` file to decode parts of it: `lacodec.open(path)[1000:2000]`. Accepts a file, bytes or a Source.

    At a URL this reads one or two ranges, and later one range for each chunk that is needed.
    `base`: as for `decode`; it is read only where chunks refer to it. `fraction`: of progressive files, read only so much of each
    chunk, such as 0.25, and decode it with less detail; other files are read whole.
    """
    return OpenFile(data_or_path, lambda: seekable(_source_of(data_or_path)), Limits(max_size, max_memory), base, fraction)


def codec(name: str, **options: Any) -> "Coder":
    """A codec with its options, to hold in a pipeline; raises BadInput for unknown names, options and values."""
    return Coder(name, options)


def encode_file(
    source: Place,
    target: Place,
    codec: str | None = None,
    *,
    threads: int | None = None,
    verify: bool = True,
    force: bool = False,
    progress: Progress | None = None,
    max_memory: int | None = None,
    device: str | None = None,
    **options: Any,
) -> FileResult:
    """Encode a file or pipe into a `.lac` file or pipe; options of the codec as keywords: `effort=9`.

    `verify` decodes everything before the file is kept. A target file is complete or does not appear; an existing
    one is refused unless `force`. `max_memory` (bytes) lowers the number of threads, or raises LimitExceeded. `device`: for
    networks, such as "cuda". A target named *.safetensors becomes a safetensors file with coded tensors.
    """
    with _target(target, force) as place:
        return containers.encode_file(
            source,
            place,
            codec,
            _plain(options),
            threads=_threads(threads),
            verify=verify,
            force=force,
            progress=progress,
            max_memory=max_memory,
            device=device,
        )


def decode_file(
    source: Place,
    target: Place,
    *,
    threads: int | None = None,
    force: bool = False,
    salvage: bool = False,
    progress: Progress | None = None,
    max_size: int | None = None,
    max_memory: int | None = None,
    base: Any = None,
    device: str | None = None,
) -> FileResult:
    """Decode a `.lac` file or pipe into the original file or a pipe.

    With `salvage`, damaged chunks are skipped (lost byte ranges become zeros) and described in the result's `damage`.
    `max_size` limits the decoded bytes, `max_memory` the memory in use at a time; both raise LimitExceeded.
    `base`: the base that the content was stored as differences to, if any: a path, an open Source, or several. A missing base
    raises BadInput, which names it. `device`: for networks, such as "cuda".
    """
    with _target(target, force) as place:
        return containers.decode_file(
            source,
            place,
            threads=_threads(threads),
            force=force,
            salvage=salvage,
            progress=progress,
            max_size=max_size,
            max_memory=max_memory,
            base=base,
            device=device,
        )


def info(place: Any) -> Info:
    """Describe a `.lac` file (a path, a URL, a stream or bytes) from its header and index, without decoding."""
    if isinstance(place, str | os.PathLike) and not is_url(place):
        return containers.info(place)
    with seekable(_source_of(place)) as source:
        return containers.info(source)


@dataclass(frozen=True)
class Coder:
    """A codec's name and options; picklable, so that it can be sent to other processes."""

    name: str
    options: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", _plain(self.options))
        make_codec(self.name, self.options)

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.options)))

    def encode(self, value_or_path: Any, *, threads: int | None = None, verify: bool = False) -> bytes:
        """The bytes of a `.lac` file."""
        if _is_file(value_or_path):
            return _encode_place(value_or_path, self.name, self.options, threads, verify)
        out = _Parts()
        coder = make_codec(self.name, self.options)
        with opened_references(self.options.get(coder.reference_option or "")) as bases:
            with blamed(coder, f"reading a {type(value_or_path).__name__}"):
                value = coder.media.from_object(value_or_path)
            coder = coder.suited(value)
            verify = verify or coder.machine_bound() is not None
            encode_value(coder, value, None, out, session=Session(_threads(threads), bases), verify=verify)
        return out.getvalue()

    def decode(self, data_or_path: Any, *, threads: int | None = None, max_size: int | EllipsisType | None = ...) -> Any:
        """The value; decoded by the codec that wrote the file, with the base among the options if this codec has one."""
        option = make_codec(self.name, self.options).reference_option
        return decode(data_or_path, threads=threads, max_size=max_size, base=self.options.get(option or ""))


class _Parts(io.BytesIO):
    """A file in memory that is only written to, forwards: its bytes are copied once, however many writes."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Bytes are kept as they are; everything else is copied."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def getvalue(self) -> bytes:
        """All that was written."""
        return b"".join(self._parts)


def _encode_place(place: Any, codec: str | None, options: dict[str, Any], threads: int | None, verify: bool) -> bytes:
    out = io.BytesIO()
    option = "base" if codec is None else make_codec(codec, options).reference_option
    with _source_of(place) as source, opened_references(options.get(option or "")) as bases:
        files.encode_source(source, out, codec, options, session=Session(_threads(threads), bases), verify=verify)
    return out.getvalue()


def _is_file(value: Any) -> bool:
    return isinstance(value, str | os.PathLike) or (hasattr(value, "read") and not isinstance(value, Source | mmap))


def _source_of(data_or_path: Any) -> Source:
    if isinstance(data_or_path, bytes | bytearray | memoryview | mmap):
        return BytesSource(data_or_path)
    if _is_file(data_or_path) and not isinstance(data_or_path, str | os.PathLike):
        return stream_source(data_or_path)
    if not isinstance(data_or_path, str | os.PathLike | Source):
        raise BadInput(
            f"a {type(data_or_path).__name__} is not a file; pass a path, a URL, bytes, a Source or an open binary stream"
        )
    return open_source(data_or_path)


@contextmanager
def _target(place: Place, force: bool) -> Iterator[Any]:
    """Where to write: the place itself, or for a URL a file that is uploaded at the end."""
    with ExitStack() as stack:
        yield stack.enter_context(remote_target(place, force)) if is_url(place) else place


def _threads(threads: int | None) -> int:
    return cores() if threads is None else threads


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with Python's numbers in place of numpy's."""
    return {
        key: value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 else value
        for key, value in options.items()
    }


__all__ += ["Reader"]  # for callers that look into files
