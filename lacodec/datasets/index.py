"""The index of a data set in shards, `index.bin`: where item i is, in one read of 24 bytes.

magic "LACi" | u32 0 | u64 items | u64 0          then for each item: u64 shard, u64 offset in it, u64 size
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


def index_bytes(outputs: Sequence[Output]) -> bytes:
    """The index of shards in order; items that were left out have no number."""
    items = [(shard, item) for shard, output in enumerate(outputs) for item in output.items if not item.error]
    return _HEAD.pack(_MAGIC, 0, len(items), 0) + b"".join(ENTRY.pack(shard, i.offset, i.encoded) for shard, i in items)


def count_in(size: int, head: bytes) -> int:
    """The number of items, from the size of the index and its first bytes; raises CorruptFile."""
    if len(head) < _HEAD.size:
        raise CorruptFile("the index is too short")
    magic, zero, count, _ = _HEAD.unpack_from(head)
    if magic != _MAGIC or zero or size != _HEAD.size + ENTRY.size * count:
        raise CorruptFile("the index is damaged")
    return int(count)


def place_of_entry(number: int) -> int:
    """Where the entry of an item begins."""
    return _HEAD.size + ENTRY.size * number
