"""Networks that were fitted to other pictures (tools/train_field.py): fits begin with them, files hold what was changed.

start.npz: int16 of each array, in 1024ths, for each of `PRICES`.
"""

import functools
from pathlib import Path

import numpy as np

from lacodec.codecs.image.field._network import context_shapes, synthesis_shapes

PATH = Path(__file__).with_name("start.npz")
UNIT = 1024.0
PRICES = (8.0, 30.0, 110.0, 400.0, 1500.0)
"""Squared error for a bit per pixel, at which each start was fitted."""


def nearest(price: float) -> int:
    """Number of the start whose price is nearest, by the logarithm."""
    return int(np.argmin(np.abs(np.log(price / np.array(PRICES)))))


def networks(channels: int, number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights of context and synthesis, float64 in 1024ths; with one channel those of the first of three."""
    stored = _stored()
    shapes = {"context": context_shapes(), "synthesis": synthesis_shapes(channels)}
    context, synthesis = (
        [_part(stored[f"{name}{k}"][number], shape) / UNIT for k, shape in enumerate(each)] for name, each in shapes.items()
    )
    return context, synthesis


def _part(stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(stored[tuple(slice(size) for size in shape)], np.float64)


@functools.cache
def _stored() -> dict[str, np.ndarray]:
    with np.load(PATH) as file:
        return {name: file[name] for name in file.files}
