"""Bytes of coded tensors as sources, decoded when they are read."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from lacodec.codecs.references import Reference
from lacodec.errors import CorruptFile
from lacodec.io.source import Source
from lacodec.pipeline.decoding import SALVAGE_HINT
from lacodec.pipeline.restored import LacSource


class Opened:
    """The .lac file within a file that was read last: one at a time, as each keeps decoded chunks."""

    def __init__(self, bases: Sequence[Reference], max_memory: int | None) -> None:
        self._bases, self._max_memory = bases, max_memory
        self._part: Source | None = None
        self._source: LacSource | None = None

    def get(self, part: Source) -> LacSource:
        if self._source is None or self._part is not part:
            self._source, self._part = LacSource(part, self._max_memory, self._bases), part
        return self._source


class CodedTensor(Source):
    """The bytes of a tensor whose .lac file is `part`; that restores `begin` bytes of a head first."""

    def __init__(self, part: Source, begin: int, size: int, opened: Opened) -> None:
        self._part, self._begin, self._opened = part, begin, opened
        self.size, self.name = size, part.name

    def read(self, offset: int, n: int) -> bytes:
        source = self._opened.get(self._part)
        if source.size != self._begin + (self.size or 0):
            raise CorruptFile(f"{self.name} decodes to the wrong size")
        try:
            return source.read(self._begin + offset, n)
        except CorruptFile as error:
            raise CorruptFile(str(error).removesuffix(SALVAGE_HINT)) from error


class Joined(Source):
    """Sources of known size, one after the other."""

    def __init__(self, parts: Sequence[Source], name: str) -> None:
        self._parts = list(parts)
        self._begins = list(accumulate((part.size or 0 for part in parts), initial=0))
        self.size, self.name = self._begins[-1], name

    def read(self, offset: int, n: int) -> bytes:
        return b"".join(self._pieces(offset, min(offset + n, self._begins[-1])))

    def _pieces(self, at: int, stop: int) -> Iterator[bytes]:
        while at < stop:
            which = bisect_right(self._begins, at) - 1
            end = min(stop, self._begins[which + 1])
            yield self._parts[which].read(at - self._begins[which], end - at)
            at = end
