"""The mark of a safetensors file that was left as it is, because coding would not make it smaller."""

import json
import re
from typing import Any

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Part, Source
from lacodec.media.tensors.safetensors import read_header
from lacodec.media.tensors.value import TensorEntry, Tensors
from lacodec.pipeline.coded_sources import Joined

KEY = "lacodec"
HEAD = "__lacodec_head__"

PLAIN = "plain "

_METADATA, _ADDED, _WITHIN = b'"__metadata__":{', 56, 40


def marked_head(head: bytes, digest: str) -> bytes | None:
    """The head of a file that stays as it is, with KEY among its metadata and nothing else changed; None if that does not fit.

    The entry takes _ADDED bytes with its own `__metadata__`, else _WITHIN.
    """
    text = head[8:]
    found = re.search(rb'"__metadata__"\s*:\s*\{', text)
    at = text.index(b"{") + 1 if found is None else found.end()
    mark = _mark(digest) if found else _METADATA + _mark(digest) + b"}"
    if text[at:].lstrip()[:1] != b"}":
        mark += b","
    text = text[:at] + mark.ljust(_WITHIN if found else _ADDED) + text[at:]
    marked = len(text).to_bytes(8, "little") + text
    try:
        sound = read_header(BytesSource(marked))[0].get(KEY) == PLAIN + digest and marked.count(_mark(digest)) == 1
    except UnsupportedFile:
        return None
    return marked if sound else None


def unmarked(value: Tensors) -> Tensors:
    """The original of a file with such a head."""
    source = value.source
    begin = read_header(source)[2]
    text, mark = source.read(8, begin - 8), _mark(note_of(source)["hash"])
    at = text.find(mark)
    if at < 0:
        raise CorruptFile(f"{source.name}: its head is not one that lacodec wrote")
    added = text[at + len(mark) :][:1] == b"}"
    start, size = (at - len(_METADATA), _ADDED) if added else (at, _WITHIN)
    text = text[: max(0, start)] + text[max(0, start) + size :]
    head = len(text).to_bytes(8, "little") + text
    moved = begin - len(head)
    entries = tuple(TensorEntry(e.name, e.dtype, e.shape, e.offset - moved, e.size) for e in value.entries)
    return Tensors(Joined([BytesSource(head), Part(source, begin, source.size or 0)], source.name), "safetensors", entries)


def _mark(digest: str) -> bytes:
    return f'"{KEY}":"{PLAIN}{digest}"'.encode()


def note_of(source: Source) -> dict[str, Any]:
    """The description under KEY, checked; only "hash" if no tensor is coded. Raises CorruptFile, UnsupportedFile."""
    text = read_header(source)[0].get(KEY, "")
    if re.fullmatch(PLAIN + "[0-9a-f]{16}", text):
        return {"hash": text.removeprefix(PLAIN)}
    try:
        note = json.loads(text)
        sound = (
            type(note["size"]) is int
            and isinstance(note["hash"], str)
            and isinstance(note["head"], bool)
            and all(isinstance(name, str) and isinstance(dtype, str) for name, dtype, _ in note["tensors"])
            and all(isinstance(shape, list) and all(type(n) is int for n in shape) for _, _, shape in note["tensors"])
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFile(f"{source.name}: invalid description of its coded tensors in the metadata") from error
    if not sound or note["version"] != 0:
        raise UnsupportedFile(f"{source.name}: this version of lacodec does not know the form of its coded tensors; update it")
    return dict(note)
