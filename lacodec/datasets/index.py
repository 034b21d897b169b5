"""The index of a data set in shards, `index.bin`: where item i is, in one read of 24 bytes.

magic "LACi" | u32 0 | u64 items | u64 0          then for each item: u64 shard, u64 offset in it, u64 size

With a dictionary, the second number is 1, and the last one the first eight bytes of the dictionary's hash.
"""

import struct
from collections.abc import Sequence

from lacodec.datasets.manifest import Output
from lacodec.errors import CorruptFile

INDEX = "index.bin"
ENTRY = struct.Struct("<QQQ")
"""shard, offset, size."""

_HEAD = struct.Struct("<4sIQQ")
_MAGIC = b"LACi"


def index_bytes(outputs: Sequence[Output], dictionary: str | None = None) -> bytes:
    """The index of shards in order; items that were left out have no number. dictionary: its hash."""
    items = [(shard, item) for shard, output in enumerate(outputs) for item in output.items if not item.error]
    key = 0 if dictionary is None else int.from_bytes(bytes.fromhex(dictionary)[:8], "little")
    return _HEAD.pack(_MAGIC, int(dictionary is not None), len(items), key) + b"".join(
        ENTRY.pack(shard, i.offset, i.encoded) for shard, i in items
    )


def read_head(size: int, head: bytes) -> tuple[int, int | None]:
    """(items, key of the dictionary or None), from the size of the index and its first bytes; raises CorruptFile."""
    if len(head) < _HEAD.size:
        raise CorruptFile("the index is too short")
    magic, version, count, key = _HEAD.unpack_from(head)
    if magic != _MAGIC or version > 1 or size != _HEAD.size + ENTRY.size * count:
        raise CorruptFile("the index is damaged")
    return int(count), int(key) if version else None


def place_of_entry(number: int) -> int:
    """Where the entry of an item begins."""
    return _HEAD.size + ENTRY.size * number
