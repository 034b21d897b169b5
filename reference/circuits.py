"""Circuits, as codec `image.pc` walks them: their arrays -> counts, and coded bytes -> pixels. All are whole numbers."""

from dataclasses import dataclass
from typing import Any

from reference.stream import need

COUNT_BITS = 20
POWERS = (4294967296, 3938502376, 3611622603, 3311872529, 3037000500, 2784941738, 2553802834, 2341847524)
MASK64 = (1 << 64) - 1
TOP = 1 << 56


@dataclass(frozen=True)
class Circuit:
    """shape of a picture; of each node its pixel, the node above, the earlier ones that it depends on, its table; steps; counts:
    emissions[table][context][state] and moves[node][state above], each a list that sums to 2^20.
    """

    shape: list[int]
    order: list[int]
    parents: list[int]
    neighbours: list[list[int]]
    tables: list[int]
    steps: list[int]
    emissions: list[list[list[list[int]]]]
    moves: list[list[list[int]]]


def circuit(arrays: dict[str, Any]) -> Circuit:
    """Of the arrays of a model file."""
    emissions = [[_counts_of(context.T.tolist()) for context in node] for node in arrays["pc.emissions"]]
    moves = [_counts_of(node.tolist()) for node in arrays["pc.transitions"]]
    return Circuit(
        *(arrays[f"pc.{name}"].tolist() for name in ("shape", "order", "parents", "neighbours", "tables", "steps")),
        emissions,
        moves,
    )


def _counts_of(rows: list[list[int]]) -> list[list[int]]:
    out = []
    for codes in rows:
        shares = [POWERS[code & 7] >> (code >> 3) for code in codes]
        total = max(1, sum(shares))
        found = [1 + share * ((1 << COUNT_BITS) - len(codes)) // total for share in shares]
        found[found.index(max(found))] += (1 << COUNT_BITS) - sum(found)
        out.append(found)
    return out


class RangeDecoder:
    """The range coder: a code of 64 bits, and the range that it is within."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.range = data, 8, MASK64
        self.code = int.from_bytes(data[:8].ljust(8, b"\0"), "big")

    def value(self, shares: list[int], rows: list[list[int]]) -> int:
        """The next value, of which rows[state] has the counts, and shares[state] weighs them."""
        total = sum(shares)
        unit = (self.range >> COUNT_BITS) // total
        target = min(self.code // unit, (total << COUNT_BITS) - 1)
        low = 0
        for value in range(len(rows[0])):
            count = sum(share * row[value] for share, row in zip(shares, rows, strict=True))
            if target < low + count:
                break
            low += count
        self.code -= unit * low
        self.range = unit * count
        while self.range < TOP:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.code = self.code << 8 & MASK64 | byte
            self.range <<= 8
            self.at += 1
        return value

    def finish(self) -> None:
        """All bytes were needed."""
        need(self.at == len(self.data) + 7, "pictures do not end where their bytes do")


def decode(data: bytes, count: int, c: Circuit) -> list[list[int]]:
    """So many pictures; they are coded 32 at a time, node by node."""
    decoder, out = RangeDecoder(data), []
    for start in range(0, count, 32):
        walks = [_Walk(c) for _ in range(min(32, count - start))]
        for node in range(len(c.order)):
            for walk in walks:
                walk.node(node, decoder)
        out += [walk.pixels for walk in walks]
    decoder.finish()
    return out


class _Walk:
    """One picture: on the path to the present node, what states weigh given all so far, and given the pixels from there down."""

    def __init__(self, c: Circuit) -> None:
        self.c, self.pixels = c, [0] * len(c.order)
        self.path: list[tuple[int, list[int], list[int]]] = []

    def node(self, node: int, decoder: RangeDecoder) -> None:
        c, states = self.c, range(len(self.c.moves[0]))
        while self.path and self.path[-1][0] != c.parents[node]:
            done, _, evidence = self.path.pop()
            moves = c.moves[done]
            message = _settled([sum(moves[k][j] * evidence[j] for j in states) for k in states])
            above, *kept = self.path[-1]
            weights, told = (_settled([a * b for a, b in zip(row, message, strict=True)]) for row in kept)
            self.path[-1] = (above, weights, told)
        if node == 0:
            weights = c.moves[0][0]
        else:
            above = self.path[-1][1]
            weights = [sum(c.moves[node][k][j] * above[k] for k in states) for j in states]
        weights, context = _settled(weights), 0
        known = [self.pixels[c.order[near]] if near >= 0 else 0 for near in c.neighbours[node]]
        for value in known:
            context = context * (len(c.steps) + 1) + sum(value >= step for step in c.steps)
        rows = [_of_values(row, known) for row in c.emissions[c.tables[node]][context]]
        value = decoder.value([weight >> 8 for weight in weights], rows)
        self.pixels[c.order[node]] = value
        evidence = [row[value] for row in rows]
        self.path.append((node, _settled([a * b for a, b in zip(weights, evidence, strict=True)]), evidence))


def _of_values(row: list[int], known: list[int]) -> list[int]:
    """Counts of values: their own, and those of copies of neighbours that have them."""
    out = row[len(known) :]
    for count, value in zip(row, known, strict=False):
        out[value] += count
    return out


def _settled(row: list[int]) -> list[int]:
    """Scaled by a power of two, so that the largest has 24 bits; rounded down, at least 1."""
    shift = 24 - max(row).bit_length()
    return [max(1, number << shift if shift >= 0 else number >> -shift) for number in row]
