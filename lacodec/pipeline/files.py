"""File to file, streaming: `encode_file`, `decode_file`, `append_file`. Paths or open binary streams (pipes) in and out."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from lacodec.codecs.session import Session
from lacodec.container import Chunk, Damage, Header, Limits, Reader, append_chunks, salvage, shift_chunks, stream, write_container
from lacodec.errors import BadInput, LacodecError
from lacodec.io.output import atomic_file, open_target, refuse_existing
from lacodec.io.progress import Progress
from lacodec.io.source import FileSource, PipeSource, Source, is_special, open_source
from lacodec.media.base import Media
from lacodec.pipeline import coding
from lacodec.pipeline.coding import Decoding
from lacodec.pipeline.references import opened_references

Place = str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class FileResult:
    """What a file function did: bytes of the original (`size`) and of the `.lac` file (`encoded`); `damage` holds a message
    for each chunk that `salvage` could not decode, `remark` what the user should know about the choice of codec or format."""

    size: int
    encoded: int
    codec: str
    identical: str
    damage: tuple[str, ...] = ()
    remark: str | None = None


def encode_file(
    source: Place,
    target: Place,
    codec: str | None = None,
    options: dict[str, Any] | None = None,
    *,
    threads: int = 1,
    verify: bool = True,
    force: bool = False,
    progress: Progress | None = None,
    max_memory: int | None = None,
    device: str | None = None,
) -> FileResult:
    """Encode a file or pipe into a `.lac` file or pipe.

    `verify` decodes every chunk before it is written. A target file appears whole at the end or not at all; one that exists is
    refused unless `force`. `max_memory` (bytes) lowers the number of threads, or raises LimitExceeded.
    """
    coding.make_codec(codec, options or {})  # says what is wrong before anything is opened
    refuse_early(source, target, force)
    with (
        open_source(source, may_grow=True) as opened,
        opened_references((options or {}).get("base")) as bases,
        open_target(target, force, opened) as out,
    ):
        session = Session(threads, bases, device=device, max_memory=max_memory)
        job = coding.prepare(opened, codec, options or {}, session)
        written = coding.encode_value(
            job.codec,
            job.value,
            job.source,
            out,
            name=coding.stored_name(opened),
            session=session,
            verify=verify,
            progress=progress,
        )
        size = job.source.size if job.source.size is not None else written.decoded_size
        identical = job.codec.restores(job.value)
    return FileResult(size, written.size, job.codec.name, identical, remark=job.remark)


def decode_file(
    source: Place,
    target: Place,
    *,
    threads: int = 1,
    force: bool = False,
    salvage: bool = False,
    progress: Progress | None = None,
    max_size: int | None = None,
    max_memory: int | None = None,
    base: Any = None,
    device: str | None = None,
) -> FileResult:
    """Decode a `.lac` file or pipe into the original file or a pipe.

    With `salvage`, damaged chunks are left out (lost byte ranges become zeros) and described in the result's `damage`.
    `max_size` bounds the decoded bytes, `max_memory` what is in memory at a time; both raise LimitExceeded.
    `base`: what the content was stored as differences to, if it was; a path, an open Source, or several; BadInput tells what is
    missing. `device`: where networks compute.
    """
    refuse_early(source, target, force)
    with open_source(source) as opened, opened_references(base) as bases:
        header, chunks = _chunks(opened, Limits(max_size, max_memory), salvage)
        decoding = Decoding(header, opened.name, Session(threads, bases, device=device, max_memory=max_memory), salvage)
        size = 0
        with open_target(target, force, opened) as out:
            value = decoding.whole(chunks, _with_total(progress, opened, max_size))
            media = decoding.codec.media
            for block in media.to_blocks(value, _suffix(target)):
                out.write(block)
                size += len(block)
        encoded = opened.position if isinstance(opened, PipeSource) else opened.size or 0
    remark = _other_format(media, value, target, header)
    return FileResult(size, encoded, header.codec, header.identical, tuple(decoding.damage), remark)


def append_file(
    target: str | os.PathLike[str],
    source: Place,
    *,
    threads: int = 1,
    verify: bool = True,
    progress: Progress | None = None,
) -> FileResult:
    """Add the content of `source` behind that of the `.lac` file `target`, which must restore bytes.

    Only the new chunks, an index and a footer are written; a failure leaves the file as it was.
    """
    path = Path(os.path.realpath(target))  # a link stays one
    with open_source(source, may_grow=True) as more, FileSource(path) as old:
        reader = Reader(old)
        coder = coding.make_codec(reader.header.codec, dict(reader.header.options))
        session = Session(threads)
        if not coder.appends:
            raise BadInput(f"{path}: codec {coder.name!r} cannot append; encode to a new file")
        chunks: Iterable[Chunk] = coder.encode(coding.from_source(coder, more), session)
        if verify:
            chunks = coding.verified(coder, reader.header, chunks, session)
        if reader.compact:
            both = chain([reader.chunk(0)], shift_chunks(chunks, reader.index[0].covers[0][1], 1))
            with atomic_file(path, force=True) as out:
                os.fchmod(out.fileno(), stat.S_IMODE(path.stat().st_mode))
                written = write_container(reader.header, both, out)
        else:
            try:
                with open(path, "r+b") as file:
                    written = append_chunks(file, old, chunks)
                    os.fsync(file.fileno())
            except OSError as error:
                raise LacodecError(f"{path}: appending failed ({error.strerror}); the file is as it was") from error
    return FileResult(written.decoded_size, written.size, coder.name, coder.identical)


def _chunks(source: Source, limits: Limits, salvaging: bool) -> tuple[Header, Iterator[Chunk | Damage]]:
    return salvage(source, limits) if salvaging else stream(source, limits)


def _with_total(progress: Progress | None, source: Source, max_size: int | None) -> Progress | None:
    if progress is None or source.size is None:
        return progress
    total = Reader(source, Limits(max_size), partial=True).decoded_size
    return lambda done, _: progress(done, total)


def refuse_early(source: Place | Source, target: Place, force: bool) -> None:
    """Before any work: an existing target, or one that is the source."""
    if isinstance(target, str | os.PathLike) and not is_special(target):
        refuse_existing(Path(target), force)
        if isinstance(source, str | os.PathLike) and os.path.exists(target) and os.path.samefile(source, target):
            raise BadInput(f"{os.fspath(target)}: input and output are the same file; choose another output with -o")


def _suffix(target: Place) -> str:
    return Path(target).suffix.lower() if isinstance(target, str | os.PathLike) else ""


def _other_format(media: Media[Any], value: Any, target: Place, header: Header) -> str | None:
    """What to say of a file that is of another format than its name tells; None where all is as expected."""
    known, suffix = media.suffixes, _suffix(target)
    if not known or not suffix:
        return None
    format_ = media.written(value, suffix)
    usual = suffix == Path(header.name or "").suffix.lower() and format_ == header.format
    if format_ is None or usual or known.get(suffix) == format_:
        return None
    return f"it is a {format_.upper()} file: {suffix} cannot be written from {header.codec}, only {', '.join(sorted(known))}"
