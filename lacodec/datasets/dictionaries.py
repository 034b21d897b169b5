"""The dictionary of a data set, `dictionary.lac` beside its manifest: once written, and read once by whoever decodes an item.

item's bytes in a shard or column --a frame, with the dictionary | a `.lac` file--> item

The manifest, and the index of shards, have the dictionary's hash; each frame has a check that depends on it.
"""

import io
from functools import lru_cache
from typing import Any

from lacodec import api
from lacodec.codecs import registry
from lacodec.codecs.bytes.small.dictionary import LARGEST, LONGEST, Dictionary, is_frame
from lacodec.datasets.place import Place
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource

FILE = "dictionary.lac"
SUFFIX = ".laci"
"""Of members of shards that are frames."""

NAME = "dictionary"
"""In the place of a codec's name in manifests."""

_MOST = 2 * LARGEST
_TEXTS = ("bytes", "log", "text")
"""Codecs whose short items go with a dictionary."""


def write_dictionary(place: Place, dictionary: Dictionary) -> int:
    """Write the file; returns its size in bytes."""
    data = packed(dictionary)
    with place.written(FILE) as file:
        file.write(data)
    return len(data)


def packed(dictionary: Dictionary) -> bytes:
    """Its file."""
    return api.encode(dictionary.content, "bytes", threads=1, verify=True)


def read_dictionary(place: Place, digest: str | None = None) -> Dictionary:
    """The dictionary in a place; raises CorruptFile if there is none, or one that is not `digest`."""
    size = place.size(FILE)
    if size is None:
        raise CorruptFile(f"{place.root}: has no {FILE}, without which its short items cannot be decoded")
    if size > _MOST:
        raise CorruptFile(f"{place.path(FILE)}: is too large for a dictionary")
    found = _unpacked(place.read(FILE), place.path(FILE))
    if digest is not None and found.digest != digest:
        raise CorruptFile(f"{place.path(FILE)}: is not the dictionary that the items were coded with ({digest})")
    return found


@lru_cache(maxsize=2)
def coder_of(place: Place, digest: str) -> Dictionary:
    """The same for those who code many items, read once in a process."""
    return read_dictionary(place, digest)


@lru_cache(maxsize=2)
def _unpacked(data: bytes, name: str) -> Dictionary:
    content = api.decode(BytesSource(data, name), threads=1, max_size=_MOST)
    if not isinstance(content, bytes):
        raise CorruptFile(f"{name}: is not a dictionary")
    return Dictionary(content)


class Items:
    """Restores the items of a data set in `place`. digest: of its dictionary, if that is known."""

    def __init__(self, place: Place, digest: str | None = None) -> None:
        self._place, self._digest = place, digest
        self._dictionary: Dictionary | None = None

    @property
    def dictionary(self) -> Dictionary:
        """Read when it is needed first; raises LacodecError."""
        if self._dictionary is None:
            self._dictionary = read_dictionary(self._place, self._digest)
        return self._dictionary

    def restored(self, data: bytes) -> bytes:
        """The bytes of an item; raises LacodecError."""
        if is_frame(data):
            return self.dictionary.decode(data)
        out = io.BytesIO()
        api.decode_file(io.BytesIO(data), out, threads=1)
        return out.getvalue()

    def value(self, data: bytes) -> Any:
        """The same as `lacodec.decode` returns it: bytes where there was a dictionary."""
        return self.dictionary.decode(data) if is_frame(data) else api.decode(data, threads=1)


@lru_cache(maxsize=8)
def items_of(root: str) -> Items:
    """What restores the items of the data set in a folder or at a URL, kept for those that have many of them to restore."""
    return Items(Place(root))


def is_short_text(data: bytes, codec: str | None) -> bool:
    """Whether this is an item for a dictionary: short, and of no kind that has a codec of its own."""
    if len(data) > LONGEST or codec not in (None, registry.DEFAULT):
        return False
    if codec is not None:
        return True
    kinds = registry.by_content(data[: registry.HEAD_SIZE], _TEXTS)
    return not any(len(data) >= kind.media.smallest and kind.suits(BytesSource(data), {}) for kind in kinds)
