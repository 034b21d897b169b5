"""`CodedDataset`: single items of a data set in shards, each in two reads: its entry in the index, then its bytes."""

import io
from collections.abc import Iterator
from typing import Any

from lacodec import api
from lacodec.datasets.index import ENTRY, INDEX, count_in, place_of_entry
from lacodec.datasets.place import Place
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.places import open_source
from lacodec.io.source import Source


class CodedDataset:
    """A folder or URL that `encode_dataset` wrote with `shard_items`: `dataset[i]`, `len(dataset)`. It can be pickled.

    Items are numbered in the order of their names, without those that were left out.
    """

    def __init__(self, root: str) -> None:
        """Opens the index; raises BadInput if there is none."""
        self.place = Place(str(root))
        self._sources: dict[str, Source] = {}
        self._count: int | None = None

    def __len__(self) -> int:
        if self._count is None:
            source = self._source(INDEX)
            self._count = count_in(source.size or 0, source.read(0, place_of_entry(0)))
        return self._count

    def __getitem__(self, number: int) -> Any:
        """The value of an item, as `lacodec.decode` returns it."""
        return api.decode(self.coded(number), threads=1)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def coded(self, number: int) -> bytes:
        """The `.lac` file of an item; IndexError beyond the last, CorruptFile where the index misleads."""
        source = self._source(INDEX)
        if number < 0:
            number += len(self)
        entry = source.read(place_of_entry(number), ENTRY.size) if number >= 0 else b""
        if len(entry) != ENTRY.size:
            raise IndexError(f"{self.place.root}: has no item {number}")
        shard, offset, size = ENTRY.unpack(entry)
        name = f"shard-{shard:05}.tar"
        shard_source = self._source(name)
        if offset + size > (shard_source.size or 0):
            raise CorruptFile(f"{self.place.path(INDEX)}: item {number} lies beyond the end of {name}")
        return shard_source.read(offset, size)

    def restored(self, number: int) -> bytes:
        """The bytes of the file that was encoded, or of one with the same content."""
        out = io.BytesIO()
        api.decode_file(io.BytesIO(self.coded(number)), out, threads=1)
        return out.getvalue()

    def close(self) -> None:
        """Close what is open; reading opens it again."""
        for source in self._sources.values():
            source.close()
        self._sources.clear()

    def __enter__(self) -> "CodedDataset":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return CodedDataset, (self.place.root,)

    def _source(self, name: str) -> Source:
        if name not in self._sources:
            if name == INDEX and self.place.size(INDEX) is None:
                raise BadInput(f"{self.place.root}: has no {INDEX}; only data sets that were encoded into shards have one")
            self._sources[name] = open_source(self.place.path(name))
        return self._sources[name]
