"""`Circuit`: a hidden Chow-Liu tree (Liu, Mandt and Van den Broeck, ICLR 2022) whose distributions are whole numbers.

A picture's pixels hang on the nodes of a tree. A node is in one of M states, which depends on the state of the node above it.
Its pixel depends on its own state, and here also on some pixels that the walk has met before, its neighbours, which the tree
need not join to it: all pixels are known in training, and all that count in coding, so sums over states stay exact. A pixel is
copied from a neighbour, or has a value of its own: edges of drawn things go on as they are. Nodes may share a table of such
chances. A model file has the tree, and a byte for each probability: eighths of an octave below the largest one of its
distribution. `counts` makes of them whole numbers that sum to 2^20, the same on every machine.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import CorruptFile, UnsupportedFile

COUNT_BITS = 20
"""Counts of a distribution sum to 2**COUNT_BITS; none is 0."""
MOST_STATES = 64
MOST_PIXELS = 1 << 14
MOST_NEIGHBOURS = 6
_MOST_COUNTS = 1 << 27
_POWERS = np.array([4294967296, 3938502376, 3611622603, 3311872529, 3037000500, 2784941738, 2553802834, 2341847524], np.int64)
"""2^(32 - k/8), rounded."""
_KIND = "pc"
_ARRAYS = {
    "shape": ("<i4", 1),
    "order": ("<i4", 1),
    "parents": ("<i4", 1),
    "neighbours": ("<i4", 2),
    "tables": ("<i4", 1),
    "steps": ("|u1", 1),
    "emissions": ("|u1", 4),
    "transitions": ("|u1", 3),
}


@dataclass(frozen=True, eq=False)
class Circuit:
    """shape: of a picture. order, parents: i32[D], of each node, in the order of the walk, its pixel (its place in a flat
    picture) and the node above it (-1 for the first one). neighbours: i32[D, Q], earlier nodes, or -1; their pixels count by
    how many of `steps` (u8[S], rising) they reach, -1 as 0, and make one of (S + 1)^Q contexts. tables: i32[D], which one of
    the T emissions a node has. emissions: u8[T, contexts, Q + L, M] and transitions: u8[D, M, M] (from, to), in eighths of an
    octave; row 0 of the first node has the chances of its states. Symbol k < Q copies neighbour k (0 where that is none), and
    Q + x is x: a value's chance is the sum over the symbols that make it. A walk goes down first: a node's children and all
    theirs come before its next sibling. Raises UnsupportedFile.
    """

    shape: tuple[int, ...]
    order: NDArray[np.int32]
    parents: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    tables: NDArray[np.int32]
    steps: NDArray[np.uint8]
    emissions: NDArray[np.uint8]
    transitions: NDArray[np.uint8]

    def __post_init__(self) -> None:
        (tables, contexts, symbols, states), pixels = self.emissions.shape, len(self.order)
        possible = (
            len(self.shape) in (2, 3)
            and prod(self.shape) == pixels <= MOST_PIXELS
            and 1 <= symbols - self.neighbours.shape[1] <= 256
            and min(self.shape) >= 1
            and 1 <= states <= MOST_STATES
            and (tables * contexts * symbols + pixels * states) * states <= _MOST_COUNTS
            and self.neighbours.shape[1] <= MOST_NEIGHBOURS
            and contexts == (len(self.steps) + 1) ** self.neighbours.shape[1]
            and (np.diff(self.steps.astype(np.int64)) > 0).all()
            and self.transitions.shape == (pixels, states, states)
            and self.order.shape == self.parents.shape == self.tables.shape == (pixels,)
            and self.tables.min() >= 0
            and self.tables.max() < tables
            and np.array_equal(np.sort(self.order), np.arange(pixels))
            and len(self.neighbours) == pixels
            and (self.neighbours >= -1).all()
            and (self.neighbours < np.arange(pixels)[:, None]).all()
        )
        if not possible or (self.depths < 0).any():
            raise UnsupportedFile("this is not a circuit: its axes or its tree are impossible")

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "Circuit":
        """Of a model file; raises UnsupportedFile."""
        found = {name: arrays.get(f"{_KIND}.{name}") for name in _ARRAYS}
        for name, (dtype, axes) in _ARRAYS.items():
            array = found[name]
            if array is None or array.dtype.str != dtype or array.ndim != axes:
                raise UnsupportedFile("this model is not a circuit; give one of lacodec train pc")
        return cls(tuple(found.pop("shape").tolist()), **found)  # type: ignore[union-attr,arg-type]

    def arrays(self) -> dict[str, Any]:
        """For a model file."""
        return {f"{_KIND}.{name}": np.asarray(getattr(self, name), dtype) for name, (dtype, _) in _ARRAYS.items()}

    @cached_property
    def id(self) -> bytes:
        """SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
        return digest.digest()

    @property
    def levels(self) -> int:
        """Values that a pixel may have, from 0 on."""
        return self.emissions.shape[2] - self.neighbours.shape[1]

    @property
    def states(self) -> int:
        """Of each node."""
        return self.emissions.shape[3]

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """i64[D]: nodes above each one; -1 where the tree is none, or is not walked down first."""
        found, path = np.full(len(self.parents), -1), [-1]
        for node, parent in enumerate(self.parents.tolist()):
            while path and path[-1] != parent:
                path.pop()
            if not path or (parent < 0) != (node == 0):
                break
            found[node] = len(path) - 1
            path.append(node)
        return found

    @cached_property
    def cumulative(self) -> NDArray[np.int32]:
        """i32[T, contexts, Q + L + 1, M]: counts of all lower symbols of a pixel, for each state."""
        tables, contexts, symbols, states = self.emissions.shape
        found = np.zeros((tables, contexts, symbols + 1, states), np.int32)
        for table, codes in enumerate(self.emissions):
            rows = counts(codes.transpose(0, 2, 1).reshape(-1, symbols)).reshape(contexts, states, symbols)
            found[table, :, 1:] = rows.cumsum(axis=2).transpose(0, 2, 1)
        return found

    @cached_property
    def moves(self) -> NDArray[np.float64]:
        """f64[D, M, M]: counts of the states after a state, as whole numbers."""
        return np.stack([counts(codes) for codes in self.transitions]).astype(np.float64)


def counts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Codes [T, n] -> whole numbers [T, n] from 1 on, of which each row sums to 2**COUNT_BITS."""
    codes = codes.astype(np.int64)
    shares = _POWERS[codes & 7] >> (codes >> 3)
    found = 1 + shares * ((1 << COUNT_BITS) - codes.shape[1]) // np.maximum(1, shares.sum(axis=1, keepdims=True))
    np.add.at(found, (np.arange(len(found)), found.argmax(axis=1)), (1 << COUNT_BITS) - found.sum(axis=1))
    return found


def codes_of(chances: NDArray[Any]) -> NDArray[np.uint8]:
    """Positive numbers [..., n] -> the nearest codes."""
    below = np.log2(chances.max(axis=-1, keepdims=True)) - np.log2(np.maximum(chances, 1e-30))
    return np.clip(np.rint(8 * below), 0, 255).astype(np.uint8)


def checked(arrays: dict[str, Any], name: str) -> Circuit:
    """The circuit in a model file; raises UnsupportedFile, CorruptFile for one that cannot be."""
    try:
        return Circuit.from_arrays(arrays)
    except UnsupportedFile as error:
        raise UnsupportedFile(f"{name}: {error}") from error
    except ValueError as error:
        raise CorruptFile(f"{name}: {error}") from error
