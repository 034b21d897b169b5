"""What the training of the mixing engine's models has in common: the start values in an engine that has learned."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.codecs.bytes.mixed.start import WEIGHT_UNIT
from lacodec.entropy.mixing import Engine
from lacodec.entropy.mixing_state import Shape

MOST_COUNT = 60  # trained probabilities stay quick to correct
CARRIED = ("maps", "expect_maps", "weights", "final_weights", "apm")
"""Pools of an engine that the next one takes over in training."""


def start_values(engine: Engine, first: np.ndarray, shape: Shape) -> dict[str, Any]:
    """The arrays of a `trained.npz`: of every selector the mean of the weight sets that moved away from `first`."""
    sets = engine.weights.reshape(-1, shape.width)
    moved = (sets != first.reshape(sets.shape)).any(1)
    bounds = np.concatenate([[0], np.cumsum(shape.sets)])
    weights = [sets[a:b][moved[a:b]].mean(0) for a, b in pairwise(bounds)]
    final = engine.final_weights.reshape(256, -1)[1:, : len(shape.sets)]
    return {
        "maps": (engine.maps.reshape(-1, 256) >> 16).astype(np.uint16),
        "counts": np.minimum(engine.maps.reshape(-1, 256) & 1023, MOST_COUNT).astype(np.uint8),
        "expect_maps": (engine.expect_maps.reshape(-1, 128) >> 16).astype(np.uint16),
        "expect_counts": np.minimum(engine.expect_maps.reshape(-1, 128) & 1023, MOST_COUNT).astype(np.uint8),
        "weights": np.round(np.array(weights) / WEIGHT_UNIT).astype(np.int16),
        "final": np.round(final.mean(0)).astype(np.int32),
    }


def save(path: Path, arrays: dict[str, Any]) -> None:
    """Write a `trained.npz`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path.write_bytes(buffer.getvalue())
    print(f"{path.name}: {len(buffer.getvalue())} bytes")
