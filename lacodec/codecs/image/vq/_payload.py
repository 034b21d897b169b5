"""The payload of a chunk: the range coder's bytes, of the indices in its rows, layer by layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.image.vq._kernel import GOOD, choose_first_rows, choose_rows, code_rows, new_registers, new_state
from lacodec.entropy.mixing import HIGH, POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.models.vq.predictor import Predictor

Indices = NDArray[np.int32]
"""[layers, rows, columns]."""
_NOTHING = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Books:
    """What indices are chosen from. words: float32[K, D] of each layer. bits: float32[R], about what a word of the second
    costs. price: of a bit, as a squared distance."""

    words: list[NDArray[np.float32]]
    bits: NDArray[np.float32]
    price: float


def choose_indices(vectors: NDArray[np.float32], books: Books, predictors: list[Predictor], apart: bool) -> Indices:
    """For vectors [rows, columns, D], each time what costs least, by squared distance and by bits.

    apart: whether the rows are not neighbours.
    """
    left = np.ascontiguousarray(vectors)
    grids = np.zeros((len(predictors), *left.shape[:2]), np.int32)
    for layer, (words, predictor) in enumerate(zip(books.words, predictors, strict=True)):
        state = new_state(predictor, _NOTHING, new_registers(_NOTHING, False))
        words, grid = np.ascontiguousarray(words), grids[layer]
        if layer == 0 and len(predictors) > 1:
            one, other = (np.ascontiguousarray(each.T) for each in books.words)
            room = np.zeros(one.shape[1]), np.zeros(other.shape[1])
            choose_first_rows(state, grid, left, one, other, books.bits, books.price, int(apart), *room)
        else:
            choose_rows(state, grid, grids[0], left, words, books.price, int(apart))
        left = left - words[grid]
    return grids


def encode_indices(indices: Indices, predictors: list[Predictor], apart: bool) -> bytes:
    """The payload. apart: whether the rows are not neighbours."""
    grids = np.array(indices, np.int32, order="C")
    stream = np.zeros(3 * sum(grids[0].size * (len(one.last) - 1).bit_length() for one in predictors) + 64, np.uint8)
    registers = new_registers(stream, False)
    for grid, predictor in zip(grids, predictors, strict=True):
        code_rows(new_state(predictor, stream, registers), 0, grid, grids[0], int(apart))
    return stream[: int(registers[POSITION])].tobytes() + (int(registers[HIGH]) >> 24).to_bytes(1, "big")


def decode_indices(payload: bytes, shape: tuple[int, int], predictors: list[Predictor], apart: bool) -> Indices:
    """The inverse of `encode_indices`; shape: rows and columns. Raises CorruptFile."""
    stream = np.frombuffer(payload, np.uint8).copy()
    grids, registers = np.zeros((len(predictors), *shape), np.int32), new_registers(stream, True)
    for grid, predictor in zip(grids, predictors, strict=True):
        if code_rows(new_state(predictor, stream, registers), 1, grid, grids[0], int(apart)) != GOOD:
            raise CorruptFile("its stream ends early")
    if int(registers[POSITION]) != len(payload) + READ_AHEAD:
        raise CorruptFile("its stream does not end with its last index")
    return grids
