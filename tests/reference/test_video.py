"""Codec `video.lossless` by `reference/`: layouts, depths, odd and thin frames, groups, files."""

from dataclasses import replace

import numpy as np
import pytest

import lacodec
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import LAYOUTS, Form, Held, Sound, Video
from reference.container import read
from reference.decode import restore

METHODS = BYTES, MODEL = range(2)


def moving(layout, shape, depth=8, seed=1):
    """[frames, height, width] in which something moves by a few pixels a frame, with a little noise."""
    rng = np.random.default_rng(seed)
    frames, height, width = shape
    t, y, x = np.mgrid[0:frames, 0:height, 0:width]
    luma = (((x - 3 * t) ** 2 + (y + t) ** 2) // 5 % 97 + rng.integers(0, 4, shape)) << (depth - 8)
    form = Form(width, height, layout, depth)
    return Video.from_planes([luma[:, :rows, :columns] for rows, columns in form.shapes], layout, depth)


def check(video, **options):
    encoded = lacodec.encode(video, "video.lossless", **options)
    assert restore(encoded).content == video.held().pixels
    return [chunk.payload[0] for chunk in read(encoded)[1]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    assert check(moving(layout, (3, 4, 9)), effort=5) == [MODEL]


@pytest.mark.parametrize("effort", [1, 2, 3, 6, 9])
def test_efforts(effort):
    assert check(moving("420", (3, 4, 8), 10), effort=effort) == [MODEL]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 18), (3, 17, 1), (2, 2, 2)])
def test_small_thin_and_single_frames(shape):
    check(moving("420", shape), effort=5)


@pytest.mark.parametrize("layout", ["420", "rgba", "graya"])
def test_quick_layouts(layout):
    assert check(moving(layout, (4, 5, 9), 9), effort=3) == [MODEL]


def test_sound():
    video = moving("gray", (4, 5, 9))
    tone = b"".join((k * 37 % 501).to_bytes(2, "little") for k in range(400))
    held = Held(video.form.frame_size, video.held().pixels, b"beside", (tone, b""))
    sounds = (Sound(8000, 2, "i16le"), Sound(44100, 1, "u8"))
    encoded = lacodec.encode(replace(video, groups=held, sounds=sounds), "video.lossless", effort=2, group=3)
    assert restore(encoded).content == video.held().pixels
    assert lacodec.decode(encoded).groups == held


def test_groups_and_noise():
    assert check(moving("gray", (5, 5, 9)), effort=5, group=2)[:2] == [MODEL] * 2
    noise = np.random.default_rng(3).integers(0, 256, (2, 4, 9))
    assert check(Video.from_planes([noise], "gray")) == [BYTES]


def test_y4m_with_its_end_cut_off():
    file = b"".join(VIDEO.to_blocks(moving("420", (2, 4, 6)), ".y4m")) + b"FRAME\nabc"
    assert restore(lacodec.encode(file, "video.lossless")).content == file
