"""A very small language model of text for tests: arrays of a model file, made without torch."""

from pathlib import Path

import numpy as np

from lacodec.models.text.frozen import shapes
from lacodec.models.text.options import TextOptions
from lacodec.training import text_pieces

TEXT = (
    "It was the best of times, it wasn't the worst -- 'so she said,' in 1859.\n\n  Про що? «Ну,» — 春眠不覺曉。\r\n" * 6
).encode()


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights, about as large as trained ones, and pieces of TEXT."""
    rng = np.random.default_rng(seed)
    pieces = text_pieces.learn(text_pieces.count(TEXT), 330)
    made = {}
    for name, (dtype, shape) in shapes(TextOptions(len(pieces), width=24, recurrence=40, hidden=36, blocks=2)).items():
        if dtype == np.int8:
            made[name] = rng.integers(-31, 32, shape).astype(np.int8)
        elif name == "embedding_scale":
            made[name] = rng.integers(1 << 26, 1 << 27, shape).astype(np.int32)
        elif name.endswith("scale"):
            made[name] = rng.integers(1 << 18, 1 << 19, shape).astype(np.int32)
        else:
            made[name] = rng.integers(-2000, 2000, shape).astype(np.int32)
    gate = np.arange(-127, 128) / 16
    sigmoid = 1 / (1 + np.exp(-gate))
    made["keep"] = np.rint(sigmoid * 65535).astype(np.int32)
    made["take"] = np.rint(np.sqrt(1 - sigmoid**2) * 65535).astype(np.int32)
    made["silu"] = np.rint(gate * sigmoid * 4096).astype(np.int32)
    made["power"] = np.rint(2.0 ** (24 - np.arange(1024) / 1024)).astype(np.int32)
    return {**made, "merges": pieces.merges.astype(np.int32)}


def model_file(folder: Path, seed: int = 0) -> Path:
    """The arrays as a model file."""
    path = folder / "model.npz"
    np.savez(path, **arrays(seed))
    return path
