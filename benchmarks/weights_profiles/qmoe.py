"""Ternary weights, mostly zero, in words of one length for runs of many (QMoE, 2023): under one bit a weight.

numbers 0, 1, 2 (zero, plus, minus) --longest known run--> words of `width` bits
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from .coded import Coded, Matrix, half
from .gptq import fed

_WIDTH = 16
_MOST_ZEROS = 0.98  # a share: beyond, words would stand for hundreds of numbers


def qmoe(weight: Matrix, dead: float, hessian: Matrix | None = None, width: int = _WIDTH) -> Coded:
    """dead: below how many root mean squares of its row a weight becomes 0. Rows store their scale in 16 bits."""
    edge = dead * np.sqrt(np.square(weight.astype(np.float64)).mean(1))
    beyond = np.abs(weight) > edge[:, None]
    scale = half(np.where(beyond, np.abs(weight), 0).sum(1) / np.maximum(1, beyond.sum(1)))

    def choose(column: Matrix, _: int) -> tuple[NDArray[np.int64], Matrix]:
        numbers = np.where(np.abs(column) > edge, np.where(column < 0, 2, 1), 0)
        return numbers, np.array([0.0, 1.0, -1.0])[numbers] * scale

    restored, ternary = fed(weight, hessian, weight.shape[1], lambda *_: choose)
    zeros = float((ternary == 0).mean())
    words = pack(ternary.ravel(), zeros, width)
    side = 16.0 * len(weight) + 32 + 32  # the share of zeros, the number of words
    return Coded(restored, ternary, 3, side, float(width * len(words)))


def pack(numbers: NDArray[np.int64], zeros: float, width: int = _WIDTH) -> NDArray[np.int64]:
    """The words of ternary numbers; `zeros`: the share of 0 that the dictionary is made for."""
    children = _dictionary(zeros, width)[0].tolist()
    words, at = [], -1
    for number in numbers.tolist():
        following = children[at][number]
        if following < 0:
            words.append(at)
            following = children[-1][number]
        at = following
    return np.array([*words, at] if len(numbers) else [], np.int64)


def unpack(words: NDArray[np.int64], zeros: float, width: int = _WIDTH) -> NDArray[np.int64]:
    """The numbers again."""
    runs = _dictionary(zeros, width)[1]
    return np.concatenate([np.zeros(0, np.int64), *(np.frombuffer(runs[word], np.uint8) for word in words.tolist())])


def _dictionary(zeros: float, width: int) -> tuple[NDArray[np.int64], list[bytes]]:
    """(the word of each run and one number more, or -1; the runs): the most likely runs, all of one number among them.

    Row -1 of the first is that of no run.
    """
    zeros = min(_MOST_ZEROS, max(1 - _MOST_ZEROS, zeros))
    chances = (zeros, (1 - zeros) / 2, (1 - zeros) / 2)
    children = np.full(((1 << width) + 1, 3), -1, np.int64)
    waiting = [(-1.0, bytes([number]), -1, chance) for number, chance in enumerate(chances)]
    runs: list[bytes] = []
    for word in range(1 << width):
        _, run, parent, chance = heapq.heappop(waiting)
        children[parent, run[-1]] = word
        runs.append(run)
        for number, more in enumerate(chances):
            heapq.heappush(waiting, (-chance * more, run + bytes([number]), word, chance * more))
    return children, runs
