"""KV caches of codec `kv`, made with exact arithmetic, so that they are the same on every machine."""

import io
import random
import zlib
from pathlib import Path

import numpy as np

from lacodec.media.kv.value import KVCache, Model

CODEC = "kv"
WANTED = [("effort5", name) for name in ("bf16", "f16", "f32", "odd", "channels")] + [("effort1", "bf16"), ("cut", "bf16")]
_ROPE = Model("Tiny", "0123456789abcdef" * 4, "default", (1.0, 0.5, 0.25, 0.125), 1.0)


def cache(name: str) -> KVCache:
    """The cache called `name`: channels that each have their own scale, a power of two, and their own mean."""
    rng = random.Random(2026)

    def array(batch: int, heads: int, tokens: int, width: int) -> np.ndarray:
        bells = [sum(rng.getrandbits(12) for _ in range(4)) - 2 * 4095 for _ in range(batch * heads * tokens * width)]
        scales = np.array([2.0 ** -(8 + (7 * channel) % 5) for channel in range(width)])
        means = np.array([(channel % 3 - 1) * 0.5 for channel in range(width)])
        found = (np.array(bells, np.float64).reshape(batch, heads, tokens, width) * scales + means).astype(np.float32)
        if name == "f16":
            return found.astype(np.float16)
        return found if name in ("f32", "odd") else (found.view(np.uint32) >> 16).astype(np.uint16)

    if name == "odd":  # other heads and widths for keys and values, a batch, and values that are no numbers
        pairs = [(array(2, 1, 37, 6), array(2, 3, 37, 5)), (array(2, 2, 37, 8), array(2, 0, 37, 4))]
        pairs[0][0][0, 0, 3, :4] = np.nan, np.inf, -np.inf, -0.0
        return KVCache(tuple(pairs), "F32")
    if name == "channels":  # enough of them to get tables of their own
        return KVCache(((array(1, 2, 600, 16), array(1, 2, 600, 16)),), "BF16", _ROPE)
    pairs = [(array(1, 2, 100, 8), array(1, 2, 100, 8)) for _ in range(3)]
    return KVCache(tuple(pairs), name.upper(), _ROPE)


def content(name: str) -> bytes:
    """The plain file of a cache."""
    from lacodec.media.kv.files import KV

    return b"".join(KV.to_blocks(cache(name)))


def make(setting: str, name: str) -> bytes:
    """The cache called `name`, encoded."""
    import lacodec

    if setting == "cut":
        return lacodec.encode(cache(name), "kv", tokens=64)
    return lacodec.encode(cache(name), "kv", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Where zlib is the usual one: the list of runs is packed by it."""
    return zlib.ZLIB_RUNTIME_VERSION.startswith("1.") and "ng" not in zlib.ZLIB_RUNTIME_VERSION


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out)
    return out.getvalue()
