"""The network that guesses lost vectors, trained by squared error on rows and places that were taken out at random."""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lacodec.models.vq.network import VectorNetwork
from lacodec.models.vq.options import LEVELS

_SIDE, _BATCH, _RATE = 20, 16, 1e-3
_REPORT = 100
_SHARES = (0.05, 0.1, 0.15, 0.25, 0.2, 0.25)  # of the levels


def train_conceal(
    network: VectorNetwork, decoded: list[list[Tensor]], seconds: float, report: Callable[[str], None], seed: int = 0
) -> None:
    """Train `network.conceal` in place on vectors float32[rows, columns, D] as they are decoded, of pictures by level, for
    so much processor time."""
    rng = np.random.default_rng(seed)
    layer = network.conceal.requires_grad_(True)
    optimiser = torch.optim.Adam(layer.parameters(), _RATE)
    begun, errors, step = time.process_time(), [], 0
    large = [[one for one in found if min(one.shape[:2]) >= _SIDE] for found in decoded]
    while (part := (time.process_time() - begun) / seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = _RATE * (1 - part) + 1e-6
        vectors = torch.stack([_crop(large[int(rng.choice(LEVELS, p=_SHARES))], rng) for _ in range(_BATCH)])
        known = torch.from_numpy(np.stack([known_places(rng, _SIDE, _SIDE) for _ in range(_BATCH)]))[:, None]
        lost = 1 - known
        error = ((layer(vectors, known) - vectors).square() * lost).sum() / lost.sum().clamp(min=1)
        usual = ((vectors - vectors.mean((2, 3), keepdim=True)).square() * lost).sum() / lost.sum().clamp(min=1)
        optimiser.zero_grad()
        (error / usual).backward()
        optimiser.step()
        errors.append(float((error / usual).detach()))
        step += 1
        if step % _REPORT == 0:
            report(f"concealment: step {step}, {np.mean(errors[-_REPORT:]):.3f} of the variance is left")
    layer.requires_grad_(False)


def _crop(pictures: list[Tensor], rng: np.random.Generator) -> Tensor:
    one = pictures[int(rng.integers(len(pictures)))]
    y, x = (int(rng.integers(side - _SIDE + 1)) for side in one.shape[:2])
    vectors = one[y : y + _SIDE, x : x + _SIDE].permute(2, 0, 1)
    return vectors.flip(2) if rng.random() < 0.5 else vectors


def known_places(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """f32[rows, columns]: 0 in some of interleaved rows, or at single places; 1 elsewhere."""
    found = np.ones((rows, columns), np.float32)
    if rng.random() < 0.7:
        chunks = int(rng.integers(2, 9))
        for first in rng.permutation(chunks)[: max(1, round(chunks * rng.uniform(0.1, 0.4)))]:
            found[first::chunks] = 0
    else:
        found[rng.random(found.shape) < rng.uniform(0.05, 0.4)] = 0
    return found
