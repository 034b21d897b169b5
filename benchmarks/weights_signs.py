"""Signs of the filters of ResNets: files, and what the order of rows, a minimum spanning tree and neighbours in the filter tell.

    python benchmarks/weights_signs.py FOLDER_OF_DATA

First a file of the signs (safetensors, int8) by codec `weights`, decoded in another process, beside codec `bytes` at effort 9, xz
and zstd on the file and on its bits, eight in a byte. Then entropies, layer by layer. `rows`: each filter as its differences to
the one before, where that is less. `tree`: to its parent in the minimum spanning tree of Hamming distances, whose number costs
log2(filters). `neighbours`: by the signs to the left and above in the 3 x 3 kernel, one byte for each context.
"""

import argparse
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import zstandard

import lacodec
from lacodec.media.tensors.safetensors import build_header


def main() -> None:
    """Print two lines for each network: bytes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    import torch

    for path in sorted((arguments.data / "models/resnet-cifar10").glob("*.th")):
        state = torch.load(path, map_location="cpu", weights_only=True)
        named = {name: array.numpy() > 0 for name, array in state.get("state_dict", state).items() if array.ndim == 4}
        bits = np.packbits(np.concatenate([array.ravel() for array in named.values()])).tobytes()
        print(f"{path.stem:20} {len(bits):8,} bytes of bits  {files(named)}  bits: {others(bits)}")
        layers = [array.astype(np.uint8) for array in named.values()]
        print(" " * 20, "entropies", {name: round(sum(map(way, layers)) / 8) for name, way in WAYS.items()})


def files(named: dict[str, np.ndarray]) -> dict[str, int]:
    """Bytes of files of these signs by every way."""
    signs = {name: np.where(array, 1, -1).astype(np.int8) for name, array in named.items()}
    head = build_header([(name, "I8", array.shape, array.nbytes) for name, array in signs.items()], None)
    data = head + b"".join(array.tobytes() for array in signs.values())
    found = {filters: len(checked(lacodec.encode(data, "weights", filters=filters), data)) for filters in ("tree", "rows")}
    return {**found, **others(data)}


def checked(coded: bytes, data: bytes) -> bytes:
    """What was coded, once another process has decoded it to `data`."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "signs.lac", Path(folder) / "signs"
        path.write_bytes(coded)
        subprocess.run([sys.executable, "-m", "lacodec", "decode", str(path), "-o", str(out)], check=True, capture_output=True)
        if out.read_bytes() != data:
            raise SystemExit("a file decodes to something else")
    return coded


def others(data: bytes) -> dict[str, int]:
    """Bytes by compressors of any bytes."""
    return {
        "bytes 9": len(checked(lacodec.encode(data, "bytes", effort=9), data)),
        "xz -9e": len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)),
        "zstd -19": len(zstandard.ZstdCompressor(level=19).compress(data)),
    }


def alone(signs: np.ndarray) -> float:
    """One probability for the layer."""
    return entropy(int(signs.sum()), signs.size)


def rows(signs: np.ndarray) -> float:
    """Differences to the filter before, or none."""
    flat = signs.reshape(len(signs), -1)
    changed = flat[1:] ^ flat[:-1]
    return min(alone(signs), flat.shape[1] + entropy(int(changed.sum()), changed.size))


def tree(signs: np.ndarray) -> float:
    """Prim's algorithm."""
    flat = signs.reshape(len(signs), -1)
    distances = (flat[:, None] ^ flat).sum(2)
    best, left, total = distances[0].copy(), set(range(1, len(flat))), 0
    while left:
        nearest = min(left, key=lambda number: best[number])
        total += int(best[nearest])
        left.remove(nearest)
        best = np.minimum(best, distances[nearest])
    edges = len(flat) - 1
    return float(flat.shape[1] + entropy(total, edges * flat.shape[1]) + edges * np.log2(len(flat)))


def neighbours(signs: np.ndarray) -> float:
    """The sign to the left, that above, and whether there are such."""
    left, above = np.full_like(signs, 2), np.full_like(signs, 2)
    left[..., 1:], above[..., 1:, :] = signs[..., :-1], signs[..., :-1, :]
    context = 3 * left + above
    return sum(entropy(int(signs[context == one].sum()), int((context == one).sum())) + 8 for one in np.unique(context))


def entropy(ones: int, count: int) -> float:
    """Bits of so many zeros and ones."""
    shares = np.array([ones, count - ones]) / max(1, count)
    shares = shares[shares > 0]
    return float(-count * (shares * np.log2(shares)).sum())


WAYS = {"alone": alone, "rows": rows, "tree": tree, "neighbours": neighbours}

if __name__ == "__main__":
    main()
