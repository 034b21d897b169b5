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
        content, at = scratch(self.size(group)), 0
        for part in self._parts.get(group, ()):
            run, whole = data[part.begin : part.stop], (part.stop - part.begin) // part.piece
            if part.chosen is None:
                content[at : at + len(run)] = run
                at += len(run)
                continue
            rows = readonly(run[: whole * part.piece].reshape(whole, part.piece))
            at += int(_kernel.gather_rows(rows, readonly(part.chosen[:whole]), content[at:]))
            if part.chosen[whole:].any():
                rest = run[whole * part.piece :]
                content[at : at + len(rest)] = rest
                at += len(rest)
        return content

    def place(self, out: Bytes, group: int) -> Bytes | None:
        """The part of `out` that a group alone fills; None where it has several."""
        parts = self._parts.get(group, ())
        return out[parts[0].begin : parts[0].stop] if len(parts) == 1 and parts[0].chosen is None else None

    def size(self, group: int) -> int:
        """Bytes in a group."""
        total = 0
        for part in self._parts.get(group, ()):
            size = part.stop - part.begin
            if part.chosen is not None:
                short = len(part.chosen) * part.piece - size if part.chosen[-1] else 0
                size = int(np.count_nonzero(part.chosen)) * part.piece - short
            total += size
        return total

    def scatter(self, out: Bytes, group: int, content: Bytes) -> None:
        """The inverse of `gather`."""
        at = 0
        for part in self._parts.get(group, ()):
            run, whole = out[part.begin : part.stop], (part.stop - part.begin) // part.piece
            if part.chosen is None:
                run[...] = content[at : at + len(run)]
                at += len(run)
                continue
            rows = run[: whole * part.piece].reshape(whole, part.piece)
            at += int(_kernel.scatter_rows(readonly(content[at:]), readonly(part.chosen[:whole]), rows))
            if part.chosen[whole:].any():
                rest = run[whole * part.piece :]
                rest[...] = content[at : at + len(rest)]
                at += len(rest)

    @cached_property
    def _parts(self) -> dict[int, list["_Part"]]:
        """By group, the runs that have pieces of it."""
        found: dict[int, list[_Part]] = {}
        begin = at = 0
        for size, piece in self.runs:
            choices = self.choices[at : at - (-size // piece)]
            for group in np.unique(choices).tolist() if len(choices) > 1 else choices.tolist():
                chosen = choices == group
                found.setdefault(group, []).append(_Part(begin, begin + size, piece, None if chosen.all() else chosen))
            begin += size
            at += len(choices)
        return found


@dataclass(frozen=True)
class _Part:
    """The bytes begin:stop of a chunk, in pieces; chosen: which of them, None for all."""

    begin: int
    stop: int
    piece: int
    chosen: NDArray[np.bool_] | None
