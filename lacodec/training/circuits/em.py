"""Expectation maximisation of a circuit, by batches (Cappe and Moulines 2009): expected counts, averaged over time, -> chances.

up the tree: what each node's pixels and those below tell of its states      down: its states given the whole picture
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.jit import kernel
from lacodec.models.circuits.circuit import Circuit, codes_of
from lacodec.training.circuits.options import CircuitOptions
from lacodec.training.circuits.start import clusters, common_clusters
from lacodec.training.circuits.tree import Tree, grow, levels_of, rows

Floats = NDArray[np.float32]

_AT_A_TIME = 500  # pictures: what fits into caches
_UNSEEN = 5.0  # pictures' worth of the histogram of all pixels, in each pixel's
_SLOWER = 0.6  # step k counts (k + 1)^-0.6


@dataclass
class Counts:
    """Sums over pictures: of symbols f32[T, contexts * (Q + L), M], of moves f32[D, M, M] (the first node's in row 0)."""

    pixels: Floats
    moves: Floats

    def drift(self, other: "Counts", share: float) -> None:
        """Move towards other counts."""
        for mine, new in ((self.pixels, other.pixels), (self.moves, other.moves)):
            mine *= 1 - share
            mine += share * new


@dataclass
class Chances:
    """The same axes, as probabilities."""

    pixels: Floats
    moves: Floats


@dataclass(frozen=True)
class Training:
    """Pictures of one size, and what does not change while a circuit learns from them."""

    shape: tuple[int, ...]
    tree: Tree
    steps: NDArray[np.uint8]
    levels: int
    options: CircuitOptions
    values: NDArray[np.int32] = field(repr=False)
    """i32[D, n, 1 + Q], in the order of the walk: context * (Q + L) + Q + pixel, then the same for the symbol of each neighbour
    that has the pixel's value, else -1.
    """
    common: Floats = field(repr=False)
    """f32[Q + L]: shares of the values of all pixels; of symbols for neighbours next to nothing."""

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], options: CircuitOptions) -> "Training":
        """pictures: u8[n, height, width(, channels)]."""
        tree = rows(pictures.shape[1:], options.neighbours) if options.tree == "rows" else grow(pictures, options.neighbours)
        levels = int(pictures.max(initial=0)) + 1
        steps = levels_of(pictures, options.parts) if options.neighbours else np.zeros(0, np.uint8)
        common = np.append(np.ones(options.neighbours), np.bincount(pictures.ravel(), minlength=levels) + 1.0)
        common = (common / common.sum()).astype(np.float32)
        made = cls(pictures.shape[1:], tree, steps, levels, options, np.zeros((0, 0, 1), np.int32), common)
        return replace(made, values=made.of_pictures(pictures))

    def of_pictures(self, pictures: NDArray[np.uint8]) -> NDArray[np.int32]:
        """`values` of pictures; raises ValueError for values that the training has none of."""
        rows = pictures.reshape(len(pictures), -1)[:, self.tree.order].T.astype(np.int32)
        if rows.max(initial=0) >= self.levels:
            raise ValueError("these pictures have values beyond those of the training")
        reached, contexts = np.searchsorted(self.steps, rows, side="right"), np.zeros_like(rows)
        near = [np.where(column[:, None] >= 0, rows[column], 0) for column in self.tree.neighbours.T]
        for column in self.tree.neighbours.T:
            contexts = contexts * (len(self.steps) + 1) + np.where(column[:, None] >= 0, reached[column], 0)
        contexts *= self.symbols
        copies = [np.where(other == rows, contexts + k, -1) for k, other in enumerate(near)]
        return np.stack([contexts + len(near) + rows, *copies], axis=2).astype(np.int32)

    @property
    def symbols(self) -> int:
        """A pixel is that of a neighbour, or a value."""
        return self.levels + self.tree.neighbours.shape[1]

    def run(self, pictures: NDArray[np.uint8]) -> Iterator[tuple[float, Chances]]:
        """(bits per pixel of the pictures while they were learnt from, what was learnt), after each round."""
        options, rng, count = self.options, np.random.default_rng(self.options.seed), self.values.shape[1]
        begin = common_clusters if self.tree.shares else clusters
        sums = self._begin(begin(pictures, self.tree.order, options.states, rng))
        chances, step = self._chances(sums, count), 0
        for _ in range(options.rounds):
            bits, order = 0.0, rng.permutation(count)
            for start in range(0, count, options.batch):
                chosen = order[start : start + options.batch]
                seen = Counts(np.zeros_like(sums.pixels), np.zeros_like(sums.moves))
                for i in range(0, len(chosen), _AT_A_TIME):
                    bits += self.count(np.ascontiguousarray(self.values[:, chosen[i : i + _AT_A_TIME]]), chances, seen)
                for part in (seen.pixels, seen.moves):
                    part /= len(chosen)
                sums.drift(seen, (step + 1) ** -_SLOWER if options.batch < count else 1.0)
                chances, step = self._chances(sums, count), step + 1
            yield bits / self.values[:, :, 0].size, chances

    def circuit(self, chances: Chances) -> Circuit:
        """As it is written."""
        pixels, moves = chances.pixels, codes_of(chances.moves)
        each = (-1, self.symbols, self.options.states)
        emissions = np.stack([codes_of(node.reshape(each).transpose(0, 2, 1)).transpose(0, 2, 1) for node in pixels])
        tree = self.tree
        axes = (tree.order, tree.parents, tree.neighbours, tree.tables)
        return Circuit(self.shape, *axes, self.steps, np.ascontiguousarray(emissions), moves)

    def bits(self, pictures: NDArray[np.uint8], chances: Chances) -> float:
        """Bits per pixel of other pictures."""
        values = self.of_pictures(pictures)
        parts = (np.ascontiguousarray(values[:, i : i + _AT_A_TIME]) for i in range(0, values.shape[1], _AT_A_TIME))
        return sum(self.count(part, chances, None) for part in parts) / values[:, :, 0].size

    def count(self, values: NDArray[np.int32], chances: Chances, seen: Counts | None) -> float:
        """Add the expected counts of pictures to `seen`; returns their bits."""
        parents, moves = self.tree.parents, chances.moves
        size, n, states = len(parents), values.shape[1], moves.shape[1]
        told, messages = np.empty((size, n, states), np.float32), np.empty((size, n, states), np.float32)
        logs = np.zeros(n)
        for node in range(size):
            _tell(chances.pixels[self.tree.tables[node]], values[node], told[node])
        for node in range(size - 1, 0, -1):
            most = told[node].max(axis=1)
            told[node] /= most[:, None]
            logs += np.log(most)
            np.matmul(told[node], moves[node].T, out=messages[node])
            told[parents[node]] *= messages[node]
        total = told[0] @ moves[0, 0]
        logs += np.log(total)
        if seen is not None:
            states_of = np.empty((size, n, states), np.float32)
            states_of[0] = told[0] * moves[0, 0] / total[:, None]
            seen.moves[0, 0] += states_of[0].sum(axis=0)
            for node in range(1, size):
                others = states_of[parents[node]] / messages[node]
                seen.moves[node] += moves[node] * (others.T @ told[node])
                np.multiply(told[node], others @ moves[node], out=states_of[node])
            _add(seen.pixels, values, states_of, chances.pixels, self.tree.tables)
        return float(-logs.sum() / np.log(2))

    def _begin(self, states: NDArray[np.int64]) -> Counts:
        """Counts of given states."""
        (size, n), m = states.shape, self.options.states
        contexts = (len(self.steps) + 1) ** self.tree.neighbours.shape[1]
        tables = int(self.tree.tables.max()) + 1
        found = Counts(np.zeros((tables, contexts * self.symbols, m), np.float32), np.zeros((size, m, m), np.float32))
        for node in range(size):
            for named in self.values[node, :n].T:
                np.add.at(found.pixels[self.tree.tables[node]], (named[named >= 0], states[node][named >= 0]), 0.5 / n)
            above = states[self.tree.parents[node]] if node else 0
            np.add.at(found.moves[node], (above, states[node]), 1 / n)
        return found

    def _chances(self, sums: Counts, count: int) -> Chances:
        """Counts a picture -> probabilities: few counts in a context lean on those that lack its last neighbour, and so on; few
        in all contexts on those of all states.
        """
        size, _, m = sums.pixels.shape
        steps = [count * sums.pixels.reshape(size, -1, self.symbols, m)]
        for _ in range(self.tree.neighbours.shape[1]):
            steps.append(steps[-1].reshape(size, -1, len(self.steps) + 1, self.symbols, m).sum(axis=2))
        seen = steps.pop()
        pixel = seen.sum(axis=(1, 3)) + _UNSEEN * self.common
        pixel /= pixel.sum(axis=1, keepdims=True)
        seen += self.options.smoothing * pixel[:, None, :, None]
        seen /= seen.sum(axis=2, keepdims=True)
        while steps:
            finer = steps.pop()
            finer += self.options.context_smoothing * seen.repeat(len(self.steps) + 1, axis=1)
            seen = finer / finer.sum(axis=2, keepdims=True)
        moves = count * sums.moves + self.options.move_smoothing / m
        return Chances(seen.reshape(size, -1, m), moves / moves.sum(axis=2, keepdims=True))


def train(pictures: NDArray[np.uint8], options: CircuitOptions, others: NDArray[np.uint8] | None = None) -> Iterator[Any]:
    """After each round (bits per pixel, those of `others` or None, a function that makes the circuit)."""
    training = Training.of(pictures, options)
    for bits, chances in training.run(pictures):
        yield bits, None if others is None else training.bits(others, chances), lambda chances=chances: training.circuit(chances)


@kernel
def _tell(chances, values, told):  # type: ignore[no-untyped-def]
    """told f32[n, M]: sums of those rows of chances f32[rows, M] that values i32[n, 1 + Q] name."""
    for i in range(values.shape[0]):
        told[i] = chances[values[i, 0]]
        for j in range(1, values.shape[1]):
            if values[i, j] >= 0:
                told[i] += chances[values[i, j]]


@kernel
def _add(found, values, states, chances, tables):  # type: ignore[no-untyped-def]
    """Add f32[D, n, M] to the rows of found f32[T, rows, M] that values name, to each as much as its chances make up."""
    for node in range(values.shape[0]):
        table = tables[node]
        for i in range(values.shape[1]):
            rows = values[node, i]
            for k in range(states.shape[2]):
                total = np.float32(0)
                for row in rows:
                    if row >= 0:
                        total += chances[table, row, k]
                share = states[node, i, k] / total
                for row in rows:
                    if row >= 0:
                        found[table, row, k] += share * chances[table, row, k]
