"""Text to pieces and back: byte pair encoding inside pre-tokens. All 256 bytes are pieces, so any bytes can be said.

    bytes --pre-tokens--> runs of bytes --merges, the earliest learnt first--> piece numbers

Piece i < 256 is the byte i; piece 256 + i is the result of merge i.
"""

import os
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput
from lacodec.io.output import atomic_file
from lacodec.kernels.jit import inlined, kernel
from lacodec.models.text import pretokens
from lacodec.models.text.options import MOST_PIECES

_TITLE = "# pieces 1: one merge a line, left and right piece; pieces 0 to 255 are the bytes, merge i makes piece 256 + i"


class Pieces:
    """A set of pieces, given by its merges, int64[n, 2]; raises BadInput for invalid merges."""

    def __init__(self, merges: NDArray[np.int64]) -> None:
        merges = np.asarray(merges, np.int64).reshape(-1, 2)
        made = 256 + np.arange(len(merges))
        if (
            len(np.unique(merges, axis=0)) != len(merges)
            or len(merges) > MOST_PIECES - 256
            or (merges < 0).any()
            or (merges.max(1, initial=0) >= made).any()
        ):
            raise BadInput(f"invalid merges: there may be {MOST_PIECES - 256}, each of two earlier pieces and each only once")
        self.merges = merges
        self.texts = [bytes([i]) for i in range(256)]
        for left, right in merges:
            text = self.texts[left] + self.texts[right]
            if len(text) > pretokens.LONGEST:  # the length would double with every merge of a forged file
                raise BadInput(f"invalid merges: a piece has more than {pretokens.LONGEST} bytes")
            self.texts.append(text)
        self.sizes = np.array([len(text) for text in self.texts], np.int32)
        keys = merges[:, 0] * MOST_PIECES + merges[:, 1]
        order = np.argsort(keys)
        self.keys, self.ranks = keys[order], order.astype(np.int64)

    def __len__(self) -> int:
        return len(self.texts)

    def encode(self, data: bytes) -> NDArray[np.uint16]:
        """Piece numbers, uint16[n]; the same for the same bytes of a pre-token, wherever it stands."""
        array = np.frombuffer(data, np.uint8)
        return _encode(array, pretokens.begins(array), self.keys, self.ranks)

    def decode(self, numbers: NDArray[np.integer]) -> bytes:
        """The bytes again."""
        return b"".join([self.texts[number] for number in numbers])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the merges as plain text."""
        text = "\n".join([_TITLE, *(f"{left} {right}" for left, right in self.merges)]) + "\n"
        with atomic_file(Path(path), force=True) as file:
            file.write(text.encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file of `save`; raises BadInput for other files."""
        try:
            title, *lines = Path(path).read_text(encoding="ascii").splitlines()
            merges = [[int(word) for word in line.split()] for line in lines]
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:  # no lines, other words than numbers, or other characters
            raise BadInput(f"{path}: is not a file of pieces") from error
        if title != _TITLE or any(len(pair) != 2 for pair in merges):
            raise BadInput(f"{path}: is not a file of pieces")
        try:
            return cls(np.array(merges, np.int64))
        except (BadInput, OverflowError) as error:
            raise BadInput(f"{path}: {error}") from error


@kernel
def _encode(data, begins, keys, ranks):  # type: ignore[no-untyped-def]
    out = np.empty(len(data), np.uint16)
    run = np.empty(pretokens.LONGEST + 1, np.int64)
    pair = np.empty(pretokens.LONGEST + 1, np.int64)  # rank of the merge of run[i] and run[i + 1]
    n, i = 0, 0
    while i < len(data):
        count = 0
        while i < len(data) and (count == 0 or not begins[i]):
            run[count] = data[i]
            count += 1
            i += 1
        count = split(run, pair, count, keys, ranks)
        for k in range(count):
            out[n] = run[k]
            n += 1
    return out[:n].copy()


@inlined
def split(run, pair, count, keys, ranks):  # type: ignore[no-untyped-def]
    """Merge run[:count], bytes, to pieces in place; returns how many. pair: scratch, ranks of the merges of neighbours."""
    for k in range(count - 1):
        pair[k] = _rank(run[k] * MOST_PIECES + run[k + 1], keys, ranks)
    while count > 1:
        best, at = len(ranks), -1
        for k in range(count - 1):
            if pair[k] < best:
                best, at = pair[k], k
        if at < 0:
            break
        run[at] = 256 + best
        count -= 1
        for k in range(at + 1, count):
            run[k] = run[k + 1]
            pair[k] = pair[k + 1]
        if at > 0:
            pair[at - 1] = _rank(run[at - 1] * MOST_PIECES + run[at], keys, ranks)
        if at < count - 1:
            pair[at] = _rank(run[at] * MOST_PIECES + run[at + 1], keys, ranks)
    return count


@inlined
def _rank(key, keys, ranks):  # type: ignore[no-untyped-def]
    """Of a merge by its key, len(ranks) if there is none."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    if low < len(keys) and keys[low] == key:
        return ranks[low]
    return len(ranks)
