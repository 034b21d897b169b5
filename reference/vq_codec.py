"""Codec `image.vq`: chunks -> the indices, the same on every machine. Pixels are computed from them in floats.

payload = the range coder's bytes: layer by layer, row by row, of each index, whether it is in the
upper half of the book, in the upper half of that ...

six indices around --embedding, two layers, logits--> probability of each word --> decisions --> index
"""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from reference.container import CRITICAL, Chunk, hash64
from reference.range_coder import RangeDecoder
from reference.stream import need

PATCH, SEEN, TOP, SHIFT = 16, 8, 255, 6
AROUND = ((0, 0, -1), (0, -1, 0), (0, -1, 1), (0, -1, -1), (0, 0, -2), (0, -2, 0))
AROUND_SECOND = ((1, 0, 0), (0, 0, -1), (0, -1, 0), (0, -1, 1), (1, 0, -1), (1, -1, 0))  # 1: first layer
ONE, STEPS, UNIT, LEAST = 1 << 20, 64, 4, 2


def indices(header: dict[str, Any], chunks: list[Chunk], model: dict[str, Any]) -> np.ndarray:
    """i32[layers, rows, columns]; model: the arrays of the model's file."""
    height, width, _, words, layers, count = header["metadata"]["vq"]
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    networks = [
        {name: model[f"{prefix}.{name}"].tolist() for name in NAMES if f"{prefix}.{name}" in model}
        for prefix in (f"predict{words}", "predict_residual")[:layers]
    ]
    out = np.zeros((layers, rows, columns), np.int32)
    first = 0
    for chunk in chunks:
        if chunk.kind == CRITICAL:
            coder, size, grids = RangeDecoder(chunk.payload), len(range(first, rows, count)), []
            for network in networks:
                grids.append(Layer(coder, network, count > 1, grids).rows(size, columns))
            need(coder.at == len(chunk.payload) + 3, "its stream does not end with its last index")
            found = np.array(grids)
            need(hash64(found.astype("<u2").tobytes()) == chunk.content_hash, "other indices than were encoded")
            out[:, first::count] = found
            first += 1
    return out


NAMES = ("embed", "first", "first_bias", "second", "second_bias", "last", "last_bias", "seen", "parents")


class Layer:
    """One layer of a chunk. before: the grids of layers before it."""

    def __init__(self, coder: Any, network: dict[str, Any], apart: bool, before: list[Any]) -> None:
        self.coder, self.network, self.apart, self.before = coder, network, apart, before
        self.words = len(network["last"])
        self.seen = [0] * self.words
        with localcontext() as context:
            context.prec = 25
            self.powers = [int((ONE * Decimal(2) ** (Decimal(-i) / STEPS)).to_integral_value()) for i in range(STEPS)]

    def rows(self, rows: int, columns: int) -> list[list[int]]:
        """All indices."""
        grid: list[list[int]] = []
        for y in range(rows):
            grid.append([])
            for x in range(columns):
                sums = self.sums(grid, y, x, columns)
                low, high = 0, self.words
                while high - low > 1:
                    middle = (low + high) // 2
                    p = ((sums[high] - sums[middle]) << 16) // (sums[high] - sums[low])
                    if self.coder.bit(min(max(p, 16), 65536 - 16)):
                        low = middle
                    else:
                        high = middle
                grid[y].append(low)
                self.seen[low] = min(self.seen[low] + 1, SEEN - 1)
        return grid

    def sums(self, grid: list[list[int]], y: int, x: int, columns: int) -> list[int]:
        """Of what the words before each get of the probability."""
        given: list[int] = []
        for of_first, row, column in AROUND_SECOND if self.before else AROUND:
            there = y + row >= 0 and 0 <= x + column < columns and not (self.apart and row)
            embed = self.network["parents" if of_first else "embed"]
            rows = self.before[0] if of_first else grid
            given += embed[rows[y + row][x + column] if there else len(embed) - 1]
        values = given
        for layer in ("first", "second"):
            biases = self.network[f"{layer}_bias"]
            values = [
                min(max((_dot(weights, values) + bias + (1 << (SHIFT - 1))) >> SHIFT, 0), TOP)
                for weights, bias in zip(self.network[layer], biases, strict=True)
            ]
        logits = [
            (_dot(weights, values) + bias + self.network["seen"][seen] + (1 << (UNIT - 1))) >> UNIT
            for weights, bias, seen in zip(self.network["last"], self.network["last_bias"], self.seen, strict=True)
        ]
        most, sums = max(logits), [0]
        for logit in logits:
            below = most - logit
            sums.append(sums[-1] + LEAST + (self.powers[below % STEPS] >> below // STEPS if below < 20 * STEPS else 0))
        return sums


def _dot(one: list[int], other: list[int]) -> int:
    return sum(a * b for a, b in zip(one, other, strict=True))
