"""A plane of small numbers with few edges, u8[n], in adaptive bits.

    plane = number of bytes, words of the range coder

Each number: is it that before; else is it that above (if they differ); else its eight bits. What it is told by: whether the four
numbers around, known so far, are alike.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns.bounded._bits import CHANCE, decide
from lacodec.codecs.columns.bounded._words import AHEAD, closed, opened, words_of
from lacodec.codecs.fields import Reader, Writer
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import flat_kernel

_SAME, _ABOVE, _TREE, _CONTEXTS = 0, 64, 128, 128 + 256
_ROOM = 64
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@flat_kernel
def _code(plane, row, layer, chances, registers, words, reciprocal, decoding):  # type: ignore[no-untyped-def]
    """Code plane; row, layer: how far the number above lies, in its layer and in the one before."""
    low, span, at = registers[0], registers[1], registers[2]
    for i in range(np.uint64(len(plane))):
        before = plane[i - _ONE] if i else np.uint8(0)
        above = plane[i - row] if i >= row else before
        corner = plane[i - row + _ONE] if i >= row else before
        under = plane[i - layer] if i >= layer else above
        alike = np.uint64(before == above) | np.uint64(before == corner) << _ONE | np.uint64(before == under) << np.uint64(2)
        alike |= np.uint64(min(before, np.uint8(7))) << np.uint64(3)
        number = np.uint64(plane[i])
        found = np.uint64(before)
        same, low, span, at = decide(chances, alike, number == found, low, span, at, words, reciprocal, decoding)
        if not same:
            same = False
            if above != before:
                found = np.uint64(above)
                same, low, span, at = decide(
                    chances, np.uint64(_ABOVE) + alike, number == found, low, span, at, words, reciprocal, decoding
                )
            if not same:
                found = _ONE
                for k in range(np.uint64(8)):
                    bit = (number >> (np.uint64(7) - k) & _ONE) != _ZERO
                    bit, low, span, at = decide(
                        chances, np.uint64(_TREE) + found, bit, low, span, at, words, reciprocal, decoding
                    )
                    found = found << _ONE | np.uint64(bit)
                found &= np.uint64(255)
        if decoding:
            plane[i] = np.uint8(found)
    registers[0], registers[1], registers[2] = low, span, at


def _run(
    plane: NDArray[np.uint8], shape: tuple[int, ...], registers: NDArray[np.uint64], words: NDArray[np.uint32], decoding: bool
) -> None:
    chances = np.full(_CONTEXTS, CHANCE, np.uint32)
    row, layer = np.uint64(shape[3]), np.uint64(shape[2] * shape[3])
    _code(plane, row, layer, chances, registers, words, mixing_tables()[3], int(decoding))


def write_plane(out: Writer, plane: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    """Store a plane of an array with four axes."""
    room = _ROOM + len(plane) // 16
    while True:
        registers, words = opened(None), np.empty(room, np.uint32)
        _run(plane.copy(), shape, registers, words, False)
        if int(registers[2]) + AHEAD <= room:
            break
        room = int(registers[2]) + AHEAD
    data = closed(registers, words)
    out.number(len(data))
    out.write(data)


def read_plane(reader: Reader, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The inverse of `write_plane`."""
    words = words_of(reader.take(reader.number()), ">u4")
    plane, registers = np.zeros(int(np.prod(shape)), np.uint8), opened(words)
    _run(plane, shape, registers, words, True)
    if int(registers[2]) + AHEAD < len(words):
        raise CorruptFile("one of its planes ends before its bits")
    return plane
