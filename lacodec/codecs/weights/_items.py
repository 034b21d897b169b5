"""What goes into the chunks of a file: ranges of its bytes, content that repeats only once, and the head by the table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from lacodec.codecs.weights._chunks import FOREIGN, Plan, plans
from lacodec.codecs.weights._ties import find_twins
from lacodec.container.types import content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tensors.value import TensorEntry, Tensors


@dataclass(frozen=True)
class Item:
    """The content of one chunk. head: data to make the first run from; shared: the chunk that has the same bytes."""

    plan: Plan
    data: memoryview
    head: bytes | None = None
    shared: int | None = None


def items_of(value: Tensors, filters: bool = False) -> Iterator[Item]:
    """Chunk by chunk; repeated content goes into a shared section before the first chunk that needs it.

    filters: whether tensors may be coded as such of two values.
    """
    size = value.source.size
    if size is None:
        raise BadInput(f"{value.source.name}: its size must be known before it is encoded; save it to a file first")
    shared: dict[tuple[int, int], int] = {}
    twins = find_twins(value.source, value.entries)
    for number, plan in enumerate(plans(value.entries, size, twins, value.format == "gguf", filters)):
        data = value.source.view(plan.start, plan.size)
        if len(data) != plan.size:
            raise BadInput(f"{value.source.name}: changed while it was read; encode it again")
        if plan.twin >= 0:
            key = plan.twin, content_hash(data)
            if key not in shared:
                shared[key] = number + len(shared)
                yield Item(plan, data)
            yield Item(plan, data, shared=shared[key])
            continue
        at_head = plan.start == 0 and bool(plan.runs) and plan.runs[0].dtype == FOREIGN and value.format == "safetensors"
        yield Item(plan, data, _head(value.entries, bytes(data[: plan.runs[0].size])) if at_head else None)


def _head(entries: tuple[TensorEntry, ...], head: bytes) -> bytes | None:
    """The input from which `remade` makes this head; None if it cannot."""
    try:
        metadata = json.loads(head[8:]).get("__metadata__")
        stored = b"" if metadata is None else json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()
        return stored if remade(entries, stored) == head else None
    except (ValueError, AttributeError, RecursionError, CorruptFile):
        return None  # written by another rule; its bytes are kept instead


def remade(entries: tuple[TensorEntry, ...], stored: bytes) -> bytes:
    """The head of a safetensors file with these tensors and this metadata (JSON, or nothing); raises CorruptFile."""
    from lacodec.media.tensors.safetensors import build_header

    try:
        metadata = json.loads(stored) if stored else None
        return build_header([(entry.name, entry.dtype, entry.shape, entry.size) for entry in entries], metadata)
    except (ValueError, TypeError, RecursionError, BadInput) as error:
        raise CorruptFile(f"the head of the safetensors file cannot be restored ({error})") from error
