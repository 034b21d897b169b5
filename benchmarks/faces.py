"""Bytes at equal identity of faces: image.learned, with and without regions, AVIF and intra pictures of x265, by dlib's network.

    python -m benchmarks.faces PHOTOS [--model FILE] [--effort 5] [--cache faces.jsonl]

photo --codec, setting--> complete file --> decoded --dlib--> distance of each face from itself in the undecoded, mean over faces

x265 codes a photo as one intra picture by PyAV, preset `medium`; its bytes are the bare HEVC stream. It and AVIF take 4:2:0.
Regions are the boxes that dlib finds, a quarter larger on each side; the quality is theirs, with `--background` around.
Each curve is a line over the logarithm of all photos' bytes. Printed are its points, and the bytes of every codec by those of the
others where their distances are equal, with the middle 95 % over resamples of the photos (bootstrap).
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lacodec
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS, LossyImagePeer
from lacodec.evaluation.perception.kept import Kept, Sample
from lacodec.evaluation.perception.measure import measure
from lacodec.evaluation.perception.settings import of_pictures
from lacodec.evaluation.perception.tasks import task
from lacodec.evaluation.rate_distortion import our_method

_RESAMPLES = 1000
_CRFS = (23, 32)
_AVIF, _LEARNED = (30, 50, 65), (10, 30, 55, 75, 88)
_REGIONS = (30, 55, 75, 88, 100)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, help="of image.learned, instead of the shipped one")
    parser.add_argument("--effort", type=int, default=5, help="of image.learned")
    parser.add_argument("--background", type=float, default=5.0, help="quality around faces, with regions")
    parser.add_argument("--cache", type=Path, default=Path("faces.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    options = {"effort": args.effort, **({} if args.model is None else {"model": str(args.model)})}
    ours = our_method("image.learned", "quality", _LEARNED, **options)
    avif = replace(next(peer for peer in LOSSY_IMAGE_PEERS if peer.name == "avif"), variants=("4:2:0",))
    faces = task("faces", None)
    settings = of_pictures([_X265, avif, ours, _with_regions(faces, options, args.background)], {"avif": _AVIF})
    paths = sorted(args.photos.iterdir())
    measured = measure(
        faces,
        settings,
        paths,
        {},
        Kept(args.cache, str(options)),
        lambda path, done: print(path.name, done, flush=True),
    )
    curves: dict[str, list[list[Sample]]] = {}
    for i, setting in enumerate(settings):
        samples = [file.samples[i] for file in measured.files]
        curves.setdefault(setting.method, []).append(samples)
        size, distance = _point(samples, range(len(samples)))
        found = sum(sample.scores["found"].total for sample in samples)
        print(f"{setting.method:20} {setting.label:12} {size:9.0f} bytes, distance {distance:.4f}, found {found:.0f}")
    rng = np.random.default_rng(0)
    drawn = [range(len(measured.files)), *rng.integers(0, len(measured.files), (_RESAMPLES, len(measured.files)))]
    for name, base in curves.items():
        for other, mine in curves.items():
            if other != name:
                print(f"{other} by {name}, at its points: " + ", ".join(_ratios(base, mine, drawn)))


def _point(samples: Sequence[Sample], some: Sequence[int]) -> tuple[float, float]:
    """Bytes of all, and the mean distance of the faces that are found again."""
    chosen = [samples[i] for i in some]
    scores = [sample.scores["face-distance"] for sample in chosen if "face-distance" in sample.scores]
    return float(sum(sample.size for sample in chosen)), sum(s.total for s in scores) / sum(s.units for s in scores)


def _ratios(base: list[list[Sample]], mine: list[list[Sample]], drawn: list[Sequence[int]]) -> list[str]:
    """At each point of the base, bytes of the other by its own at the same distance."""
    found = np.full((len(drawn), len(base)), np.nan)
    for row, some in zip(found, drawn, strict=True):
        sizes, distances = np.array(sorted(_point(samples, some) for samples in mine)).T
        falling = np.minimum.accumulate(distances)
        for i, (size, distance) in enumerate(_point(samples, some) for samples in base):
            if falling[-1] <= distance <= falling[0]:
                row[i] = np.exp(np.interp(-distance, -falling, np.log(sizes))) / size
    out = []
    for i, column in enumerate(found.T):
        if not np.isnan(column[0]):
            low, high = np.nanpercentile(column[1:], [2.5, 97.5])
            out.append(f"{_point(base[i], drawn[0])[1]:.3f}: {column[0]:.2f} ({low:.2f} to {high:.2f})")
    return out


def _with_regions(faces: Any, options: Mapping[str, Any], background: float) -> LossyImagePeer:
    """image.learned that gives its quality to faces alone."""

    def encode(pixels: np.ndarray, quality: float, variant: str) -> bytes:
        height, width = pixels.shape[:2]
        boxes = []
        for left, top, right, bottom in (face.box for face in faces.answer(pixels)):
            more = (right - left) // 4
            boxes.append((max(0, top - more), min(height, bottom + more), max(0, left - more), min(width, right + more)))
        regions = {"regions": boxes, "background": background} if boxes else {}
        return bytes(lacodec.encode(pixels, "image.learned", quality=quality, **regions, **options))

    def decode(data: bytes) -> np.ndarray:
        found: np.ndarray = lacodec.decode(data).pixels
        return found

    name, about = f"regions on {background:g}", f"image.learned with regions around faces, background {background:g}"
    return LossyImagePeer(name, about, "lacodec", "pip install lacodec", "quality", _REGIONS, encode, decode)


def _x265(pixels: np.ndarray, crf: float, variant: str) -> bytes:
    """One intra picture; odd sides lose their last row or column, which the photos here do not have."""
    import av

    coder = av.CodecContext.create("libx265", "w")
    coder.height, coder.width = (side & ~1 for side in pixels.shape[:2])
    coder.pix_fmt, coder.time_base, coder.thread_count = "yuv420p", 1, 1
    coder.options = {"preset": "medium", "crf": f"{crf:g}", "x265-params": "keyint=1:pools=none:log-level=none:info=0"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[: coder.height, : coder.width]), format="rgb24")
    out = io.BytesIO()
    for packet in [*coder.encode(frame), *coder.encode(None)]:
        out.write(bytes(packet))
    return out.getvalue()


def _hevc(data: bytes) -> np.ndarray:
    import av

    coder = av.CodecContext.create("hevc", "r")
    frames = [frame for packet in [*coder.parse(data), *coder.parse(b"")] for frame in coder.decode(packet)]
    frames += coder.decode(None)
    found: np.ndarray = frames[0].to_ndarray(format="rgb24")
    return found


_X265 = LossyImagePeer(
    "x265", "x265 by PyAV, one intra picture, 4:2:0, preset medium", "av", "pip install av", "crf", _CRFS, _x265, _hevc
)


if __name__ == "__main__":
    main()
