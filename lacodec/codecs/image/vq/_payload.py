"""The payload of a chunk: the range coder's bytes, of the indices in its rows."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.image.vq._kernel import GOOD, choose_rows, code_rows, new_state
from lacodec.entropy.mixing import HIGH, POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.models.vq.predictor import Predictor

Indices = NDArray[np.int32]
"""[rows, columns]."""


def choose_indices(
    vectors: NDArray[np.float32], words: NDArray[np.float32], price: float, predictor: Predictor, apart: bool
) -> Indices:
    """For vectors [rows, columns, D], words of a book [K, D]: each time what costs least, by squared distance and by bits.

    price: of a bit, as a squared distance. apart: whether the rows are not neighbours.
    """
    grid = np.zeros(vectors.shape[:2], np.int32)
    state = new_state(predictor, np.zeros(0, np.uint8), False)
    choose_rows(state, grid, np.ascontiguousarray(vectors), np.ascontiguousarray(words), price, int(apart))
    return grid


def encode_indices(indices: Indices, predictor: Predictor, apart: bool) -> bytes:
    """The payload. apart: whether the rows are not neighbours."""
    grid = np.array(indices, np.int32, order="C")
    state = new_state(predictor, np.zeros(3 * grid.size * (len(predictor.last) - 1).bit_length() + 64, np.uint8), False)
    code_rows(state, 0, grid, int(apart))
    return state.stream[: int(state.registers[POSITION])].tobytes() + (int(state.registers[HIGH]) >> 24).to_bytes(1, "big")


def decode_indices(payload: bytes, shape: tuple[int, int], predictor: Predictor, apart: bool) -> Indices:
    """The inverse of `encode_indices`; raises CorruptFile."""
    state = new_state(predictor, np.frombuffer(payload, np.uint8).copy(), True)
    grid = np.zeros(shape, np.int32)
    if code_rows(state, 1, grid, int(apart)) != GOOD:
        raise CorruptFile("its stream ends early")
    if int(state.registers[POSITION]) != len(payload) + READ_AHEAD:
        raise CorruptFile("its stream does not end with its last index")
    return grid
