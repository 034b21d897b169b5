"""Tiny models of codecs `image.walloc` and `audio.walloc`, made without training."""

from functools import cache
from pathlib import Path

import numpy as np

from lacodec.models.walloc.transform import Transform


@cache
def transform(kind: str) -> Transform:
    """Two levels; the lowest bands, in steps."""
    bands, kept, step = (48, 6, 20.0) if kind == "picture" else (8, 4, 0.02)
    pick = np.eye(bands, dtype=np.float32)[:kept]
    return Transform(kind, 2, np.float32(np.float16(pick / step)), np.float32(np.float16(pick.T * step)))


def model_file(folder: Path, kind: str) -> str:
    """Its file."""
    path = folder / f"{kind}.npz"
    np.savez(path, **transform(kind).arrays())
    return str(path)
