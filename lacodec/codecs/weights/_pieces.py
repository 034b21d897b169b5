"""The bytes of a chunk as runs of equal pieces, each piece in one group: taken out group by group, and put back."""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights import _pieces_kernel as kernels
from lacodec.codecs.weights._chunks import MOST_RUNS
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch

Bytes = NDArray[np.uint8]
MOST_GROUPS = 256
_LONGEST = 20 * MOST_RUNS  # bytes of the list of runs
_HEAD = 2048  # bytes of a group that are looked at first
_ONE_CHOICE = readonly(np.zeros(1, np.uint8))


@dataclass(frozen=True)
class Part:
    """The bytes of one group, in any places of `data` (u8): `size` bytes in all, the first piece at `begin`.

    runs: i64[..., 2] and choices: u8, as in `Pieces`; whole: whether they are contiguous.
    """

    data: Bytes
    runs: NDArray[np.int64]
    choices: Bytes
    group: np.uint64
    begin: int
    size: int
    first: int
    whole: bool

    @classmethod
    def of(cls, data: Bytes) -> "Part":
        """All of `data`, contiguous."""
        size = len(data)
        return cls(data, readonly(np.array([[size, size]])), _ONE_CHOICE, np.uint64(0), 0, size, size, True)

    def head(self) -> Bytes:
        """The first piece, or the beginning of it: a view."""
        return self.data[self.begin : self.begin + min(self.first, _HEAD)]

    def content(self) -> Bytes:
        """The bytes, one piece after the other; a view if they are contiguous."""
        if self.whole:
            return self.data[self.begin : self.begin + self.size]
        content = scratch(self.size)
        kernels.gather(readonly(self.data), self.runs, self.choices, self.group, content)
        return content

    def fill(self, content: Bytes) -> None:
        """The inverse of `content`."""
        kernels.scatter(readonly(content), self.runs, self.choices, self.group, self.data)


@dataclass(frozen=True)
class Pieces:
    """runs: i64[..., 2], (size of the run, size of its pieces) in bytes, neither 0; the last piece of a run may be shorter.

    choices: u8[pieces of all runs], the group of each.
    """

    runs: NDArray[np.int64]
    choices: Bytes

    def write(self, out: Writer) -> None:
        """As the head of a payload (see `_payload`)."""
        plain = Writer()
        plain.numbers([number for size, piece in self.runs.tolist() for number in (size, piece if piece < size else 0)])
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
        plain, runs = np.frombuffer(data, np.uint8), np.empty((min(MOST_RUNS, len(data)) + 1, 2), np.int64)
        found, pieces = kernels.parse_runs(readonly(plain), size, runs)
        if found < 0:
            raise CorruptFile("its list of runs contradicts itself, or its size")
        return cls(runs[:found], decode_plane(reader, int(pieces)))

    def groups(self) -> int:
        """The number of groups."""
        return int(self.choices.max()) + 1 if len(self.choices) else 0

    def size(self, group: int) -> int:
        """Bytes in a group."""
        return self._extents[1][group]

    def scatter(self, out: Bytes, group: int, content: Bytes) -> None:
        """Put the content of a group into its places in `out`."""
        self.part(out, group).fill(content)

    def part(self, data: Bytes, group: int) -> Part:
        """The bytes of a group in `data`, the bytes of the chunk."""
        begins, sizes, whole, firsts = self._extents
        return Part(
            data,
            self._table,
            readonly(self.choices),
            np.uint64(group),
            begins[group],
            sizes[group],
            firsts[group],
            bool(whole[group]),
        )

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        return readonly(np.ascontiguousarray(self.runs))

    @cached_property
    def _extents(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Of each group: where it begins, its bytes, whether it is in one piece, and the bytes of the first one."""
        found = np.empty((4, self.groups()), np.int64)
        kernels.extents(self._table, readonly(self.choices), found[0], found[1], found[2], found[3])
        begins, sizes, whole, firsts = found.tolist()
        return begins, sizes, whole, firsts
