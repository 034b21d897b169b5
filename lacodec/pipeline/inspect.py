"""The description of a `.lac` file (`info`) and a check that it is valid (`check`)."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from lacodec.codecs import registry
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import Session
from lacodec.container import ANCILLARY, Chunk, ChunkHead, Damage, Header, Limits, Reader, salvage, stream
from lacodec.container.layout import COMPACT_END, FOOTER_SIZE, VERSION
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.places import open_source
from lacodec.io.progress import Progress
from lacodec.io.source import Source
from lacodec.pipeline.decoding import Decoding
from lacodec.pipeline.references import opened_references


@dataclass(frozen=True)
class Info:
    """Everything a file tells without being decoded.

    Sizes in bytes. `sections` adds up to `file_size`. `problem` is a message if the end of the file is damaged, else None.
    `container`: "lac", or "safetensors" for such a file with coded tensors (`pipeline/coded_inspect.py`).
    """

    file_size: int
    format_version: int
    compact: bool
    codec: str
    stream_version: int
    identical: str
    options: dict[str, Any]
    original_name: str | None
    original_format: str | None
    original_size: int | None
    decoded_size: int
    metadata: dict[str, Any]
    model_id: str | None
    chunks: int
    sections: dict[str, int]
    problem: str | None
    container: str = "lac"


@dataclass(frozen=True)
class CheckResult:
    """The outcome of `check`: a message in `damage` for everything that is wrong; `decoded_size` counts sound bytes.

    `container`: as in `Info`; of safetensors files, `chunks` counts tensors.
    """

    chunks: int
    decoded_size: int
    damage: tuple[str, ...]
    container: str = "lac"

    @property
    def ok(self) -> bool:
        """Whether the whole file decodes."""
        return not self.damage


def info(path: str | os.PathLike[str] | Source) -> Info:
    """Describe a `.lac` file from its header and index; raises LacodecError when not even those can be read."""
    with open_source(path) as source:
        reader = Reader(source, partial=True)
        header, size = reader.header, source.size or 0
        return Info(
            file_size=size,
            format_version=VERSION,
            compact=reader.compact,
            codec=header.codec,
            stream_version=header.stream_version,
            identical=header.identical,
            options=dict(header.options),
            original_name=header.name,
            original_format=header.format,
            original_size=_original_size(reader, header),
            decoded_size=reader.decoded_size,
            metadata=_described(reader),
            model_id=header.model_id.hex() if header.model_id is not None else None,
            chunks=len(reader.index),
            sections=_sections(reader, size),
            problem=reader.problem,
        )


def check(
    place: str | os.PathLike[str] | BinaryIO | Source,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    max_size: int | None = None,
    base: Any = None,
    device: str | None = None,
) -> CheckResult:
    """Decode everything without writing, and report each damaged chunk. Other files raise UnsupportedFile.

    base, device: as for `decode_file`.
    """
    limits = Limits(max_size)
    with open_source(place) as source, opened_references(base) as bases:
        session = Session(threads, bases, device=device)
        try:
            return _decode_all(*stream(source, limits), source, session, progress, salvaging=False)
        except CorruptFile as error:
            first = str(error)
        if source.size is None:
            return CheckResult(0, 0, (first,))
        try:
            result = _decode_all(*salvage(source, limits), source, session, progress, salvaging=True)
        except CorruptFile:
            return CheckResult(0, 0, (first,))
        return result if result.damage else replace(result, damage=(first,))


def _described(reader: Reader) -> dict[str, Any]:
    """The metadata; where the codec packs it, or knows more from the index, as its `describe(header, index)` tells."""
    try:
        codec = registry.get(reader.header.codec)
    except BadInput:  # a codec that is not installed
        return reader.header.metadata
    return dict(codec.describe(reader.header, reader.index))


def _decode_all(
    header: Header,
    chunks: Iterator[Chunk | Damage],
    source: Source,
    session: Session,
    progress: Progress | None,
    salvaging: bool,
) -> CheckResult:
    decoding = Decoding(header, source.name, session, salvaging)
    count = sum(1 for part in decoding.parts(chunks, progress) if not isinstance(part, Lost))
    return CheckResult(count, decoding.done, (*decoding.damage, *((decoding.cut,) if decoding.cut else ())))


def _original_size(reader: Reader, header: Header) -> int | None:
    if header.identical == "bytes" and header.size is None:
        return reader.decoded_size if reader.problem is None else None
    return header.size


def _sections(reader: Reader, file_size: int) -> dict[str, int]:
    """Bytes by section; the rest is superseded indexes, or damage."""
    found = {"header": reader.header_size, "chunk headers": 0, "content": 0, "shared": 0, "ancillary": 0, "index and footer": 0}
    for head in reader.index:
        found["chunk headers"] += head.payload_offset - head.offset
        found[_section_of(head)] += head.payload_size
    found["index and footer"] = reader.index_size + FOOTER_SIZE * (reader.index_size > 0)
    found["header"] += len(COMPACT_END) * reader.compact
    other = file_size - sum(found.values())
    return {name: size for name, size in {**found, "other": other}.items() if size}


def _section_of(head: ChunkHead) -> str:
    if head.kind == ANCILLARY:
        return "ancillary"
    return "content" if head.covers else "shared"
