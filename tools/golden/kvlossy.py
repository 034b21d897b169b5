"""KV caches of codec `kv.lossy`: what decoding gives is known by its hash, for caches without a rotary embedding, whose cosines
and sines come from the machine's library."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xxhash

from lacodec.codecs.kv.lossy.basis import Basis, Transform
from lacodec.media.kv.value import KVCache, Model
from tools.golden import kv

CODEC = "kv.lossy"
WANTED = [("q60", name) for name in ("bf16", "f16", "f32")] + [("q90", "bf16"), ("cut", "bf16"), ("basis", "bf16")]
DECODED = {
    "q60-bf16": "7f7212f4b1263c30",
    "q60-f16": "14c843bcac2648b5",
    "q60-f32": "b08b48956ca7325e",
    "q90-bf16": "4337b60513a6bd0c",
    "cut-bf16": "fcb52df3e9b7420d",
    "basis-bf16": "b7e9221afcd27c68",
}
"""xxh3-64 of the plain files."""


def cache(name: str) -> KVCache:
    """That of codec `kv`, without a rotary embedding."""
    made = kv.cache(name)
    return replace(made, model=Model("Tiny", "0123456789abcdef" * 4))


def content(name: str) -> bytes:
    """The plain file of a cache."""
    from lacodec.media.kv.files import KV

    return b"".join(KV.to_blocks(cache(name)))


def basis() -> bytes:
    """A basis for these caches: keys of 16 channels together, values of two heads of 8, of small whole numbers and eighths."""
    pattern = np.array([[((3 * i * i + 5 * i * j + j) % 7 - 3) / 8 for j in range(16)] for i in range(16)], np.float32)

    def transform(groups: int) -> Transform:
        n = 16 // groups
        matrix = np.stack([np.eye(n, dtype=np.float32) + np.triu(pattern[:n, :n], 1) for _ in range(groups)])
        units, ones = np.full(16, 0.25, np.float32), np.ones(16, np.float32)
        return Transform(units, ones / 2, 4 * ones, matrix * np.float32(0.25))

    return Basis(tuple((transform(1), transform(2)) for _ in range(3)), Model("Tiny", "0123456789abcdef" * 4)).to_bytes()


def base_of(stem: str) -> bytes | None:
    """What a file needs beside itself."""
    return basis() if "-basis-" in stem else None


def make(setting: str, name: str) -> bytes:
    """The cache called `name`, encoded."""
    import lacodec

    if setting == "basis":
        return lacodec.encode(cache(name), "kv.lossy", quality=50, basis=basis())
    if setting == "cut":
        return lacodec.encode(cache(name), "kv.lossy", quality=60, tokens=64, exact=10)
    return lacodec.encode(cache(name), "kv.lossy", quality=int(setting.removeprefix("q")))


def exact(setting: str, name: str) -> bool:
    """Steps come from logarithms and powers of the machine's library, coefficients from its matrix products."""
    return False


def restored(path: Path) -> bytes:
    """The content if the file decodes to what it always did, else what it decodes to."""
    from lacodec import api
    from lacodec.media.kv.files import KV

    _, setting, name = path.stem.split("-")
    decoded = b"".join(KV.to_blocks(api.decode(path, base=base_of(path.stem))))
    return content(name) if xxhash.xxh3_64_hexdigest(decoded) == DECODED[f"{setting}-{name}"] else decoded
