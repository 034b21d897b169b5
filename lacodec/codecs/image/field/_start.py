"""Networks that were fitted to other pictures (tools/train_field.py): fits begin with them, files hold what was changed.

start.npz: int16 of each array, in 1024ths.
"""

import functools
from pathlib import Path

import numpy as np

from lacodec.codecs.image.field._network import context_shapes, synthesis_shapes

PATH = Path(__file__).with_name("start.npz")
UNIT = 1024.0


def networks(channels: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights of context and synthesis, float64 in 1024ths; with one channel those of the first of three."""
    stored = _stored()
    shapes = {"context": context_shapes(), "synthesis": synthesis_shapes(channels)}
    context, synthesis = (
        [_part(stored[f"{name}{k}"], shape) / UNIT for k, shape in enumerate(each)] for name, each in shapes.items()
    )
    return context, synthesis


def _part(stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(stored[tuple(slice(size) for size in shape)], np.float64)


@functools.cache
def _stored() -> dict[str, np.ndarray]:
    with np.load(PATH) as file:
        return {name: file[name] for name in file.files}
