"""Tensors that are in a file several times, such as tied embeddings: found by their bytes."""

from collections.abc import Iterable

import xxhash

from lacodec.io.source import Source
from lacodec.media.tensors.value import TensorEntry

_SMALLEST = 1 << 16  # bytes of the smallest tensor that is worth its own chunk
_LOOK = 4096  # bytes that are compared before all others
_BLOCK = 1 << 20


def find_twins(source: Source, entries: Iterable[TensorEntry]) -> dict[int, int]:
    """For each tensor that is there several times, its offset and that of the first one."""
    alike: dict[tuple[int, str, bytes], list[TensorEntry]] = {}
    for entry in entries:
        if entry.size >= _SMALLEST:
            middle = entry.offset + entry.size // 2
            alike.setdefault((entry.size, entry.dtype, source.read(middle, _LOOK)), []).append(entry)
    found: dict[int, int] = {}
    for candidates in alike.values():
        first: dict[bytes, int] = {}
        for entry in candidates if len(candidates) > 1 else ():
            origin = first.setdefault(_digest(source, entry), entry.offset)
            if origin != entry.offset:
                found[origin] = found[entry.offset] = origin
    return found


def _digest(source: Source, entry: TensorEntry) -> bytes:
    digest = xxhash.xxh3_128()
    for at in range(entry.offset, entry.stop, _BLOCK):
        digest.update(source.read(at, min(_BLOCK, entry.stop - at)))
    return digest.digest()
