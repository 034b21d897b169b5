"""A tiny circuit without training, and pictures that suit it."""

from functools import cache
from pathlib import Path

import numpy as np

from lacodec.models.circuits.circuit import Circuit

SHAPE, LEVELS, STATES = (5, 4), 8, 3


def marks(count: int) -> np.ndarray:
    """uint8[count, 5, 4]: a bar at one of three places, on a ground of few levels."""
    number = np.arange(count)[:, None, None]
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    ground = (number * 7 + rows * columns) % 3
    return np.where(columns == number % 3, 7 - (number + rows) % 2, ground).astype(np.uint8)


@cache
def circuit() -> Circuit:
    """Chances from a fixed sequence: state s of a pixel likes values near 3 * s, and is likely to stay."""
    size = SHAPE[0] * SHAPE[1]
    order = np.arange(size, dtype=np.int32) * 7 % size
    parents = np.array([-1, 0, 1, 2, 2, 1, 0, 6, 6, 8, 9, 9, 9, 12, 13, 8, 15, 16, 15, 0], np.int32)
    neighbours = np.array([[-1, -1] if i < 2 else [i // 2, i - 1] for i in range(size)], np.int32)
    value, state = np.arange(-2, LEVELS)[:, None], np.arange(STATES)
    near = np.where(value < 0, 20 - 3 * value, 12 * np.abs(value - 3 * state))
    emissions = np.stack(
        [np.stack([near + 2 * context * (value % 2) + node % 5 for context in range(9)]) for node in range(size)]
    )
    transitions = np.stack([20 * np.abs(state[:, None] - state) + node for node in range(size)])
    parts = (emissions.astype(np.uint8), transitions.astype(np.uint8))
    return Circuit(SHAPE, order, parents, neighbours, order // 2 * 2, np.array([2, 5], np.uint8), *parts)


def model_file(folder: Path, made: Circuit | None = None) -> str:
    """Its file."""
    path = folder / "circuit.npz"
    np.savez(path, **(made or circuit()).arrays())
    return str(path)
