"""`lacodec select-frames`: frames are taken where something happens."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lacodec
from lacodec.datasets.frames import sampled, select_frames
from lacodec.errors import BadInput, LacodecError
from lacodec.media.video import y4m
from lacodec.media.video.value import Video

CHANCE = np.random.default_rng(5)
SCENES = CHANCE.integers(0, 256, (3, 8, 12), np.uint8).repeat(6, 1).repeat(6, 2)


def clip() -> np.ndarray:
    """40 frames that stand still, 20 that move, 40 that stand still after a cut: u8[frames, 48, 72]."""
    moving = [np.roll(SCENES[1], 5 * i, 1) ^ CHANCE.integers(0, 4, (48, 72), np.uint8) for i in range(20)]
    return np.stack([SCENES[0]] * 40 + moving + [SCENES[2]] * 40)


def rows(folder: Path) -> list[list[str]]:
    return [line.split("\t") for line in (folder / "frames.tsv").read_text().splitlines()[1:]]


def test_pictures_of_a_folder(lacodec, tmp_path: Path) -> None:
    frames = clip()
    (tmp_path / "in/a").mkdir(parents=True)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"in/a/{i:03}.png")
    done = json.loads(lacodec("select-frames", "in", "--frames", "12", "-o", "out", "--json").stdout)
    assert (done["clips"], done["frames"], done["selected"]) == (1, 100, 12)
    chosen = [int(frame) for _, frame, _, selected in rows(tmp_path / "out") if selected == "1"]
    assert sum(40 <= i < 60 for i in chosen) >= 9
    assert {path.name for path in (tmp_path / "out/selected/in/a").iterdir()} == {f"{i:03}.png" for i in chosen}
    bits = [int(row[2]) for row in rows(tmp_path / "out")]
    assert bits[1] < bits[45] and bits[1] < bits[60]  # motion, and a cut
    assert json.loads((tmp_path / "out/summary.json").read_text())["bits"] == sum(bits)
    assert b"is not empty" in lacodec("select-frames", "in", "--frames", "1", "-o", "out", code=1).stderr


def test_frames_of_a_video_file(tmp_path: Path) -> None:
    frames = clip()
    video = Video.from_planes([frames, frames[:, ::2, ::2], frames[:, 1::2, ::2]], "420")
    (tmp_path / "v.y4m").write_bytes(b"".join(y4m.write(video)))
    done = select_frames([tmp_path / "v.y4m"], 7, tmp_path / "out")
    chosen = [int(frame) for _, frame, _, selected in rows(tmp_path / "out") if selected == "1"]
    assert done.selected == len(chosen) == 7
    found = lacodec.decode(lacodec.encode(tmp_path / "out/selected/v.y4m", "video.lossless"))
    assert np.array_equal(found.planes[0], frames[chosen])
    assert np.array_equal(found.planes[2], frames[chosen][:, 1::2, ::2])


def test_frames_stand_for_equal_parts() -> None:
    assert sampled(np.array([10, 0, 0, 10, 0, 10]), 3).tolist() == [0, 3, 5]
    assert sampled(np.array([1, 1, 1, 97]), 2).tolist() in ([2, 3], [0, 3])
    assert sampled(np.array([5, 5]), 9).tolist() == [0, 1]
    assert sampled(np.ones(100, np.int64), 4).tolist() == [12, 37, 62, 87]


def test_what_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no pictures"):
        select_frames([tmp_path], 3, tmp_path / "out")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(LacodecError, match="a.png"):
        select_frames([tmp_path], 3, tmp_path / "out")
    with pytest.raises(BadInput, match="1 frame at least"):
        select_frames([tmp_path], 0, tmp_path / "out")
