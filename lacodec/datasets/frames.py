"""`select_frames`: the frames of videos that tell the most, by their coded bits given the frame before.

clips --bits of each frame--> frames at equal steps of their sum --> copies of pictures, Y4M files of frames

A clip is a video file, or the pictures in a folder in the order of their names. Where nothing moves frames take few bits, and few
are selected; a cut takes as many as a picture.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lacodec import api
from lacodec.errors import BadInput, LacodecError
from lacodec.io.output import atomic_file
from lacodec.io.places import open_source
from lacodec.media.video import y4m
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import Video

_PICTURES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".webp", ".tif", ".tiff")
_VIDEOS = (".y4m", ".mkv")
_GROUP = 4  # frames that are read at a time

Frame = list[np.ndarray]
"""Planes, uint8 or uint16[height, width] or [height, width, channels]."""


@dataclass(frozen=True)
class Clip:
    """name: from the path that was given on. files: a video, or pictures."""

    name: str
    files: tuple[Path, ...]

    @property
    def is_video(self) -> bool:
        """Whether it is one file with all frames."""
        return self.files[0].suffix.lower() in _VIDEOS

    def frames(self) -> Iterator[Frame]:
        """All frames, in order."""
        if self.is_video:
            return _frames_of_video(self.files[0])
        return (_picture(path) for path in self.files)


@dataclass(frozen=True)
class FrameSummary:
    """clips, frames: of all. selected: frames that were. bits: of all frames, each given the one before."""

    clips: int
    frames: int
    selected: int
    bits: int


def select_frames(sources: Sequence[str | os.PathLike[str]], count: int, output: str | os.PathLike[str]) -> FrameSummary:
    """Select `count` frames, or all if there are fewer, of clips: video files (Y4M, lossless Matroska), folders of such, folders
    of pictures.

    output: a new folder for `selected/` (pictures as they are; a Y4M file of the frames of a video), frames.tsv with the bits of
    each frame, and summary.json. Raises BadInput for arguments that cannot be used, LacodecError that names a file that cannot be
    read.
    """
    clips = clips_of(sources)
    folder = Path(output)
    if count < 1:
        raise BadInput(f"1 frame at least must be selected, not {count}")
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder}: is not empty; choose another output")
    bits = [np.array(list(_bits(clip)), np.int64) for clip in clips]
    chosen = sampled(np.concatenate(bits), count)
    ends = np.cumsum([0, *(one.size for one in bits)])
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / "frames.tsv", True) as file:
        file.write(b"clip\tframe\tbits\tselected\n")
        for clip, first, of_clip in zip(clips, ends, bits, strict=False):
            which = set((chosen[(chosen >= first) & (chosen < first + of_clip.size)] - first).tolist())
            for i, value in enumerate(of_clip.tolist()):
                file.write(f"{clip.name}\t{i}\t{value}\t{int(i in which)}\n".encode())
            _write(folder / "selected", clip, which)
    summary = FrameSummary(len(clips), int(ends[-1]), chosen.size, int(sum(one.sum() for one in bits)))
    with atomic_file(folder / "summary.json", True) as file:
        file.write(json.dumps(asdict(summary), indent=2).encode() + b"\n")
    return summary


def sampled(bits: np.ndarray, count: int) -> np.ndarray:
    """Which frames, i64[at most count]: of `count` equal parts of the sum of all bits, those in which it passes the middle.

    A frame that passes several stands for them once, and those with the most bits of the others take their places.
    """
    count = min(count, bits.size)
    ends = np.cumsum(bits)
    marks = (np.arange(count) + 0.5) * (ends[-1] / count)
    found = np.unique(np.searchsorted(ends, marks, side="right").clip(0, bits.size - 1))
    others = np.setdiff1d(np.argsort(-bits, kind="stable"), found, assume_unique=False)
    others = others[np.argsort(-bits[others], kind="stable")]
    return np.sort(np.concatenate([found, others[: count - found.size]]))


def clips_of(sources: Sequence[str | os.PathLike[str]]) -> list[Clip]:
    """The clips at these paths, sorted within each; raises BadInput where there is none."""
    found: list[Clip] = []
    for source in map(Path, sources):
        if source.is_file():
            found.append(Clip(source.name, (source,)))
            continue
        before = len(found)
        for folder, names, files in os.walk(source):
            names.sort()
            paths = [Path(folder, name) for name in sorted(files)]
            relative = Path(folder).relative_to(source.parent)
            found += [Clip((relative / path.name).as_posix(), (path,)) for path in paths if path.suffix.lower() in _VIDEOS]
            pictures = tuple(path for path in paths if path.suffix.lower() in _PICTURES)
            found += [Clip(relative.as_posix(), pictures)] if pictures else []
        if len(found) == before:
            raise BadInput(f"{source}: has no pictures and no Y4M or Matroska files")
    return found


def _bits(clip: Clip) -> Iterator[int]:
    """Coded bits of each frame: of its difference to the one before, or of itself where that takes fewer."""
    coder = api.codec("image.lossless", effort=1)
    before: Frame = []
    for frame in clip.frames():
        total = 0
        for i, plane in enumerate(frame):
            sizes = [len(coder.encode(plane, threads=1))]
            if i < len(before) and before[i].shape == plane.shape and before[i].dtype == plane.dtype:
                middle = plane.dtype.type(1 << 8 * plane.itemsize - 1)  # no difference is gray
                sizes.append(len(coder.encode(plane - before[i] + middle, threads=1)))
            total += 8 * min(sizes)
        yield total
        before = frame


def _frames_of_video(path: Path) -> Iterator[Frame]:
    with open_source(path) as source:
        video = VIDEO.from_source(source)
        if video.form.layout == "rgb":
            raise BadInput(f"{path}: RGB video is not read here; make pictures of it, or YUV")
        for group in video.groups(_GROUP):
            for planes in zip(*video.form.planes(group.pixels), strict=True):
                yield [np.ascontiguousarray(plane) for plane in planes]


def _picture(path: Path) -> Frame:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return [np.asarray(picture.convert("RGB") if picture.mode not in ("L", "RGB", "I;16") else picture)]
    except (OSError, ValueError) as error:
        raise LacodecError(f"{path}: cannot be read as a picture ({error})") from error


def _write(folder: Path, clip: Clip, which: set[int]) -> None:
    if not which:
        return
    if not clip.is_video:
        (folder / clip.name).mkdir(parents=True, exist_ok=True)
        for i in sorted(which):
            shutil.copy2(clip.files[i], folder / clip.name / clip.files[i].name)
        return
    path = folder / Path(clip.name).with_suffix(".y4m")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_source(clip.files[0]) as source:
        form = VIDEO.from_source(source).form
    kept = [frame for i, frame in enumerate(clip.frames()) if i in which]
    video = Video.from_planes([np.stack(planes) for planes in zip(*kept, strict=True)], form.layout, form.depth)
    with atomic_file(path, True) as file:
        file.writelines(y4m.write(video))
