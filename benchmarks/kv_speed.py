"""How fast KV caches are coded and decoded, on one thread: MB of BF16 a second of processor time, the best of several runs.

python benchmarks/kv_speed.py FOLDER [--ways WAY ...]      FOLDER: what benchmarks/kv.py made; `lossless` is a way, too

A basis is read anew each time. `in parts` is decoding from an open file, five layers at a time, which share a chunk.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
import lacodec.kv
from benchmarks.kv import caches, options_of
from benchmarks.kv_model import load

_TOGETHER = 5  # layers


def best(work: Callable[[], Any], runs: int) -> float:
    """Seconds."""
    found = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def measured(held: Any, described: Any, options: dict[str, Any], runs: int) -> str:
    """What a way does with a cache."""
    pairs, basis = held["pairs"], options.get("basis")
    size = sum(2 * part.numel() for pair in pairs for part in pair) / 1e6
    data = lacodec.kv.encode(pairs, described, threads=1, **options)

    def parts() -> None:
        with lacodec.open(data, base=basis) as opened:
            for first in range(0, len(pairs), _TOGETHER):
                opened[first : first + _TOGETHER, :]

    speeds = {
        "encode": lambda: lacodec.kv.encode(pairs, described, threads=1, **options),
        "decode": lambda: lacodec.kv.decode(data, basis=basis, threads=1),
        "in parts": parts,
    }
    told = ", ".join(f"{name} {size / best(work, runs):.0f}" for name, work in speeds.items())
    return f"{100 * len(data) / size / 1e6:.2f} % of BF16; MB/s: {told}"


def main() -> None:
    """A line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", nargs="*", default=["lossless", "layer+weights-48", "head-46", "steps-41"])
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    described = lacodec.kv.describe(load(args.folder))
    held = torch.load(caches(args.folder)[0], weights_only=False)
    for way in args.ways:
        options = {} if way == "lossless" else options_of(args.folder, way, held["weights"])
        print(f"{way}: {measured(held, described, options, args.runs)}", flush=True)


if __name__ == "__main__":
    main()
