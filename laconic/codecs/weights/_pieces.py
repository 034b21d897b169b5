"""The bytes of a chunk as runs of equal pieces, each piece in one group: taken out group by group, and put back."""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from laconic.codecs.weights import _kernel
from laconic.codecs.weights._numbers import Reader, Writer
from laconic.codecs.weights._plan import MOST_RUNS
from laconic.codecs.weights._planes import decode_plane, encode_plane
from laconic.codecs.weights._scratch import scratch
from laconic.entropy._rans_dispatch import readonly
from laconic.errors import CorruptFile

Bytes = NDArray[np.uint8]
MOST_GROUPS = 256
_LONGEST = 20 * MOST_RUNS  # bytes of the list of runs


@dataclass(frozen=True)
class Pieces:
    """runs: (size of the run, size of its pieces), in bytes, neither 0; the last piece of a run may be shorter.

    choices: u8[pieces of all runs], the group of each.
    """

    runs: list[tuple[int, int]]
    choices: Bytes

    def write(self, out: Writer) -> None:
        """As the head of a payload (see `_payload`)."""
        plain = Writer()
        for size, piece in self.runs:
            plain.number(size)
            plain.number(piece if piece < size else 0)
        packed = zlib.compress(plain.data, 9)
        short = len(packed) < len(plain.data)
        out.write(bytes([short]))
        out.piece(packed if short else plain.data)
        encode_plane(out, self.choices)

    @classmethod
    def read(cls, reader: Reader, size: int) -> "Pieces":
        """The inverse of `write` for `size` bytes in all; raises CorruptFile."""
        packed, data = reader.take(1)[0], reader.piece()
        if packed:
            try:
                unpacker = zlib.decompressobj()
                data = memoryview(unpacker.decompress(data, _LONGEST))
            except zlib.error as error:
                raise CorruptFile(f"its list of runs is damaged ({error})") from error
        runs: list[tuple[int, int]] = []
        plain, left, count = Reader(data), size, 0
        while len(plain):
            run, piece = plain.number(), plain.number()
            if not 0 < run <= left or piece >= run or len(runs) == MOST_RUNS:
                raise CorruptFile("its list of runs contradicts itself")
            runs.append((run, piece or run))
            left -= run
            count += -(-run // (piece or run))
        if left:
            raise CorruptFile("its runs do not add up to its size")
        return cls(runs, decode_plane(reader, count))

    def groups(self) -> int:
        """How many groups there are."""
        return int(self.choices.max()) + 1 if len(self.choices) else 0

    def gather(self, data: Bytes, group: int) -> Bytes:
        """The content of a group; a view of `data` where it lies there in one piece."""
        place = self.place(data, group)
        if place is not None:
            return place
        content = scratch(self.size(group))
        _kernel.gather(readonly(data), self._table, readonly(self.choices), np.uint64(group), content)
        return content

    def place(self, out: Bytes, group: int) -> Bytes | None:
        """The part of `out` that a group alone fills; None where it has several."""
        begins, sizes, whole = self._extents
        return out[begins[group] : begins[group] + sizes[group]] if whole[group] else None

    def size(self, group: int) -> int:
        """Bytes in a group."""
        return self._extents[1][group]

    def scatter(self, out: Bytes, group: int, content: Bytes) -> None:
        """The inverse of `gather`."""
        _kernel.scatter(readonly(content), self._table, readonly(self.choices), np.uint64(group), out)

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        return np.array(self.runs, np.int64).reshape(-1, 2)

    @cached_property
    def _extents(self) -> tuple[list[int], list[int], list[int]]:
        """Of each group: where it begins, its bytes, whether it is in one piece."""
        found = np.empty((3, self.groups()), np.int64)
        _kernel.extents(self._table, readonly(self.choices), found[0], found[1], found[2])
        begins, sizes, whole = found.tolist()
        return begins, sizes, whole
