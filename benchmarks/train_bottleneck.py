"""Train a bottleneck for `benchmarks/features.py --model`:

    python -m benchmarks.train_bottleneck PHOTOS -o bottleneck.pt [--split 8] [--step 4] [--price 5.5e-6] [--steps 240]

The first blocks of EfficientNet-Lite0 see random crops of the photos; their activations are kept. The bottleneck begins as the
linear transform at --step and learns from later layers of the undivided network. An eighth of the photos is held out.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.efficientnet import SIDE, Network
from lacodec.training.bottleneck import Bottleneck, Training, save, spectrum, train

_BATCH = 12
_HELD = 8
_FOR_SPECTRUM = 300


def main() -> None:
    """Train, and print how it goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--split", type=int, default=8, help="blocks before the bottleneck")
    parser.add_argument("--step", type=float, default=4, help="of the linear transform")
    parser.add_argument("--price", type=float, default=5.5e-6, help="of a bit")
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--crops", type=int, default=5, help="of each photo")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network, rng = Network(), np.random.default_rng(0)
    photos = sorted(args.photos.iterdir())
    held = photos[::_HELD]
    crops = [_crop(path, rng) for _ in range(args.crops) for path in photos if path not in held]
    known = torch.cat([_head(network, crops[i : i + _BATCH], args.split) for i in range(0, len(crops), _BATCH)])
    others = _head(network, [_crop(path, rng) for path in held], args.split)

    def tail(values: Tensor) -> Tensor:
        return network.tail(values, args.split)

    found = spectrum((known[i : i + _BATCH].float() for i in range(0, _FOR_SPECTRUM, _BATCH)), tail)
    bottleneck = Bottleneck(known.shape[1], known.shape[1])
    bottleneck.start(found, args.step)
    began = time.monotonic()

    def report(step: int, divergence: float, bits: float) -> None:
        if step % 50 == 49:
            print(
                f"{step + 1:5} {time.monotonic() - began:6.0f} s  {_judged(bottleneck, network, others.float(), args.split)}",
                flush=True,
            )

    print(_judged(bottleneck, network, others.float(), args.split))
    training = Training(args.price, args.steps)
    train(bottleneck, lambda values: network.later(values, args.split), _batches(known, rng), training, report)
    save(bottleneck, args.output)


def _head(network: Network, crops: list[np.ndarray], split: int) -> Tensor:
    return network.head(np.stack(crops), split).half()


def _crop(path: Path, rng: np.random.Generator) -> np.ndarray:
    """A square of 0.45 to 1 of the shorter side, mirrored half of the time."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    side = int(min(picture.size) * rng.uniform(0.45, 1))
    left, top = (int(rng.integers(0, length - side + 1)) for length in picture.size)
    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)))
    return pixels[:, ::-1] if rng.random() < 0.5 else pixels


def _batches(known: Tensor, rng: np.random.Generator) -> Iterator[Tensor]:
    while True:
        batch = known[torch.from_numpy(rng.choice(len(known), _BATCH, replace=False))].float()
        yield batch.flip(3) if rng.random() < 0.5 else batch


@torch.no_grad()
def _judged(bottleneck: Bottleneck, network: Network, values: Tensor, split: int) -> str:
    """Of held-out photos: agreement, divergence, estimated bytes."""
    wanted, latents = network.tail(values, split).log_softmax(1), bottleneck.encode(values).round()
    found = network.tail(bottleneck.decode(latents), split).log_softmax(1)
    same = (wanted.argmax(1) == found.argmax(1)).float().mean()
    nats = (wanted.exp() * (wanted - found)).sum(1).mean()
    return f"held out: top-1 {same:.3f}, {nats:.4f} nats, about {bottleneck.rate(latents).sum((1, 2, 3)).mean() / 8:.0f} bytes"


if __name__ == "__main__":
    main()
