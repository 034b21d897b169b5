"""A tiny model of codec `image.vq`, made without training: vectors are the mean colours of 16x16 pixels, words lie on a grid."""

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch

from lacodec.models.vq.model import pack
from lacodec.models.vq.network import VectorNetwork
from lacodec.models.vq.options import BOOKS, RESIDUAL, VectorOptions
from lacodec.models.vq.predictor import AROUND, SEEN, Predictor

_LEVELS = {8: (2, 2, 2), 64: (4, 4, 4), 256: (4, 8, 8), 1024: (8, 16, 8), 4096: (16, 16, 16)}
_OPTIONS = VectorOptions(
    vector=3, latents=4, analysis_coarse=0, analysis_fine=0, synthesis_coarse=0, synthesis_fine=0, concealed=2
)


@cache
def arrays() -> dict[str, np.ndarray]:
    """Of its model file."""
    torch.manual_seed(0)
    network = VectorNetwork(_OPTIONS)
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
        for colour in range(3):
            own = slice(256 * colour, 256 * (colour + 1))
            network.analysis.linear.weight[colour, own] = 1 / 256
            network.synthesis.linear.weight[own, colour] = 1
            network.project.weight[colour, colour] = 1
            network.expand.weight[colour, colour] = 1
        for size in BOOKS:
            sides = ((np.arange(levels) + 0.5) / levels * 4 - 2 for levels in _LEVELS[size])
            network.book(size).copy_(torch.tensor(list(product(*sides)), dtype=torch.float32))
        sides = ((np.arange(levels) - levels // 2) / levels / 4 for levels in (16, 8, 8))
        network.residual.copy_(torch.tensor(list(product(*sides)), dtype=torch.float32))
        network.residual_bits.fill_(10)
        network.prices.fill_(1e-4)
    return pack(network, {size: predictor(size) for size in BOOKS}, predictor(RESIDUAL, parents=BOOKS[-1]))


def predictor(words: int, channels: int = 4, width: int = 2, parents: int = 0) -> Predictor:
    """Of numbers that look random, the same on every machine. parents: words of the layer before, if there is one."""
    drawn = np.random.default_rng(words)

    def numbers(*shape: int, most: int = 127, kind: str = "i1") -> np.ndarray:
        return drawn.integers(-most, most, shape, endpoint=True).astype(kind)

    return Predictor(
        numbers(words + 1, width),
        numbers(channels, len(AROUND) * width),
        numbers(channels, most=1 << 10, kind="<i4"),
        numbers(channels, channels),
        numbers(channels, most=1 << 10, kind="<i4"),
        numbers(words, channels, most=20),
        numbers(words, most=1 << 10, kind="<i4"),
        np.arange(SEEN, dtype="<i4") * 200,
        numbers(parents + 1, width) if parents else None,
    )


def model_file(folder: Path) -> str:
    """Its file."""
    path = folder / "vq.npz"
    np.savez_compressed(path, **arrays())
    return str(path)
