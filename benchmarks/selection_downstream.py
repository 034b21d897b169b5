"""What a selection is worth: small language models, trained on 2 MB that `bits`, DSIR and chance select, on the target.

    python benchmarks/selection_downstream.py DATA RESULTS.jsonl [--steps 5000] [--seeds 3] [--pools dickens,wiki]

DATA: folder with the corpora of selection.py, whose pools these are (20 MB, 5 % of the source), with documents of the source held
out. Each model has a million parameters and reads the last bytes, alone and as hashed n-grams. All train the same number of steps
of 4,096 bytes; 20 take about a second of one core. A line of RESULTS for each run: bits per byte of the held-out documents. Runs
that are there already are not repeated, so that an interrupted command goes on. DSIR is PyPI's data-selection with its noise of
resampling; seeds change the training, the noise and what chance selects.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

import selection

_SELECTED, _HELD_OUT = 2_000_000, 200_000  # bytes
_METHODS = ("bits", "random", "dsir")
_BATCH = 4096
_CONTEXT = 8
_SLOTS = 1 << 13
_ORDERS = (2, 3, 4, 6)


class Model(nn.Module):
    """The next byte given the last ones: embeddings of each, and of the n-grams that end there, then two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = nn.Embedding(256 * _CONTEXT, 16)
        self.grams = nn.ModuleList(nn.Embedding(_SLOTS, 24) for _ in _ORDERS)
        self.net = nn.Sequential(
            nn.Linear(16 * _CONTEXT + 24 * len(_ORDERS), 256), nn.GELU(), nn.LayerNorm(256), nn.Linear(256, 256)
        )

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        """context: i64[batch, _CONTEXT], the last byte first -> logits f32[batch, 256]."""
        parts = [self.bytes(context + 256 * torch.arange(_CONTEXT)).flatten(1)]
        for order, table in zip(_ORDERS, self.grams, strict=True):
            powers = torch.tensor([pow(1_000_003, k + 1, 1 << 31) for k in range(order)])
            parts.append(table(((context[:, :order] + 1) * powers).sum(1) * 2_654_435_761 % (1 << 31) % _SLOTS))
        return self.net(torch.cat(parts, 1))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pools", default="dickens,wiki")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in args.results.read_text().splitlines()] if args.results.exists() else []
    names = args.pools.split(",")
    for name in names:
        made, held_out = pool_of(args.data, name)
        scores: dict[str, np.ndarray] = {}
        for seed in range(args.seeds):
            for method in _METHODS:
                run = {"pool": name, "method": method, "seed": seed, "steps": args.steps}
                if any(run.items() <= row.items() for row in rows):
                    continue
                chosen = chosen_of(made, method, seed, scores)
                share = float(made.wanted[chosen].mean())
                begin = time.process_time()
                loss = trained(b"".join(made.documents[i] for i in chosen), held_out, seed, args.steps)
                rows.append({**run, "bits_per_byte": loss, "wanted": share, "seconds": time.process_time() - begin})
                with open(args.results, "a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
                print(rows[-1], flush=True)
    report([row for row in rows if row["steps"] == args.steps], names)


def pool_of(data: Path, name: str) -> tuple[selection.Pool, bytes]:
    """A pool, and documents of its source that are neither in it nor in the target."""
    made = selection.pool(data, name, 0.05, 20e6)
    ends = np.cumsum([len(document) for document in made.target])
    count = max(1, int(np.searchsorted(ends, _HELD_OUT)))
    return selection.Pool(made.documents, made.wanted, made.target[count:]), b"".join(made.target[:count])


def chosen_of(made: selection.Pool, method: str, seed: int, scores: dict[str, np.ndarray]) -> np.ndarray:
    """Documents that a method selects, up to 2 MB, in an order drawn by chance."""
    chance = np.random.default_rng(seed)
    drawn = chance.random(len(made.documents))
    if method != "random" and method not in scores:
        scores[method] = selection.bits(made) if method == "bits" else selection.data_selection(made)
    order = drawn if method == "random" else scores[method] - (np.log(-np.log(drawn)) if method == "dsir" else 0)
    ranked = np.argsort(-order, kind="stable")
    count = int(np.searchsorted(np.cumsum([len(made.documents[i]) for i in ranked]), _SELECTED))
    return chance.permutation(ranked[:count])


def trained(text: bytes, held_out: bytes, seed: int, steps: int) -> float:
    """Bits per byte of the held-out text after so many steps."""
    torch.manual_seed(seed)
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8).long()
    model = Model()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        at = torch.randint(_CONTEXT, len(data), (_BATCH,))
        loss = nn.functional.cross_entropy(model(contexts(data, at)), data[at])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    data = torch.frombuffer(bytearray(held_out), dtype=torch.uint8).long()
    total = 0.0
    with torch.no_grad():
        for at in torch.arange(_CONTEXT, len(data)).split(1 << 14):
            total += float(nn.functional.cross_entropy(model(contexts(data, at)), data[at], reduction="sum"))
    return total / (len(data) - _CONTEXT) / math.log(2)


def contexts(data: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The bytes before these places, the last one first."""
    return data[at[:, None] - 1 - torch.arange(_CONTEXT)]


def report(rows: list[dict[str, float]], names: list[str]) -> None:
    """Means with standard errors, and what a selection gains over chance."""
    for name in names:
        means = {}
        for method in _METHODS:
            losses = [row["bits_per_byte"] for row in rows if row["pool"] == name and row["method"] == method]
            if len(losses) > 1:
                means[method] = np.mean(losses), np.std(losses, ddof=1) / math.sqrt(len(losses))
                print(f"{name}, {method}: {means[method][0]:.4f} +- {means[method][1]:.4f} bits per byte ({len(losses)} runs)")
        if "bits" in means and "random" in means:
            error = math.hypot(means["bits"][1], means["random"][1])
            gain = means["random"][0] - means["bits"][0]
            print(f"{name}: bits below random by {gain:.4f}, {gain / max(error, 1e-9):.1f} standard errors")


if __name__ == "__main__":
    main()
