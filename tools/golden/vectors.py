"""Inputs of codec `vectors`: correlated numbers; what decoding gives is known by its hash, since it is lossy."""

import io
import random
from pathlib import Path

import numpy as np
import xxhash

CODEC = "vectors"
WANTED = [("rate10", "unit"), ("rate10", "half"), ("rate8", "whole"), ("sorted10", "unit"), ("sorted10", "half")]
DECODED = {
    "rate10-unit": "9b82db3ba571f08f",
    "rate10-half": "1231344922928e4f",
    "rate8-whole": "8006f19a62ca5ce6",
    "sorted10-unit": "e3823f7edda0c9e8",
    "sorted10-half": "87ef18825d1c58d2",
}
"""xxh3-64 of the .npy files."""


def rows(name: str) -> np.ndarray:
    """[600, 24]: sums of few shared numbers with falling weights; unit: of length 1; half: float16; whole: bytes."""
    rng = random.Random(2026)

    def bell() -> int:
        return sum(rng.getrandbits(10) for _ in range(4)) - 2 * 1023

    mix = [[bell() for _ in range(24)] for _ in range(24)]
    drawn = [[bell() >> k // 3 for k in range(24)] for _ in range(600)]
    found = np.array(drawn, np.float64) @ np.array(mix, np.float64) * 2.0**-24 + 0.25  # whole numbers below 2^53: exact
    if name == "whole":
        return np.clip(np.rint(found * 8 + 128), 0, 255).astype(np.uint8)
    if name == "half":
        return found.astype(np.float16)
    return (found / np.sqrt(np.square(found).sum(axis=1, keepdims=True))).astype(np.float32)


def content(name: str) -> bytes:
    """The .npy file."""
    out = io.BytesIO()
    np.save(out, rows(name))
    return out.getvalue()


def make(setting: str, name: str) -> bytes:
    """The vectors, encoded with so many bytes each, in chunks of 250."""
    import lacodec

    ordered = setting.startswith("rate")
    rate = int(setting.removeprefix("rate").removeprefix("sorted"))
    return lacodec.encode(rows(name), "vectors", bytes_per_vector=rate, chunk=250, ordered=ordered)


def exact(setting: str, name: str) -> bool:
    """The components come from the machine's library of linear algebra."""
    return False


def restored(path: Path) -> bytes:
    """The content if the file decodes to what it always did, else what it decodes to."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out)
    _, setting, name = path.stem.split("-")
    return content(name) if xxhash.xxh3_64_hexdigest(out.getvalue()) == DECODED[f"{setting}-{name}"] else out.getvalue()
