"""The bytes of a chunk as runs of equal pieces, each piece in one group: taken out group by group, and put back."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laconic.codecs.weights._numbers import Reader, Writer
from laconic.codecs.weights._planes import decode_plane, encode_plane
from laconic.codecs.weights._scratch import scratch
from laconic.errors import CorruptFile

Bytes = NDArray[np.uint8]
MOST_GROUPS = 256
_LONGEST = 1 << 22  # bytes of the list of runs


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
        plain, runs, left, count = Reader(data), [], size, 0
        while len(plain):
            run, piece = plain.number(), plain.number()
            if not 0 < run <= left or piece >= run:
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
        parts = []
        for run, piece, chosen in self._parts(data, group):
            whole = len(run) // piece
            if chosen.all():
                parts.append(run)
                continue
            parts.append(run[: whole * piece].reshape(whole, piece)[chosen[:whole]].ravel())
            if chosen[whole:].any():
                parts.append(run[whole * piece :])
        if len(parts) < 2:
            return parts[0] if parts else data[:0]
        joined = scratch(sum(map(len, parts)))
        return np.concatenate(parts, out=joined)

    def place(self, out: Bytes, group: int) -> Bytes | None:
        """The part of `out` that a group alone fills; None where it has several."""
        parts = [(run, chosen) for run, _, chosen in self._parts(out, group)]
        return parts[0][0] if len(parts) == 1 and parts[0][1].all() else None

    def size(self, group: int) -> int:
        """Bytes in a group."""
        total = at = 0
        for size, piece in self.runs:
            count = -(-size // piece)
            chosen = self.choices[at : at + count] == group
            at += count
            short = count * piece - size if chosen[-1] else 0
            total += int(np.count_nonzero(chosen)) * piece - short
        return total

    def scatter(self, out: Bytes, group: int, content: Bytes) -> None:
        """The inverse of `gather`."""
        at = 0
        for run, piece, chosen in self._parts(out, group):
            whole = len(run) // piece
            size = int(np.count_nonzero(chosen[:whole])) * piece
            run[: whole * piece].reshape(whole, piece)[chosen[:whole]] = content[at : at + size].reshape(-1, piece)
            at += size
            if chosen[whole:].any():
                run[whole * piece :] = content[at : at + len(run) - whole * piece]
                at += len(run) - whole * piece

    def _parts(self, data: Bytes, group: int) -> list[tuple[Bytes, int, NDArray[np.bool_]]]:
        """(bytes, size of a piece, which pieces are chosen) of each run that has pieces of a group."""
        found, begin, at = [], 0, 0
        for size, piece in self.runs:
            count = -(-size // piece)
            chosen = self.choices[at : at + count] == group
            if chosen.any():
                found.append((data[begin : begin + size], piece, chosen))
            begin += size
            at += count
        return found
