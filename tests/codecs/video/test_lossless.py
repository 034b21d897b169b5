"""Codec `video.lossless` and its media: contract, layouts, Y4M, parts, groups."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import lacodec
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import LAYOUTS, Form, Held, Video
from lacodec.testing import check_codec
from tests.strength import examples


def noisy(layout, shape, depth=8, seed=1, noise=4):
    """Something that moves by a few pixels a frame, with noise."""
    rng = np.random.default_rng(seed)
    frames, height, width = shape
    t, y, x = np.mgrid[0:frames, 0:height, 0:width]
    luma = (((x - 3 * t) ** 2 + (y + t) ** 2) // 5 % 97 + rng.integers(0, noise, shape)) << (depth - 8)
    form = Form(width, height, layout, depth)
    return Video.from_planes([luma[:, :rows, :columns] for rows, columns in form.shapes], layout, depth)


def y4m(video, tail=b""):
    return b"".join(VIDEO.to_blocks(video, ".y4m")) + tail


def test_contract():
    values = {
        "groups": noisy("420", (5, 7, 10)),
        "deep": Video.from_planes([np.full((1, 1, 1), 2001)], "gray", 12),
    }
    check_codec("video.lossless", values, effort=5, group=2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", [8, 9, 16])
@pytest.mark.parametrize("effort", [1, 3, 4])
def test_layouts_and_depths(layout, depth, effort):
    video = noisy(layout, (3, 13, 22), depth)
    restored = lacodec.decode(lacodec.encode(video, "video.lossless", effort=effort, verify=True))
    assert restored == video and len(restored) == 3


@examples(25, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.tuples(st.integers(1, 4), st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from([8, 10, 16]),
    st.integers(0, 1 << 30),
    st.sampled_from([1, 2, 4, 1 << 8]),
    st.sampled_from([2, 5]),
)
def test_any_frames(layout, shape, depth, seed, span, effort):
    form, rng = Form(shape[2], shape[1], layout, depth), np.random.default_rng(seed)
    planes = [rng.integers(0, min(span, 1 << depth), (shape[0], *each)) * ((1 << depth) // span) for each in form.shapes]
    video = Video.from_planes(planes, layout, depth)
    assert lacodec.decode(lacodec.encode(video, "video.lossless", effort=effort)) == video


def test_no_frames():
    video = Video(Form(8, 6, "420"), Held(72, b""))
    encoded = lacodec.encode(video, "video.lossless", verify=True)
    assert lacodec.decode(encoded) == video and lacodec.open(encoded)[:] == video
    assert lacodec.decode(lacodec.encode(y4m(video, b"x"), "video.lossless")).groups.side == b"x"


def test_motion_pays():
    rng = np.random.default_rng(5)
    scene = np.cumsum(rng.integers(-9, 10, (60, 90)), 1) % 256
    moving = np.stack([scene[5 - t : 53 - t, 2 * t : 2 * t + 64] for t in range(5)])
    one = len(lacodec.encode(Video.from_planes([moving[:1]], "gray"), "video.lossless", effort=4))
    assert len(lacodec.encode(Video.from_planes([moving], "gray"), "video.lossless", effort=4)) < 2 * one


@pytest.mark.parametrize("tail", [b"", b"FRAME\n", b"FRAME\nhalf", b"\0" * 9])
@pytest.mark.parametrize("colours", ["C420jpeg", "C420mpeg2 XYSCSS=420MPEG2", "", "Cmono", "C422p10", "C411", "C444alpha"])
def test_y4m_comes_back_byte_for_byte(tail, colours, tmp_path):
    head = b"YUV4MPEG2 W13 H7 F30000:1001 Ip A1:1 " + colours.encode() + b"\n"
    form = VIDEO.from_source(BytesSource(head)).form
    frames = [bytes((i * 7 + k) % 3 for i in range(form.frame_size)) for k in range(3)]
    path = tmp_path / "clip.y4m"
    path.write_bytes(head + b"".join(b"FRAME\n" + frame for frame in frames) + tail)
    done = lacodec.encode_file(path, tmp_path / "clip.lac", "video.lossless")
    assert (done.codec, done.identical) == ("video.lossless", "bytes")
    lacodec.decode_file(tmp_path / "clip.lac", tmp_path / "again.y4m")
    assert (tmp_path / "again.y4m").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "head",
    [
        b"YUV4MPEG2 W8 H8 C422alpha\n",
        b"YUV4MPEG2 W0 H8\n",
        b"YUV4MPEG2 W8\n",
        b"YUV4MPEG2 W99999 H8\n",
        b"YUV4MPEG2 W8 H8 C420p17\n",
        b"YUV4MPEG2 W8 H8 \xff\n",
        b"YUV4MPEG2 W8 H8",
        b"YUV4MPEG2 W8 H8\nFRAME I1\n" + bytes(96),
    ],
)
def test_unusual_y4m_is_refused(head):
    with pytest.raises(UnsupportedFile):
        VIDEO.from_source(BytesSource(head))


def test_it_is_chosen_by_content():
    assert lacodec.encode_file(BytesSource(y4m(noisy("420", (3, 40, 64)))), io.BytesIO()).codec == "video.lossless"


def test_samples_beyond_the_depth_are_kept():
    form = Form(4, 4, "gray", 10)
    data = b"YUV4MPEG2 W4 H4 Cmono10\nFRAME\n" + b"\xff" * form.frame_size
    assert b"".join(VIDEO.to_blocks(lacodec.decode(lacodec.encode(data, "video.lossless")))) == data


def test_parts_decode_only_their_groups():
    video = noisy("420", (7, 10, 12))
    data = lacodec.encode(video, "video.lossless", effort=4, group=3)
    with lacodec.open(data) as opened:
        assert opened[2:5] == video[2:5] and opened[::-2] == video[::-2]
        assert all(np.array_equal(a, b) for a, b in zip(opened[6], video[6], strict=True))
        assert opened.shape == (7, 10 * 12 * 3 // 2)


def test_a_lost_group_is_black():
    video = noisy("gray", (6, 8, 9))
    data = broken(lacodec.encode(y4m(video), "video.lossless", effort=4, group=2), 1)
    with pytest.raises(CorruptFile):
        lacodec.decode(data)
    out = io.BytesIO()
    done = lacodec.decode_file(BytesSource(data), out, salvage=True)
    restored = VIDEO.from_source(BytesSource(out.getvalue())).planes[0]
    assert done.damage and not restored[2:4].any()
    assert np.array_equal(np.delete(restored, [2, 3], 0), np.delete(video.planes[0], [2, 3], 0))


def broken(data, number):
    """The file with another byte in the payload of a chunk."""
    from lacodec.container import Reader

    payload = Reader(BytesSource(data)).chunk(number).payload
    return data.replace(payload, payload[:-1] + bytes([payload[-1] ^ 1]))


def test_wrong_values_are_refused():
    with pytest.raises(BadInput):
        Video.from_planes([np.zeros((2, 4, 4), int)], "420")
    with pytest.raises(BadInput):
        Video.from_planes([np.full((2, 4, 4), 256)], "gray")
    with pytest.raises(BadInput):
        lacodec.codec("video.lossless", group=0)
    with pytest.raises(BadInput):
        b"".join(VIDEO.to_blocks(noisy("rgb", (1, 2, 2)), ".y4m"))
