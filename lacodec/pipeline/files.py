"""File to file, streaming: `encode_file`, `decode_file`, `append_file`. Paths or open binary streams (pipes) in and out."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.session import Session
from lacodec.container import Chunk, Damage, Header, Limits, Reader, append_chunks, salvage, shift_chunks, stream, write_container
from lacodec.container.writer import Written
from lacodec.errors import BadInput, LacodecError
from lacodec.io.output import atomic_file, open_target, refuse_existing
from lacodec.io.places import is_special, open_source
from lacodec.io.progress import Progress
from lacodec.io.source import FileSource, OpenedSource, Part, Source
from lacodec.io.streams import PipeSource
from lacodec.media.base import Media
from lacodec.media.raw import Raw
from lacodec.pipeline import choice
from lacodec.pipeline.blame import blamed
from lacodec.pipeline.choice import Job, default_codec, from_source, make_codec, stored_name
from lacodec.pipeline.decoding import Decoding
from lacodec.pipeline.encoding import encode_value, verified
from lacodec.pipeline.verify import Watched, lost_by_decoding

Place = str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class FileResult:
    """The result of a file function: bytes of the original (`size`) and of the `.lac` file (`encoded`); `damage` holds a message
    for each chunk that `salvage` could not decode, `remark` a note for the user about the choice of codec or format,
    `detail` one for users who want to know more, `verified` whether the encoder decoded and compared it."""

    size: int
    encoded: int
    codec: str
    identical: str
    damage: tuple[str, ...] = ()
    remark: str | None = None
    detail: str | None = None
    verified: bool = False


def encode_opened(
    opened: Source,
    target: Place,
    codec: str | None,
    options: Mapping[str, Any],
    *,
    session: Session,
    verify: bool = True,
    force: bool = False,
    progress: Progress | None = None,
) -> FileResult:
    """Encode what is open into a `.lac` file or pipe; see `lacodec.encode_file`."""
    with open_target(target, force, opened) as out:
        return encode_source(opened, out, codec, options, session=session, verify=verify, progress=progress)


def encode_source(
    opened: Source,
    out: BinaryIO,
    codec: str | None,
    options: Mapping[str, Any] | None,
    *,
    session: Session,
    verify: bool,
    progress: Progress | None = None,
) -> FileResult:
    """Encode an open source to `out`; see `encode_file`. An `out` that cannot be read again gets only verified bytes."""
    job = choice.prepare(opened, codec, options or {})
    name = stored_name(opened)
    if (machine := job.codec.machine_bound()) is not None:
        job = replace(job, remark=f"can be decoded only where all is computed alike: {machine}")
        verify = True
    if _can_be_read_again(out):
        return _encode(job, out, name, codec, options, session, verify, progress)
    if job.codec.media.streams and job.source.size is None:  # as it comes: each chunk is decoded before it goes out
        written = encode_value(
            job.codec, job.value, job.source, out, name=name, session=session, verify=verify, progress=progress
        )
        return _result(job, written, verify)
    with tempfile.TemporaryFile() as file:
        result = _encode(job, file, name, codec, options, session, verify, progress)
        file.seek(0)
        shutil.copyfileobj(file, out, 1 << 20)
    return result


def _encode(
    job: Job,
    out: BinaryIO,
    name: str | None,
    named: str | None,
    options: Mapping[str, Any] | None,
    session: Session,
    verify: bool,
    progress: Progress | None,
) -> FileResult:
    """Into a file that can be read again. If a codec chosen by content would not restore the content, `bytes` encodes it."""
    begin = out.tell()
    while True:
        if verify and job.source.size is None and isinstance(job.value, Raw):
            watched = Watched(job.source)
            job = replace(job, value=Raw(watched), source=watched)
        size = job.source.size if verify else None
        first = progress if progress is None or size is None else _half(progress, size, 0, size)
        written = encode_value(job.codec, job.value, job.source, out, name=name, session=session, progress=first)
        chosen = named is None and job.codec.name != registry.DEFAULT
        grown = chosen and job.source.size is not None and written.size > bound(job.source.size)
        lost = None
        if verify and not grown:
            lac = OpenedSource(out, job.source.name)
            second = None if progress is None or size is None else _half(progress, size, size, written.decoded_size)
            lost = lost_by_decoding(Part(lac, begin, lac.size), job.source, session, second)
        if not grown and lost is None:
            return _result(job, written, verify)
        if not chosen:
            why = "the file changed while it was read, or this is a fault in lacodec or in this machine's memory"
            hint = why if named in (None, registry.DEFAULT) else "leave --codec out, or use codec bytes"
            raise LacodecError(
                f"{job.source.name}: verification failed: codec {job.codec.name!r} would not restore it: {lost}; "
                f"nothing was kept ({hint})"
            )
        out.seek(begin)
        out.truncate()
        kept = default_codec(options or {})
        if lost is None:  # it does not pay: what the file is stays in the header
            job = Job(kept, Raw(job.source, getattr(job.value, "format", None)), job.source)
        else:
            remark = f"codec {job.codec.name!r} would not restore it: {lost}; codec {registry.DEFAULT} keeps its bytes"
            job = Job(kept, Raw(job.source), job.source, remark)


def bound(size: int) -> int:
    """Bytes that the `.lac` file of `size` bytes may have at most."""
    return size + 64 + size // 1000


def _result(job: Job, written: Written, verify: bool) -> FileResult:
    size = job.source.size if job.source.size is not None else written.decoded_size
    identical = job.codec.restores(job.value)
    return FileResult(size, written.size, job.codec.name, identical, (), job.remark, job.detail, verify)


def _half(progress: Progress, size: int, before: int, total: int) -> Progress:
    """Progress of encoding a file of `size` bytes, or, `size` being done `before`, of decoding it again to `total` bytes."""
    return lambda done, _: progress((before + size * done // max(1, total)) // 2, size)


def decode_opened(
    opened: Source,
    target: Place,
    *,
    session: Session,
    force: bool = False,
    salvage: bool = False,
    progress: Progress | None = None,
    max_size: int | None = None,
) -> FileResult:
    """Decode the open `.lac` file or pipe into the original file or a pipe; see `lacodec.decode_file`."""
    header, chunks = _chunks(opened, Limits(max_size, session.max_memory), salvage)
    decoding = Decoding(header, opened.name, session, salvage)
    size = 0
    with open_target(target, force, opened) as out:
        value = decoding.whole(chunks, _with_total(progress, opened, max_size))
        media = decoding.codec.media
        for block in _blocks_of(decoding, value, _converted_to(media, target, header)):
            out.write(block)
            size += len(block)
    encoded = opened.position if isinstance(opened, PipeSource) else opened.size or 0
    remark = _other_format(media, value, target, header) or decoding.cut
    return FileResult(size, encoded, header.codec, header.identical, tuple(decoding.damage), remark)


def _blocks_of(decoding: Decoding, value: Any, suffix: str) -> Iterator[bytes]:
    with blamed(decoding.codec, "writing what it decoded"):
        yield from decoding.codec.media.to_blocks(value, suffix)


def append_file(
    target: str | os.PathLike[str],
    source: Place,
    *,
    threads: int = 1,
    verify: bool = True,
    progress: Progress | None = None,
) -> FileResult:
    """Append the content of `source` to that of the `.lac` file `target`, which must restore bytes.

    Only the new chunks, an index and a footer are written; a failure leaves the file as it was.
    """
    path = Path(os.path.realpath(target))  # a link stays one
    with open_source(source, may_grow=True) as more, FileSource(path) as old:
        reader = Reader(old)
        coder, session = coder_for_more(reader, path), Session(threads)
        chunks: Iterable[Chunk] = coder.encode(from_source(coder, more), session)
        if verify or coder.machine_bound() is not None:
            chunks = verified(coder, reader.header, chunks, session)
        if reader.compact:
            both = chain([reader.chunk(0)], shift_chunks(chunks, reader.index[0].covers[0][1], 1))
            with atomic_file(path, force=True) as out:
                written = write_container(reader.header, both, out)
        else:
            written = add_chunks(path, old, chunks)
    return FileResult(written.decoded_size, written.size, coder.name, coder.identical)


def coder_for_more(reader: Reader, path: Path) -> Codec[Any]:
    """The codec of the file, with its options, to append with; raises BadInput where chunks of today do not fit to its header."""
    header = reader.header
    coder = make_codec(header.codec, dict(header.options))
    if not coder.appends:
        raise BadInput(f"{path}: codec {coder.name!r} cannot append; encode to a new file")
    older = header.stream_version != coder.stream_version
    if older or any(header.nested.get(name, version) != version for name, version in coder.nested.items()):
        raise BadInput(f"{path}: an older lacodec wrote this file, and this one cannot append to it; encode to a new file")
    return coder


def add_chunks(path: Path, old: Source, chunks: Iterable[Chunk]) -> Written:
    """Append to the chunked file `path`, open as `old`; a failure leaves it as it was."""
    try:
        with open(path, "r+b") as file:
            written = append_chunks(file, old, chunks)
            os.fsync(file.fileno())
    except OSError as error:
        raise LacodecError(f"{path}: appending failed ({error.strerror}); the file is as it was") from error
    return written


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


def _converted_to(media: Media[Any], target: Place, header: Header) -> str:
    """The suffix of the format to write; "" for the format of the header, which is used under the original's name.

    Unless what is not restored exactly has changed its format, too, and `media` can write that of the name.
    """
    suffix = _suffix(target)
    changed = header.identical == "none" and media.suffixes.get(suffix, header.format) != header.format
    return "" if suffix == Path(header.name or "").suffix.lower() and not changed else suffix


def _can_be_read_again(out: Any) -> bool:
    try:
        return bool(out.seekable() and out.readable())
    except AttributeError:  # all that is asked of an output is `write`
        return False


def _suffix(target: Place) -> str:
    return Path(target).suffix.lower() if isinstance(target, str | os.PathLike) else ""


def _other_format(media: Media[Any], value: Any, target: Place, header: Header) -> str | None:
    """A remark about a file whose format differs from its name; None if they agree."""
    known, suffix = media.suffixes, _suffix(target)
    if not known or not suffix:
        return None
    format_ = media.written(value, _converted_to(media, target, header))
    usual = suffix == Path(header.name or "").suffix.lower() and format_ == header.format
    if format_ is None or usual or known.get(suffix) == format_:
        return None
    return f"it is a {format_.upper()} file: {suffix} cannot be written from {header.codec}, only {', '.join(sorted(known))}"
