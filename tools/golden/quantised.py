"""Inputs of codec `weights.quantised`: a file of tensors; what decoding gives is known by its hash, since it is lossy."""

from pathlib import Path

import xxhash

from tools.golden import gguf, weights

CODEC = "weights.quantised"
WANTED = [("size9000", "matrices"), ("size5000", "matrices"), ("size9000", "blocks"), ("layers9000", "matrices")]
DECODED = {
    "v0": {
        "size9000-matrices": "f3df741c98286b5c",
        "size5000-matrices": "7dc5ac71e0ecfbe5",
        "size9000-blocks": "73048fb0951311b9",
        "layers9000-matrices": "0e8156fb9cc805d6",
    },
    "v1": {
        "size9000-matrices": "873d3d22fcd5c1b0",
        "size5000-matrices": "e455a9fd15fe7889",
        "size9000-blocks": "4543b6b7a161bbcf",
        "layers9000-matrices": "0e8156fb9cc805d6",
    },
}
"""Stream version -> xxh3-64 of the safetensors files."""


def content(name: str) -> bytes:
    """matrices: BF16 rows of several scales; blocks: a GGUF file."""
    return weights.content("bf16") if name == "matrices" else gguf.content("blocks")


def make(setting: str, name: str) -> bytes:
    """The file, encoded to about so many bytes."""
    import lacodec

    size = int(setting.removeprefix("size").removeprefix("layers"))
    return lacodec.encode(content(name), "weights", size=size, layers=setting.startswith("layers"))


def exact(setting: str, name: str) -> bool:
    """The search for the size uses logarithms and powers of the machine's library."""
    return False


def restored(path: Path) -> bytes:
    """The content if the file decodes to what it always did, else what it decodes to."""
    _, setting, name = path.stem.split("-")
    decoded, wanted = weights.restored(path), DECODED[path.parent.name.partition("-")[0]]
    return content(name) if xxhash.xxh3_64_hexdigest(decoded) == wanted[f"{setting}-{name}"] else decoded
