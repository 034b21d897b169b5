"""What the networks of `image.field` begin with: fitted to parts of photographs at once, and written beside the codec.

    python tools/train_field.py PHOTO ... [--side 128] [--steps 1500] [--prices 110,30,8,400,1500] [-o start.npz]

PHOTO: pictures under licences that allow it, a square number of them. Their middles, --side pixels a side, make one picture,
which is fitted at each price (squared error for a bit per pixel) of those that the codec has starts for. A fit begins with the
networks of the nearest price that was fitted before in this run, the first one with those that are there. Weights are kept in
1024ths, after each price.
"""

import argparse
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from lacodec.codecs.image.field import _fit, _start

Weights = tuple[list[np.ndarray], list[np.ndarray]]


def middle(path: Path, side: int) -> np.ndarray:
    """uint8[side, side, 3]."""
    picture = Image.open(path).convert("RGB")
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def fitted(pixels: np.ndarray, price: float, steps: int, begin: Weights) -> Weights:
    """Weights of both networks."""
    with mock.patch.object(_start, "networks", lambda channels, number: begin):
        model = _fit.Model(pixels, price, _start.nearest(price))
    _fit.fit_softly(model, steps, lambda: None, (0, steps))
    return [each.values for each in model.context], [each.values for each in model.synthesis]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--prices", default="110,30,8,400,1500")
    parser.add_argument("-o", "--output", type=Path, default=_start.PATH)
    arguments = parser.parse_args()
    across = round(len(arguments.photos) ** 0.5)
    if across**2 != len(arguments.photos):
        parser.error(f"{len(arguments.photos)} photos do not make a square")
    prices = [float(price) for price in arguments.prices.split(",")]
    if not set(prices) <= set(_start.PRICES):
        parser.error(f"prices are {_start.PRICES}")
    parts = [middle(path, arguments.side) for path in arguments.photos]
    pixels = np.concatenate([np.concatenate(parts[k : k + across], 1) for k in range(0, len(parts), across)])
    with np.load(_start.PATH) as file:
        stored = {name: file[name] for name in file.files}
    found: dict[float, Weights] = {}
    for price in prices:
        near = min(found, key=lambda other: abs(np.log(other / price)), default=None)
        begin = _start.networks(3, _start.PRICES.index(price)) if near is None else found[near]
        found[price] = fitted(pixels, price, arguments.steps, begin)
        for name, network in zip(("context", "synthesis"), found[price], strict=True):
            for k, values in enumerate(network):
                stored[f"{name}{k}"][_start.PRICES.index(price)] = np.rint(values * _start.UNIT)
        np.savez_compressed(arguments.output, **stored)
        print(f"price {price:g}: fitted", flush=True)


if __name__ == "__main__":
    main()
