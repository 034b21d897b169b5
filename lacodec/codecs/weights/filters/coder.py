"""Bits of filters <-> a stream: block by block, each with the other filter that tells most.

    block  = a number below 3: the way; then bits
    ALONE  no other filter        ROWS  the filter before        TREE  the parent of each but the first, a number below n - 1
                                                                      (its own number is left out); then bits from the first
                                                                      filter down the tree, depth first, lower numbers first

A block has up to BLOCK filters of one tensor. Numbers are coded as if all were as likely.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.filters import _kernel as kernels
from lacodec.codecs.weights.filters._state import Coder, Trials, new_coder, new_tensor
from lacodec.entropy.mixing import POSITION, READ_AHEAD, finish, start
from lacodec.errors import CorruptFile

Bits = NDArray[np.uint8]
Numbers = NDArray[np.int64]
ALONE, ROWS, TREE = range(3)
_NO_TREE = np.zeros(0, np.int64)
BLOCK = 1024  # filters that a tree spans, at most: its search takes time with their square


class Shape(NamedTuple):
    """Filters of one tensor, and what each has."""

    rows: int
    channels: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """Values in all."""
        return self.rows * self.row

    @property
    def row(self) -> int:
        """Values of a filter."""
        return self.channels * self.height * self.width


def encode_bits(bits: Bits, shapes: tuple[Shape, ...], tree: bool) -> bytes | None:
    """The stream for `bits`, u8 of 0 and 1, the tensors one after the other; None where it would be longer than they are.

    tree: whether to look for trees.
    """
    coder = new_coder(np.zeros(len(bits) // 7 + 64, np.uint8), decoding=False)
    start(coder)
    for mine, shape, block in _blocks(bits, shapes, coder):
        trials = Trials(coder)
        for way in (ALONE, ROWS, TREE) if tree and _may_pay(block, shape) else (ALONE, ROWS):
            kernels.code_number(coder, way, 3)
            _code(coder, mine, shape, block, way, _tree(mine, shape, block) if way == TREE else _NO_TREE)
            trials.done()
        trials.choose()
    finish(coder)
    size = int(coder.registers[POSITION])
    return coder.stream[:size].tobytes() if size < len(coder.stream) else None


def decode_bits(stream: bytes | memoryview, shapes: tuple[Shape, ...]) -> Bits:
    """The bits of all tensors; raises CorruptFile."""
    coder = new_coder(np.frombuffer(stream, np.uint8).copy(), decoding=True)
    bits = np.zeros(sum(shape.size for shape in shapes), np.uint8)
    start(coder)
    for mine, shape, block in _blocks(bits, shapes, coder):
        way = int(kernels.code_number(coder, 0, 3))
        _code(coder, mine, shape, block, way, np.zeros(len(block), np.int64) if way == TREE else _NO_TREE)
    if int(coder.registers[POSITION]) != len(coder.stream) + READ_AHEAD:
        raise CorruptFile("the bits of its filters do not end with their stream")
    return bits


def _blocks(bits: Bits, shapes: tuple[Shape, ...], coder: Coder) -> Iterator[tuple[Bits, Shape, range]]:
    """(the bits of a tensor, its shape, numbers of filters), block by block; a tensor begins with nothing learned of its own."""
    at = 0
    for shape in shapes:
        new_tensor(coder)
        for begin in range(0, shape.rows, BLOCK):
            yield bits[at : at + shape.size], shape, range(begin, min(shape.rows, begin + BLOCK))
        at += shape.size


def _code(coder: Coder, bits: Bits, shape: Shape, block: range, way: int, parents: Numbers) -> None:
    """Code the bits of a block. parents: of its filters, counted from its first one; filled when decoding."""
    if way == TREE:
        kernels.code_parents(coder, parents)
        order, first, following = (np.empty(len(parents), np.int64) for _ in range(3))
        if kernels.walk(parents, first, following, order) != len(parents):
            raise CorruptFile("the order of its filters is no tree")
        others = np.where(order > 0, parents[order] + block.start, -1)
        order += block.start
    else:
        order = np.arange(block.start, block.stop)
        others = order - 1 if way == ROWS else np.full(len(order), -1)
    kernels.code_rows(coder, bits, shape.channels, shape.height, shape.width, order, others)


def _may_pay(block: range, shape: Shape) -> bool:
    """Whether a parent's number may cost less than it tells: never where it has half the bits of its filter."""
    return len(block) > 2 and shape.row > 2 * (len(block) - 1).bit_length()


def _tree(bits: Bits, shape: Shape, block: range) -> Numbers:
    """The parents of the filters of a block in the minimum spanning tree of Hamming distances."""
    rows = bits.reshape(shape.rows, shape.row)[block.start : block.stop]
    packed = np.packbits(rows, axis=1)
    words = np.zeros((len(rows), -(-packed.shape[1] // 8) * 8), np.uint8)
    words[:, : packed.shape[1]] = packed
    nearest, distances, parents = (np.empty(len(rows), np.int64) for _ in range(3))
    kernels.span(words.view(np.uint64), nearest, distances, parents)
    return parents
