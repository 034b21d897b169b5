"""What `video.learned` knows before a group: learned from clips made of photographs, and written beside the codec.

    python tools/train_video.py PHOTOS [--clips N] [-o start.npz]

PHOTOS: a folder of JPEG files under licences that allow it. A clip pans, zooms and turns one photograph while a part of another
one moves across it, with some noise; each is coded at three qualities by the codec itself, whose state goes on from clip to clip.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from lacodec.codecs import model_files
from lacodec.codecs.video.learned import _group
from lacodec.codecs.video.learned._state import START, State, plain_state, start_of
from lacodec.entropy.mixing import HIGH
from lacodec.media.video.value import Video

_HEIGHT, _WIDTH, _FRAMES = 192, 320, 4
_SHORT = 620  # pixels of a photograph's short side
_SPEEDS = (0.0, 0.3, 0.8, 1.6, 3.0, 5.0)  # of the camera, in pixels a frame
_OBJECT_SPEEDS = (1.0, 2.0, 1.0, 3.0, 2.0, 6.0)
_NOISES = (1.5, 0.8, 2.0, 1.0, 0.5, 1.2)
_QUALITIES = ((3.0, 30.0), (30.0, 60.0), (60.0, 97.0))
_CHROMA = 0.75


def photo(path: Path) -> Tensor:
    """float32[1, 3, h, w], made smaller."""
    picture = Image.open(path).convert("RGB")
    factor = _SHORT / min(picture.size)
    if factor < 1:
        picture = picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()


def seen(picture: Tensor, move: Any, turn: float, scale: float) -> Tensor:
    """float32[3, h, w]: what a camera sees of it."""
    y, x = torch.meshgrid(torch.arange(_HEIGHT) - _HEIGHT / 2, torch.arange(_WIDTH) - _WIDTH / 2, indexing="ij")
    height, width = picture.shape[2:]
    across = (np.cos(turn) * x - np.sin(turn) * y) * scale + width / 2 + move[0]
    down = (np.sin(turn) * x + np.cos(turn) * y) * scale + height / 2 + move[1]
    grid = torch.stack([2 * (across + 0.5) / width - 1, 2 * (down + 0.5) / height - 1], -1)[None].float()
    smooth = F.avg_pool2d(F.pad(picture, (0, 1, 0, 1), "replicate"), 2, 1)
    return F.grid_sample(smooth, grid, mode="bicubic", padding_mode="reflection", align_corners=False)[0]


def clip(photos: list[Path], seed: int) -> Video:
    """A clip in 4:2:0."""
    rng, kind = np.random.default_rng(seed), seed % len(_SPEEDS)
    scene, other = (photo(photos[rng.integers(len(photos))]) for _ in range(2))
    speed = _SPEEDS[kind]
    move, own = rng.normal(size=2) * speed, rng.normal(size=2) * _OBJECT_SPEEDS[kind]
    zoom, turn = 1 + rng.normal() * 0.004 * min(speed, 1), rng.normal() * 0.003 * min(speed, 1)
    place = np.array([rng.uniform(80, _WIDTH - 80), rng.uniform(60, _HEIGHT - 60)])
    y, x = torch.meshgrid(torch.arange(_HEIGHT), torch.arange(_WIDTH), indexing="ij")
    frames = []
    for t in range(_FRAMES):
        shake = rng.normal(size=2) * 0.15 * (speed > 0)
        around = (((x - place[0] - own[0] * t) / 60) ** 2 + ((y - place[1] - own[1] * t) / 42) ** 2 - 1) * -12
        mask = torch.sigmoid(around)
        scale = 1.6 * zoom**t
        background = seen(scene, move * t * 1.6 + shake, turn * t, scale)
        frames.append((background * (1 - mask) + seen(other, own * t * -1.6, turn * t, 1.6) * mask).numpy())
    red, green, blue = np.stack(frames, 1).clip(0, 255).astype(np.float64)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [luma * (219 / 255) + 16 + rng.normal(size=luma.shape) * _NOISES[kind]]
    for chroma in ((blue - luma) / 1.772, (red - luma) / 1.402):
        small = chroma.reshape(_FRAMES, _HEIGHT // 2, 2, _WIDTH // 2, 2).mean((2, 4)) * (224 / 255) + 128
        planes.append(small + rng.normal(size=small.shape) * _NOISES[kind] / 2)
    return Video.from_planes([np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes], "420")


def taught(photos: list[Path], clips: int) -> State:
    """The state of the coder after all clips."""
    network = model_files.by_profile("small").network
    state = plain_state(network.options.latents, network.options.family, np.zeros(1 << 22, np.uint8), decoding=False)
    rng = np.random.default_rng(7)
    jobs = [(number, float(rng.uniform(*span))) for number in range(clips) for span in _QUALITIES]
    for number, quality in rng.permutation(np.array(jobs)):
        video = clip(photos, 100 + int(number))
        state.registers[:] = 0
        state.registers[HIGH] = 0xFFFFFFFF
        frames = _group.Frames(
            _group.Manner(network, video.form, (quality - 1) / 99, _CHROMA), _FRAMES - 1, state, decoding=False
        )
        planes = video.planes
        for t in range(_FRAMES):
            frames.encode([plane[t] for plane in planes])
        print(int(number), round(quality, 1), len(frames.stream()), flush=True)
    return state


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--clips", type=int, default=9)
    parser.add_argument("-o", "--out", type=Path, default=START)
    arguments = parser.parse_args()
    found = start_of(taught(sorted(arguments.photos.glob("*.jpg")), arguments.clips))
    np.savez_compressed(arguments.out, **found)  # type: ignore[arg-type]
    print(arguments.out, arguments.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
