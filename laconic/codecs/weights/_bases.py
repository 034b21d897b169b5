"""Base files: models that others are stored as differences to. Decoding finds them among those named to this process."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from laconic.errors import BadInput, CorruptFile
from laconic.media.tensors import TensorEntry, Tensors, from_source
from laconic.source import FileSource

_BLOCK = 1 << 22
_lock = threading.Lock()
_known: dict[bytes, "Base"] = {}


@dataclass(frozen=True)
class Base:
    """A file of tensors, and the xxh3-128 of its bytes."""

    tensors: Tensors
    digest: bytes

    def described(self) -> dict[str, Any]:
        """What the header of a file that needs it says."""
        return {"name": Path(self.tensors.source.name).name, "hash": self.digest}

    def like(self, entries: tuple[TensorEntry, ...]) -> dict[int, int]:
        """For each of these tensors that the base has with the same name, type and shape: its offset -> that in the base."""
        mine = {entry.name: entry for entry in self.tensors.entries}
        found = {}
        for entry in entries:
            same = mine.get(entry.name)
            if same is not None and (same.dtype, same.shape, same.order) == (entry.dtype, entry.shape, entry.order):
                found[entry.offset] = same.offset
        return found

    def reference(self, entries: tuple[TensorEntry, ...], start: int, size: int) -> NDArray[np.uint8]:
        """u8[size]: for the bytes from `start` on of a file with these tensors, those of the base; 0 where it has none."""
        out, like = np.zeros(size, np.uint8), self.like(entries)
        for entry in entries:
            low, high = max(entry.offset, start), min(entry.stop, start + size)
            if low < high and entry.offset in like:
                data = self.tensors.source.read(like[entry.offset] + low - entry.offset, high - low)
                if len(data) != high - low:
                    raise BadInput(f"{self.tensors.source.name}: changed since it was opened as a base")
                out[low - start : high - start] = np.frombuffer(data, np.uint8)
        return out


def add_base(path: Any) -> Base:
    """Make the file at `path` (any that holds tensors) known as a base for the files decoded from now on; reads all of it."""
    tensors = from_source(FileSource(path))
    digest = xxhash.xxh3_128()
    for block in tensors.source.blocks(_BLOCK):
        digest.update(block)
    base = Base(tensors, digest.digest())
    with _lock:
        known = _known.setdefault(base.digest, base)
    if known is not base:
        tensors.source.close()
    return known


def base_of(described: Any) -> Base:
    """The base that a header describes; raises BadInput when it was not named, CorruptFile when that is no description."""
    if not isinstance(described, dict) or not isinstance(described.get("hash"), bytes):
        raise CorruptFile("the header does not say which base the file needs")
    with _lock:
        base = _known.get(described["hash"])
        others = [other.tensors.source.name for other in _known.values()]
    if base is None:
        digest = described["hash"].hex()
        wrong = f", not {', '.join(others)}" if others else ""
        raise BadInput(
            f"the file was stored as a difference to {str(described.get('name'))[:200]!r} (xxh3-128 {digest}){wrong}; "
            "name that file with --base"
        )
    return base
