"""A valid safetensors file whose tensors are coded, so that hubs and tools still accept it; and the way back to the original.

    head | tensors as they are, widest type first | coded tensors: U8 [size], each the bytes of a .lac file

`__metadata__` keeps the original entries, and under KEY a JSON object:

    version    0
    size, hash of the original file: bytes, and its xxh3-64 in hexadecimal
    tensors    [name, dtype, shape] of the original's tensors in their order; those that have another type or size in this file
               are coded: such a .lac file restores a safetensors file with this one tensor
    head       true if the original's head differs from that of `build_header`; then a tensor HEAD holds its bytes

Where coding saves nothing, the file is the original with KEY put into its head, 40 or 56 bytes (`coded_marks`), and the text
under it is "plain " with the hash.
"""

import json
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from lacodec.codecs.references import Reference
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile, LacodecError, LimitExceeded, UnsupportedFile
from lacodec.io.output import atomic_file, open_target
from lacodec.io.places import is_special
from lacodec.io.progress import Progress
from lacodec.io.source import BytesSource, FileSource, Part, Source
from lacodec.media.tensors import safetensors
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.safetensors import build_header, read_header
from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors, place_of, size_of
from lacodec.pipeline.choice import make_codec
from lacodec.pipeline.coded_marks import HEAD, KEY, marked_head, note_of, unmarked
from lacodec.pipeline.coded_sources import CodedTensor, Joined, Opened
from lacodec.pipeline.decoding import SALVAGE_HINT
from lacodec.pipeline.encoding import encode_value
from lacodec.pipeline.files import FileResult, Place
from lacodec.pipeline.references import opened_references

SMALLEST = 4096  # bytes of the smallest coded tensor: below, a separate file costs more than it saves
_BLOCK = 1 << 20

Path_ = str | os.PathLike[str]


def save_coded(
    arrays: Mapping[str, Any],
    filename: Path_,
    metadata: Mapping[str, str] | None = None,
    *,
    threads: int | None = None,
    **options: Any,
) -> None:
    """As `save_file`, but into a safetensors file that holds coded tensors. `options` are those of codec `weights`."""
    session = Session(threads or os.cpu_count() or 1)
    _write(safetensors.virtual(arrays, metadata), Path(filename), session, True, options)


def encode_safetensors(source: Path_, target: Path_, *, threads: int | None = None, force: bool = False, **options: Any) -> None:
    """Code the tensors of the safetensors file `source` into the safetensors file `target`.

    The file is decoded and compared before it is kept. If the tensors do not get smaller, they stay as they are.
    Raises UnsupportedFile if the file is not a valid safetensors file or is already coded, BadInput for an existing target,
    unless `force`.
    """
    with FileSource(source) as opened:
        encode_opened(opened, target, session=Session(threads or os.cpu_count() or 1), force=force, options=options)


def encode_opened(
    opened: Source,
    target: Path_,
    *,
    session: Session,
    force: bool = False,
    progress: Progress | None = None,
    options: Mapping[str, Any] | None = None,
) -> FileResult:
    """`encode_safetensors` for a source of known size that is open."""
    value = TENSORS.from_source(opened)
    if value.format != "safetensors":
        raise UnsupportedFile(f"{opened.name}: is not a safetensors file; lacodec encode keeps it as a .lac file")
    written, coded = _write(value, Path(target), session, force, options or {}, progress)
    remark = None if coded else "its tensors do not get smaller, so they stay as they are"
    return FileResult(opened.size or 0, written, "weights", "bytes", remark=remark)


def decode_safetensors(
    source: Path_, target: Path_, *, force: bool = False, base: Any = None, salvage: bool = False
) -> tuple[str, ...]:
    """Write the file that `encode_safetensors` was given, byte for byte; raises CorruptFile when that is not possible.

    base: the base that its tensors were stored as differences to, if any: a path, an open Source, or several. With `salvage`,
    zeros replace damaged parts, and a message about each is returned.
    """
    with FileSource(source) as opened, opened_references(base) as bases:
        return decode_opened(opened, target, session=Session(references=bases), force=force, salvage=salvage).damage


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
    """`decode_safetensors` for a source of known size that is open. A pipe gets its bytes after all of them have been checked."""
    value = restored(TENSORS.from_source(opened), session.references, session.max_memory)
    if value is None:
        raise not_coded(opened.name)
    total, expected = value.source.size or 0, note_of(opened)["hash"]
    if max_size is not None and total > max_size:
        raise LimitExceeded(f"{opened.name}: decodes to {total} bytes, the limit is {max_size}; raise max_size")

    def blocks() -> Iterator[bytes]:
        done = 0
        for block in decoded_blocks(value, expected, damage):
            if damage and not salvage:
                raise CorruptFile(damage[0] + SALVAGE_HINT)
            yield block
            done += len(block)
            if progress is not None:
                progress(done, total)
        if damage and not salvage:
            raise CorruptFile(damage[-1])

    damage: list[str] = []
    if not isinstance(target, str | os.PathLike) or is_special(target):
        for _ in blocks():
            pass
        damage.clear()
    with open_target(target, force, opened) as out:
        for block in blocks():
            out.write(block)
    return FileResult(total, opened.size or 0, "weights", "bytes", tuple(damage))


def decoded_blocks(value: Tensors, expected: str, damage: list[str]) -> Iterator[bytes]:
    """The bytes of the original, from the result of `restored`, in blocks that never hold parts of two tensors.

    Damaged parts become zeros, after a message about each was added to `damage`; so is one if the whole has another hash than
    expected.
    """
    digest = xxhash.xxh3_64()
    ends = [value.entries[0].offset if value.entries else value.source.size or 0, *(entry.stop for entry in value.entries)]
    at = 0
    for end in ends:
        while at < end:
            size = min(_BLOCK, end - at)
            try:
                block = value.source.read(at, size)
            except CorruptFile as error:
                block = bytes(size)
                damage.append(str(error))
            digest.update(block)
            yield block
            at += size
    if not damage and digest.hexdigest() != expected:
        damage.append(f"{value.source.name}: does not decode to the file that was encoded; it is damaged")


def holds_coded(opened: Source) -> bool:
    """Whether a safetensors file holds coded tensors."""
    try:
        return KEY in read_header(opened)[0]
    except UnsupportedFile:
        return False


def not_coded(name: str) -> UnsupportedFile:
    """The error for other files."""
    return UnsupportedFile(f"{name}: is a plain safetensors file, its tensors are not coded; lacodec encode makes it small")


def restored(value: Tensors, bases: Sequence[Reference] = (), max_memory: int | None = None) -> Tensors | None:
    """The original's tensors, decoded while they are read, out of those of a file with coded tensors; None for other files."""
    if value.format != "safetensors" or KEY not in read_header(value.source)[0]:
        return None
    source, note = value.source, note_of(value.source)
    if "tensors" not in note:
        return unmarked(value)
    held = {entry.name: entry for entry in value.entries}
    facts = [(name, dtype, tuple(shape), size_of(dtype, tuple(shape), name)) for name, dtype, shape in note["tensors"]]
    metadata = {key: text for key, text in read_header(source)[0].items() if key != KEY}
    if note["head"]:
        kept = held.get(HEAD, TensorEntry("", "U8", (0,), 0, 0))
        head = source.read(kept.offset, kept.size)
    else:
        head = build_header(facts, metadata or None)
    parts: list[Source] = [BytesSource(head)]
    entries, at = [], len(head)
    opened = Opened(bases, max_memory)
    for name, dtype, shape, size in facts:
        here = held.get(name)
        if here is None:
            raise CorruptFile(f"{source.name}: lacks the tensor {name[:200]!r}, which its metadata names")
        part = Part(source, here.offset, here.stop)
        part.name = place_of(source.name, name)
        same = (here.dtype, here.size) == (dtype, size)
        parts.append(part if same else CodedTensor(part, len(build_header([(name, dtype, shape, size)])), size, opened))
        entries.append(TensorEntry(name, dtype, shape, at, size))
        at += size
    if at != note["size"]:
        raise CorruptFile(f"{source.name}: its tensors add up to {at} bytes, but its metadata gives {note['size']}")
    return Tensors(Joined(parts, source.name), "safetensors", tuple(entries))


def _write(
    value: Tensors,
    target: Path,
    session: Session,
    force: bool,
    options: Mapping[str, Any],
    progress: Progress | None = None,
) -> tuple[int, int]:
    """(bytes of the file, number of tensors that are coded)."""
    metadata, _, begin = read_header(value.source)
    if KEY in metadata or HEAD in {entry.name for entry in value.entries}:
        raise UnsupportedFile(f"{value.source.name}: already holds coded tensors")
    facts = [(entry.name, entry.dtype, entry.shape, entry.size) for entry in value.entries]
    head, digest = value.source.read(0, begin), _hash(value.source)
    note = {
        "version": 0,
        "size": value.source.size,
        "hash": digest,
        "tensors": [fact[:3] for fact in facts],
        "head": build_header(facts, metadata or None) != head,
    }
    plain: list[tuple[str, str, tuple[int, ...], Source]] = []
    with (
        opened_references(options.get("base")) as bases,
        atomic_file(target, force, value.source) as out,
        _scratch(target) as spool,
    ):
        session = replace(session, references=bases)
        coded: list[tuple[str, str, tuple[int, ...], int]] = []
        for entry in value.entries:
            size = 0 if entry.size < SMALLEST else _code(value.source, entry, spool, session, options, progress)
            if size:
                coded.append((entry.name, "U8", (size,), size))
            else:
                plain.append((entry.name, entry.dtype, entry.shape, Part(value.source, entry.offset, entry.stop)))
        if note["head"]:
            plain.append((HEAD, "U8", (len(head),), BytesSource(head)))
        ranks = {dtype: rank for rank, dtype in enumerate(DTYPES)}
        plain.sort(key=lambda item: ranks[item[1]])
        sizes = [(name, dtype, shape, part.size or 0) for name, dtype, shape, part in plain]
        new_head = build_header(sizes + coded, {**metadata, KEY: json.dumps(note, separators=(",", ":"))})
        marked = marked_head(head, digest)
        size = len(new_head) + sum(size for *_, size in sizes) + spool.tell()
        if marked is not None and size >= len(marked) + (value.source.size or 0) - begin:
            coded, new_head = [], marked
            plain = [("", "", (), Part(value.source, begin, value.source.size or 0))]
        out.write(new_head)
        for *_, part in plain:
            for block in part.blocks(_BLOCK):
                out.write(block)
        if coded:
            spool.seek(0)
            shutil.copyfileobj(spool, out, _BLOCK)
        _verify(out, digest, session, value.source.name)
        return out.tell(), len(coded)


def _verify(out: BinaryIO, expected: str, session: Session, name: str) -> None:
    """Decode the finished file once more; raises LacodecError when that does not give the original."""
    out.flush()
    finished = BytesSource(memoryview(mmap.mmap(out.fileno(), 0, access=mmap.ACCESS_READ)), name)
    value = restored(TENSORS.from_source(finished), session.references, session.max_memory)
    damage: list[str] = []
    if value is None or not all(True for _ in decoded_blocks(value, expected, damage)) or damage:
        raise LacodecError(
            f"{name}: verification failed: {(damage or ['its tensors'])[0].removeprefix(f'{name}: ')}; nothing was kept; "
            "the file changed while it was read, or this is a fault in lacodec or in this machine's memory"
        )


def _code(
    source: Source,
    entry: TensorEntry,
    spool: BinaryIO,
    session: Session,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> int:
    """Bytes of the .lac file that was appended to `spool` for a tensor; 0 when it would not be smaller."""
    head = build_header([(entry.name, entry.dtype, entry.shape, entry.size)])
    joined = Joined([BytesSource(head), Part(source, entry.offset, entry.stop)], source.name)
    alone = TensorEntry(entry.name, entry.dtype, entry.shape, len(head), entry.size)
    coder = make_codec("weights", options)
    begin = spool.tell()
    value = Tensors(joined, "safetensors", (alone,))
    report: Progress | None = None
    if progress is not None:
        report = lambda done, _: progress(entry.offset + done, source.size)  # noqa: E731
    written = encode_value(coder, value, joined, spool, session=session, progress=report)
    if written.size >= entry.size:
        spool.seek(begin)
        spool.truncate()
        return 0
    return written.size


def _scratch(target: Path) -> Any:
    try:
        return tempfile.TemporaryFile(dir=target.parent)
    except OSError as error:
        raise LacodecError(f"{target}: no space in its folder for a temporary file ({error.strerror})") from error


def _hash(source: Source) -> str:
    digest = xxhash.xxh3_64()
    for block in source.blocks(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
