"""Inputs of codec `features`: smooth activations; what decoding gives is known by its hash, since it is lossy."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

CODEC = "features"
WANTED = [("one", "wide"), ("one", "single"), ("each", "wide"), ("each", "half"), ("fine", "single"), ("last", "half")]
DECODED = {
    "one-wide": "a511e93b44625bf8",
    "one-single": "d6c84d03f974b3a0",
    "each-wide": "5472b47370e588d7",
    "each-half": "0aeae788b3f9e867",
    "fine-single": "5f3997b6562cc030",
    "last-half": "cbea82d94e515bd5",
}
"""xxh3-64 of the .npy files."""
_OPTIONS: dict[str, dict[str, Any]] = {
    "one": {"step": 0.5, "chunk": 2},
    "each": {"steps": (0.25, 0.5, 1.0, 2.0, 4.0, 0.125)},
    "fine": {"step": 2.0**-12},
    "last": {"step": 0.75, "layout": "HWC"},
}


def values(name: str) -> np.ndarray:
    """wide: float32 [3, 6, 9, 7]; single: float32 [6, 5, 4], one item; half: float16 [2, 6, 6, 6]. Sums of random steps."""
    rng = random.Random(2027)
    shape = {"wide": (3, 6, 9, 7), "single": (1, 6, 5, 4), "half": (2, 6, 6, 6)}[name]
    drawn = [sum(rng.getrandbits(8) for _ in range(4)) - 510 for _ in range(int(np.prod(shape)))]
    steps = np.array(drawn, np.float64).reshape(shape) / 256
    scale = np.array([8, 4, 2, 1, 0.25, 0.0625])[:, None, None]
    found = np.maximum((np.cumsum(steps, axis=2) * 0.5 + steps) * scale, -2)  # sums of multiples of 2^-13: exact
    found = found.astype(np.float16 if name == "half" else np.float32)
    return found[0] if name == "single" else found


def content(name: str) -> bytes:
    """The .npy file."""
    out = io.BytesIO()
    np.save(out, values(name))
    return out.getvalue()


def make(setting: str, name: str) -> bytes:
    """The features, encoded with these steps."""
    import lacodec

    return lacodec.encode(values(name), CODEC, **_OPTIONS[setting])


def exact(setting: str, name: str) -> bool:
    """All arithmetic is the same everywhere."""
    return True


def restored(path: Path) -> bytes:
    """The content if the file decodes to what it always did, else what it decodes to."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out)
    _, setting, name = path.stem.split("-")
    return content(name) if xxhash.xxh3_64_hexdigest(out.getvalue()) == DECODED[f"{setting}-{name}"] else out.getvalue()
