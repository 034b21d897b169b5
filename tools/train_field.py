"""What the networks of `image.field` begin with: fitted to parts of photographs at once, and written beside the codec.

    python tools/train_field.py PHOTO ... [--side 96] [--steps 2000] [--price 100] [--resume] [-o start.npz]

PHOTO: pictures under licences that allow it, a square number of them. Their middles, --side pixels a side, make one picture,
which is fitted from random numbers, or with --resume from the networks that are there, at a price of --price squared error
for a bit per pixel. Its weights are kept, in 1024ths.
"""

import argparse
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from lacodec.codecs.image.field import _fit, _start
from lacodec.codecs.image.field import _network as net

_SEED = 2026


def middle(path: Path, side: int) -> np.ndarray:
    """uint8[side, side, 3]."""
    picture = Image.open(path).convert("RGB")
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def random_weights() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Normal numbers for matrices; zeros for biases and filters."""
    rng = np.random.default_rng(_SEED)

    def first(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal(shape) / shape[0] ** 0.5 if len(shape) == 2 else np.zeros(shape)

    context, synthesis = ([first(shape) for shape in shapes] for shapes in (net.context_shapes(), net.synthesis_shapes(3)))
    return context, synthesis


def fitted(pixels: np.ndarray, price: float, steps: int, resume: bool) -> dict[str, np.ndarray]:
    """Arrays of both networks, int16 in 1024ths."""
    begin = _start.networks if resume else lambda _: random_weights()
    with mock.patch.object(_start, "networks", begin):
        model = _fit.Model(pixels, price)
    _fit.fit_softly(model, steps, lambda: None)
    networks = {"context": model.context, "synthesis": model.synthesis}
    return {
        f"{name}{k}": np.rint(each.values * _start.UNIT).astype(np.int16)
        for name, network in networks.items()
        for k, each in enumerate(network)
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--price", type=float, default=100.0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=_start.PATH)
    arguments = parser.parse_args()
    across = round(len(arguments.photos) ** 0.5)
    if across**2 != len(arguments.photos):
        parser.error(f"{len(arguments.photos)} photos do not make a square")
    parts = [middle(path, arguments.side) for path in arguments.photos]
    rows = [np.concatenate(parts[k : k + across], 1) for k in range(0, len(parts), across)]
    np.savez_compressed(arguments.output, **fitted(np.concatenate(rows), arguments.price, arguments.steps, arguments.resume))


if __name__ == "__main__":
    main()
