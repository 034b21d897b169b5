"""Indices as binary decisions: halves of the book, by the probabilities that a network of whole numbers gives its words.

indices around --network--> logits + what was seen --2^x by a table--> sums over words --> decisions
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing import CODE, HIGH, POSITION, READ_AHEAD, code_decision
from lacodec.kernels.jit import flat_kernel
from lacodec.models.vq.predictor import SEEN, SHIFT, TOP, Predictor

U: Any = np.uint64
S64: Any = np.int64

GOOD, TOO_SHORT = 0, 1
"""Results of `code_rows`; the other one is for decoders."""
_STEPS, _UNIT = 64, 4  # of a power of two; bits of logits below those
_ONE = 1 << 20  # of the likeliest word
_LEAST = 2  # of any word
_TOLD = 4  # numbers of a vector between looks at its distance
_TRIED = 8  # words of the first layer that are tried with each of the second


class State(NamedTuple):
    """Made by `new_state`."""

    registers: np.ndarray  # int64[8], of the range coder
    stream: np.ndarray  # uint8
    entries: np.ndarray  # int32[6, 1 + K or more, H]
    first_bias: np.ndarray  # int32[H]
    second: np.ndarray  # int32[H, H]
    second_bias: np.ndarray  # int32[H]
    last: np.ndarray  # int32[K, H]
    last_bias: np.ndarray  # int32[K]
    bonus: np.ndarray  # int32[SEEN]
    seen: np.ndarray  # int32[K], how often words have occurred, at most SEEN - 1
    powers: np.ndarray  # int64[64], of two
    places: np.ndarray  # int64[6, 3]
    outside: np.ndarray  # int64[6], what stands for an index beyond the edges
    hidden: np.ndarray  # int32[2, H]
    sums: np.ndarray  # int64[K + 1], over words


def new_registers(stream: np.ndarray, decoding: bool) -> np.ndarray:
    """Of the range coder, at the beginning of a chunk."""
    registers = np.zeros(8, np.int64)
    registers[HIGH] = 0xFFFFFFFF
    if decoding:
        registers[CODE], registers[POSITION] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big"), 4
    return registers


def new_state(predictor: Predictor, stream: np.ndarray, registers: np.ndarray) -> State:
    """At the beginning of a layer. `stream` is read, or has the room for what is written."""
    words, channels = predictor.last.shape
    return State(
        registers,
        stream,
        predictor.entries,
        predictor.first_bias,
        predictor.second.astype(np.int32),
        predictor.second_bias,
        predictor.last.astype(np.int32),
        predictor.last_bias,
        predictor.seen,
        np.zeros(words, np.int32),
        powers(),
        np.array(predictor.around, np.int64),
        np.array([predictor.parent_words if of_first else words for of_first, _, _ in predictor.around], np.int64),
        np.zeros((2, channels), np.int32),
        np.zeros(words + 1, np.int64),
    )


@cache
def powers() -> np.ndarray:
    """i64[64]: 2^20 times 2 to the power of 0, -1/64, -2/64 ..., rounded."""
    from decimal import Decimal, localcontext

    with localcontext() as context:
        context.prec = 25
        found = [int((_ONE * Decimal(2) ** (Decimal(-i) / _STEPS)).to_integral_value()) for i in range(_STEPS)]
    return np.array(found, np.int64)


@flat_kernel
def code_rows(s: State, decoding: int, grid: np.ndarray, parents: np.ndarray, apart: int) -> int:
    """Code int32[rows, columns]. parents: the first layer's, for a second one. apart: whether these rows are not neighbours of
    each other, so that they tell little.

    Returns one of the results.
    """
    rows, columns = grid.shape
    words = s.last.shape[0]
    for y in range(rows):
        for x in range(columns):
            _predict(s, grid, parents, y, x, apart)
            low, high, value = S64(0), S64(words), S64(grid[y, x])
            while high - low > 1:
                middle = (low + high) >> 1
                upper, whole = s.sums[high] - s.sums[middle], s.sums[high] - s.sums[low]
                p = min(max((upper << 16) // whole, 16), 65536 - 16)
                if code_decision(s.registers, s.stream, p, U(value >= middle), decoding):
                    low = middle
                else:
                    high = middle
            grid[y, x] = low
            s.seen[low] = min(s.seen[low] + 1, SEEN - 1)
        if decoding and s.registers[POSITION] > s.stream.size + READ_AHEAD:
            return TOO_SHORT
    return GOOD


@flat_kernel
def choose_rows(
    s: State, grid: np.ndarray, parents: np.ndarray, vectors: np.ndarray, words: np.ndarray, price: float, apart: int
) -> None:
    """Fill int32[rows, columns] for float32[rows, columns, D] with words of float32[K, D].

    Each costs its squared distance, and its bits after those before it at `price`; of equal ones the first is taken.
    """
    rows, columns = grid.shape
    count, numbers = words.shape
    for y in range(rows):
        for x in range(columns):
            _predict(s, grid, parents, y, x, apart)
            whole = np.log2(np.float64(s.sums[count]))
            least, best = np.inf, 0
            for word in range(count):
                cost = 0.0
                for start in range(0, numbers, _TOLD):  # the first numbers, main components, tell most words off
                    for i in range(start, min(start + _TOLD, numbers)):
                        apart_by = np.float64(vectors[y, x, i]) - np.float64(words[word, i])
                        cost += apart_by * apart_by
                    if cost >= least:
                        break
                if cost < least:
                    cost += price * (whole - np.log2(np.float64(s.sums[word + 1] - s.sums[word])))
                    if cost < least:
                        least, best = cost, word
            grid[y, x] = best
            s.seen[best] = min(s.seen[best] + 1, SEEN - 1)


@flat_kernel
def choose_first_rows(
    s: State,
    grid: np.ndarray,
    vectors: np.ndarray,
    words: np.ndarray,
    residual: np.ndarray,
    bits: np.ndarray,
    price: float,
    apart: int,
    costs: np.ndarray,
    sums: np.ndarray,
) -> None:
    """As `choose_rows`, of the first of two layers: of the cheapest words by themselves, that which is cheapest with one of
    the second layer's added, whose bits are float32[R].

    words: float32[D, K], residual: float32[D, R], so that loops over words are vectors. costs: float64[K], sums: float64[R],
    overwritten.
    """
    rows, columns = grid.shape
    numbers, count = words.shape
    others = residual.shape[1]
    for y in range(rows):
        for x in range(columns):
            _predict(s, grid, grid, y, x, apart)
            whole = np.log2(np.float64(s.sums[count]))
            for word in range(count):
                costs[word] = price * (whole - np.log2(np.float64(s.sums[word + 1] - s.sums[word])))
            for i in range(numbers):
                value = np.float64(vectors[y, x, i])
                for word in range(count):
                    apart_by = value - np.float64(words[i, word])
                    costs[word] += apart_by * apart_by
            least, best = np.inf, 0
            for _ in range(min(_TRIED, count)):
                word = int(np.argmin(costs))
                distance = 0.0
                for i in range(numbers):
                    apart_by = np.float64(vectors[y, x, i]) - np.float64(words[i, word])
                    distance += apart_by * apart_by
                for other in range(others):
                    sums[other] = costs[word] - distance + price * np.float64(bits[other])
                for i in range(numbers):
                    left = np.float64(vectors[y, x, i]) - np.float64(words[i, word])
                    for other in range(others):
                        apart_by = left - np.float64(residual[i, other])
                        sums[other] += apart_by * apart_by
                costs[word] = np.inf
                for other in range(others):
                    if sums[other] < least:
                        least, best = sums[other], word
            grid[y, x] = best
            s.seen[best] = min(s.seen[best] + 1, SEEN - 1)


@flat_kernel
def _predict(s: State, grid: np.ndarray, parents: np.ndarray, y: int, x: int, apart: int) -> None:
    """Leave in `sums` the running sums of what each word gets of the probability."""
    columns = grid.shape[1]
    words, channels = s.last.shape
    first, second = s.hidden[0], s.hidden[1]
    for h in range(channels):
        first[h] = s.first_bias[h]
    for k in range(len(s.places)):
        row, column = y + s.places[k, 1], x + s.places[k, 2]
        there = row >= 0 and 0 <= column < columns and not (apart and row != y)
        index = s.outside[k]
        if there:
            index = S64(parents[row, column]) if s.places[k, 0] else S64(grid[row, column])
        entry = s.entries[k, index]
        for h in range(channels):
            first[h] += entry[h]
    for h in range(channels):
        first[h] = min(max((first[h] + (1 << (SHIFT - 1))) >> SHIFT, 0), TOP)
    for h in range(channels):
        total = s.second_bias[h]
        weights = s.second[h]
        for i in range(channels):
            total += weights[i] * first[i]
        second[h] = min(max((total + (1 << (SHIFT - 1))) >> SHIFT, 0), TOP)
    most = S64(-(1 << 62))
    for word in range(words):
        total = s.last_bias[word]
        weights = s.last[word]
        for i in range(channels):
            total += weights[i] * second[i]
        logit = (S64(total) + s.bonus[s.seen[word]] + (1 << (_UNIT - 1))) >> _UNIT
        s.sums[word + 1] = logit
        most = max(most, logit)
    running = S64(0)
    s.sums[0] = 0
    for word in range(words):
        below = most - s.sums[word + 1]
        power = s.powers[below & (_STEPS - 1)] >> (below >> 6) if below < 20 * _STEPS else S64(0)
        running += power + _LEAST
        s.sums[word + 1] = running
