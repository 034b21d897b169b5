"""Short items of a data set that share a dictionary: frames in shards (`.laci`) and in columns. docs/datasets.md has the format.

    dictionary = "LACd" | u8 version | u8 method | ...       frame = u8 method | number size | u32 check | coded bytes

`Dictionary(content)` takes what `dictionary.lac` decodes to.
"""

import copy

import xxhash
import zstandard

from reference import bytes_mixed
from reference.bytes_mixed import READ_AHEAD, Model
from reference.bytes_setup import setup
from reference.range_coder import RangeDecoder, Teacher
from reference.stream import Damaged, Stream, need

STORED, ZSTD, MIXED = range(3)
LONGEST = 1 << 16
MOST_STRIDE = 64


class Dictionary:
    """Decodes frames."""

    def __init__(self, content: bytes) -> None:
        stream = Stream(content)
        need(stream.take(4) == b"LACd" and stream.byte() == 1, "not a dictionary of version 1")
        self.method = stream.byte()
        self.key = int.from_bytes(xxhash.xxh3_128_digest(content)[:8], "little")
        if self.method == ZSTD:
            self.trained = zstandard.ZstdCompressionDict(stream.rest())
        else:
            need(self.method == MIXED, "an unknown method")
            self._learn(stream)

    def _learn(self, stream: Stream) -> None:
        """The model after the primer, for text, and all items, each a block of its own."""
        effort, text, self.stride = stream.byte(), stream.byte(), stream.number()
        need(4 <= effort <= 9 and text <= 1 and 1 <= self.stride <= MOST_STRIDE, "impossible settings")
        sizes = [stream.number() for _ in range(stream.number())]
        items = [stream.take(size) for size in sizes]
        need(stream.left() == 0 and max(sizes, default=0) <= LONGEST, "it does not end with its items")
        plan = setup(effort, bool(text), sum(sizes) + LONGEST)
        self.before = bytearray(bytes_mixed.primer() if plan.primed else b"")
        self.model = bytes_mixed.primed(plan).copy() if plan.primed else Model(plan, self.stride)
        self.model.memory.stride = self.stride
        self.model.engine.coder = Teacher()
        for item in items:
            self.before += bytes(-len(self.before) % self.stride)
            self.model.forget(len(self.before))
            for byte in item:
                self.model.code(self.before, len(self.before), byte)
        self.before += bytes(-len(self.before) % self.stride)

    def decode(self, frame: bytes) -> bytes:
        """The item."""
        stream = Stream(frame)
        method, size, check, coded = stream.byte(), stream.number(), stream.uint(4), stream.rest()
        need(method in (STORED, self.method) and size <= LONGEST, "an impossible frame")
        item = coded if method == STORED else self._unzstd(coded, size) if method == ZSTD else self._mixed(coded, size)
        need(len(item) == size, "an item of another size than it should have")
        need(xxhash.xxh3_64_intdigest(item, self.key) & 0xFFFFFFFF == check, "an item with another check")
        return item

    def _unzstd(self, frame: bytes, size: int) -> bytes:
        kind = zstandard.FORMAT_ZSTD1_MAGICLESS
        try:
            return zstandard.ZstdDecompressor(self.trained, format=kind).decompress(frame, max_output_size=max(1, size))
        except zstandard.ZstdError as error:
            raise Damaged(f"a zstd frame is damaged ({error})") from error

    def _mixed(self, coded: bytes, size: int) -> bytes:
        model, data = self.model.copy(), copy.copy(self.before)
        model.forget(len(data))
        coder = model.engine.coder = RangeDecoder(coded)
        for _ in range(size):
            model.code(data, len(data))
        need(coder.at == len(coded) + READ_AHEAD, "a stream that ends in another place than its content")
        return bytes(data[len(self.before) :])
