"""Signs of the filters of ResNets: by the order of rows, by a minimum spanning tree, by their neighbours in the filter.

    python benchmarks/weights_signs.py FOLDER_OF_DATA

`rows`: each filter as its differences to the one before, where that is less. `tree`: to its parent in the minimum spanning tree
of Hamming distances, whose number costs log2(filters). `neighbours`: by the signs to the left and above in the 3 x 3 kernel, one
byte for each context. All are entropies, layer by layer.
"""

import argparse
from pathlib import Path

import numpy as np


def main() -> None:
    """Print a line for each network: bytes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    import torch

    for file in sorted((arguments.data / "models/resnet-cifar10").glob("*.th")):
        state = torch.load(file, map_location="cpu", weights_only=True)
        layers = [(array.numpy() > 0).astype(np.uint8) for array in state.get("state_dict", state).values() if array.ndim == 4]
        found = {name: round(sum(map(way, layers)) / 8) for name, way in WAYS.items()}
        print(f"{file.stem:20} {sum(layer.size for layer in layers) // 8:8,} bytes  {found}")


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
