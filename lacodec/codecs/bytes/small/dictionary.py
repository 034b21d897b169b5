"""`Dictionary`: what the short items of a data set have in common, and the items coded with its help, in frames of 6 to 8 bytes.

dictionary = "LACd" | u8 version | u8 method | zstd's own                                              method 1: zstd
                                             | u8 effort | u8 1 for text | number stride | items       method 2: context mixing
items      = number count, number size of each, their bytes
frame      = u8 method (0: as it is) | number size | u32 check | coded bytes
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xxhash

from lacodec.codecs.bytes.mixed.profile import is_text, record_stride
from lacodec.codecs.bytes.small.packed import PackedItems, trained
from lacodec.codecs.bytes.small.primed import PrimedItems
from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import CorruptFile

VERSION = 1
STORED, ZSTD, MIXED = range(3)
LONGEST = 1 << 16
"""Bytes of an item at most."""

LARGEST = 1 << 20
"""Bytes of a dictionary at most."""

_MAGIC = b"LACd"
_MOST_STRIDE = 64
_CHECK = 4


@dataclass(frozen=True)
class Dictionary:
    """content: of its file, in the format above. It keeps no state between items, so that each is decoded alone."""

    content: bytes

    @classmethod
    def made(cls, samples: Sequence[bytes], size: int, effort: int) -> "Dictionary | None":
        """Of at most about `size` bytes, from samples of items in an order of no meaning; None if they are too few."""
        if effort == 1:
            found = trained(samples, size)
            return None if found is None else cls(_MAGIC + bytes([VERSION, ZSTD]) + found)
        items, left = [], size
        for sample in samples:
            if len(sample) <= left:
                items.append(sample)
                left -= len(sample)
        if not items:
            return None
        joined = np.frombuffer(b"".join(items), np.uint8)
        text = is_text(joined)
        out = Writer(_MAGIC + bytes([VERSION, MIXED, max(4, effort), text]))
        out.number(1 if text else record_stride(joined, _MOST_STRIDE))
        out.numbers([len(items), *map(len, items)])
        out.write(joined.tobytes())
        return cls(out.data)

    @cached_property
    def digest(self) -> str:
        """xxh3-128 of the content, in hexadecimal: its name."""
        return xxhash.xxh3_128_hexdigest(self.content)

    @cached_property
    def key(self) -> int:
        """First eight bytes of the digest as a number; checks of items depend on it."""
        return int.from_bytes(bytes.fromhex(self.digest)[:8], "little")

    def encode(self, item: bytes) -> bytes:
        """The frame of an item of at most LONGEST bytes."""
        method, coder = self._coder
        coded = coder.encode(item) if item else None
        out = Writer(bytes([STORED if coded is None else method]))
        out.number(len(item))
        out.write(self._check(item))
        out.write(item if coded is None else coded)
        return out.data

    def decode(self, frame: bytes) -> bytes:
        """The item in a frame; raises CorruptFile for a frame that is damaged, or of another dictionary."""
        reader = Reader(bytes(frame), 0)
        named, size = reader.take(1)[0], reader.number()
        check, coded = reader.take(_CHECK), reader.rest()
        if size > LONGEST:
            raise CorruptFile(f"an item of {size} bytes is too long for a frame without a file")
        method, coder = self._coder
        if named not in (STORED, method):
            raise CorruptFile(f"method {named} is not the dictionary's")
        item = coder.decode(coded, size) if named else coded
        if len(item) != size or self._check(item) != check:
            raise CorruptFile("it decodes to other bytes than those that were encoded, or belongs to another dictionary")
        return item

    def __reduce__(self) -> tuple[type["Dictionary"], tuple[bytes]]:
        return Dictionary, (self.content,)  # its models are made anew in another process

    def _check(self, item: bytes) -> bytes:
        return (xxhash.xxh3_64_intdigest(item, self.key) & 0xFFFFFFFF).to_bytes(_CHECK, "little")

    @cached_property
    def _coder(self) -> tuple[int, PackedItems | PrimedItems]:
        """Read when the first item needs it; raises CorruptFile."""
        reader = Reader(self.content, 0)
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise CorruptFile("it is not a dictionary")
        version, method = reader.take(2)
        if version != VERSION or method not in (ZSTD, MIXED):
            raise CorruptFile(f"a dictionary of version {version}, method {method}: this lacodec reads version {VERSION}")
        if len(self.content) > 2 * LARGEST:
            raise CorruptFile(f"a dictionary of {len(self.content)} bytes is too large")
        if method == ZSTD:
            return method, PackedItems(reader.rest())
        effort, text = reader.take(2)
        stride, count = reader.number(), reader.number()
        if not 4 <= effort <= 9 or text > 1 or not 1 <= stride <= _MOST_STRIDE or count > len(self.content):
            raise CorruptFile("its settings are impossible")
        sizes = [reader.number() for _ in range(count)]
        items = [reader.take(size) for size in sizes]
        if max(sizes, default=0) > LONGEST or reader.rest():
            raise CorruptFile("it does not end with its items")
        return method, PrimedItems(items, effort, bool(text), stride, LONGEST)


def is_frame(data: bytes) -> bool:
    """Whether this is a frame and not a `.lac` file, which begins otherwise."""
    return bool(data) and data[0] <= MIXED
