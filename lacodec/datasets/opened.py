"""`CodedDataset`: single items of a data set in shards, each in two reads: its entry in the index, then its bytes.

A dictionary is read once, with the first item that needs it.
"""

from collections.abc import Iterator
from typing import Any

from lacodec.codecs.bytes.small.dictionary import is_frame
from lacodec.datasets.dictionaries import FILE, Items
from lacodec.datasets.index import ENTRY, INDEX, place_of_entry, read_head
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
        self._items, self._checked = Items(self.place), False
        self._head: tuple[int, int | None] | None = None

    def __len__(self) -> int:
        return self._facts()[0]

    def _facts(self) -> tuple[int, int | None]:
        """How many items there are, and which dictionary belongs to them."""
        if self._head is None:
            source = self._source(INDEX)
            self._head = read_head(source.size or 0, source.read(0, place_of_entry(0)))
        return self._head

    def __getitem__(self, number: int) -> Any:
        """The value of an item, as `lacodec.decode` returns it; of one that was coded with a dictionary its bytes."""
        data = self.coded(number)
        return self._reader(data).value(data)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def coded(self, number: int) -> bytes:
        """The `.lac` file of an item, or its frame; IndexError beyond the last, CorruptFile where the index misleads."""
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
        data = self.coded(number)
        return self._reader(data).restored(data)

    def _reader(self, data: bytes) -> Items:
        """What reads such items; raises CorruptFile where the dictionary is not the one that the index names."""
        if is_frame(data) and not self._checked:
            if self._items.dictionary.key != self._facts()[1]:
                raise CorruptFile(f"{self.place.path(FILE)}: is not the dictionary that {INDEX} names")
            self._checked = True
        return self._items

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
