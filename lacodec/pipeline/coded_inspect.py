"""The description of a safetensors file with coded tensors (`info`), and a check that it is valid (`check`)."""

from typing import Any

from lacodec.codecs import registry
from lacodec.codecs.session import Session
from lacodec.container import Header, Reader
from lacodec.container.layout import VERSION
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.progress import Progress
from lacodec.io.source import Part, Source
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.safetensors import read_header
from lacodec.media.tensors.value import TensorEntry, place_of
from lacodec.pipeline.coded_marks import note_of
from lacodec.pipeline.coded_safetensors import decoded_blocks, not_coded, restored
from lacodec.pipeline.inspect import CheckResult, Info


def info(source: Source) -> Info:
    """Describe a file as `pipeline.inspect.info` describes `.lac` files, without decoding: `chunks` counts coded tensors.

    Raises UnsupportedFile for other files, CorruptFile for contradictions.
    """
    value = TENSORS.from_source(source)
    original = restored(value)
    if original is None:
        raise not_coded(source.name)
    held = {entry.name: entry for entry in value.entries}
    coded = [held[e.name] for e in original.entries if (held[e.name].dtype, held[e.name].size) != (e.dtype, e.size)]
    header, problem = _first_header(source, coded)
    begin, coded_size, size = read_header(source)[2], sum(entry.size for entry in coded), source.size or 0
    sections = {"header": begin, "coded tensors": coded_size, "plain tensors": size - begin - coded_size}
    described: dict[str, Any] = {} if header is None else registry.get("weights").describe(header, ())
    return Info(
        file_size=size,
        format_version=VERSION,
        compact=False,
        codec="weights",
        stream_version=registry.get("weights").stream_version if header is None else header.stream_version,
        identical="bytes",
        options={} if header is None else dict(header.options),
        original_name=None,
        original_format="safetensors",
        original_size=original.source.size,
        decoded_size=original.source.size or 0,
        metadata={
            **{key: fact for key, fact in described.items() if key == "base"},
            "tensors": {
                e.name: {"dtype": e.dtype, "shape": list(e.shape), "size": e.size, "coded": held[e.name].size}
                for e in original.entries
            },
        },
        model_id=None,
        chunks=len(coded),
        sections={name: count for name, count in sections.items() if count},
        problem=problem,
        container="safetensors",
    )


def check(source: Source, session: Session, progress: Progress | None = None) -> CheckResult:
    """Decode every tensor without writing, and report those that are damaged; `chunks` counts tensors.

    Raises UnsupportedFile for other files, and BadInput for a base that is missing.
    """
    value = restored(TENSORS.from_source(source), session.references, session.max_memory)
    if value is None:
        raise not_coded(source.name)
    damage: list[str] = []
    size = 0
    for block in decoded_blocks(value, note_of(source)["hash"], damage):
        size += len(block)
        if progress is not None:
            progress(size, value.source.size)
    return CheckResult(len(value.entries), 0 if damage else size, tuple(damage), "safetensors")


def _first_header(source: Source, coded: list[TensorEntry]) -> tuple[Header | None, str | None]:
    """The header of the first coded tensor, which gives options and base for all; or a message about its damage."""
    if not coded:
        return None, None
    part = Part(source, coded[0].offset, coded[0].stop)
    part.name = place_of(source.name, coded[0].name)
    try:
        return Reader(part).header, None
    except (CorruptFile, UnsupportedFile) as error:
        return None, str(error)
