"""Matroska files with lossless video: what comes back, and what goes to `bytes`."""

from fractions import Fraction

import numpy as np
import pytest

import lacodec
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import FileSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import LAYOUTS, Form, Held, Video

av = pytest.importorskip("av")
from lacodec.media.video.pixels import format_of, frame_of  # noqa: E402


def write(path, pixel_format, codec="ffv1", sound=True, frames=5, size=(36, 26)):
    """Frames at uneven times, a title, colours, and sound in two channels."""
    width, height = size
    with av.open(str(path), "w", "matroska") as made:
        made.metadata["title"] = "a test"
        video = made.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        video.codec_context.color_range, video.codec_context.colorspace = 2, 1
        audio = made.add_stream("pcm_s16le", rate=8000, layout="stereo") if sound else None
        for t in range(frames):
            frame = av.VideoFrame(width, height, pixel_format)
            for plane in frame.planes:
                samples = np.arange(plane.buffer_size // 2) * (t + 3) % 503
                plane.update(samples.astype("<u2" if "le" in pixel_format else "u1").tobytes().ljust(plane.buffer_size, b"\1"))
            frame.pts, frame.time_base = t + t // 3, Fraction(1, 25)
            made.mux(video.encode(frame))
            if audio:
                tone = av.AudioFrame.from_ndarray(
                    (np.arange(640)[None] * t % 300).astype(np.int16), format="s16", layout="stereo"
                )
                tone.sample_rate, tone.pts = 8000, t * 320
                made.mux(audio.encode(tone))
        made.mux(video.encode(None))


def round_trip(path, tmp_path):
    done = lacodec.encode_file(path, tmp_path / "x.lac", "video.lossless", effort=4)
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "again.mkv")
    return done


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv411p", "yuv440p", "bgr0", "gbrp10le", "gray", "gray12le"])
def test_frames_times_sound_and_tags_come_back(pixel_format, tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, pixel_format)
    done = round_trip(path, tmp_path)
    assert (done.codec, done.identical, done.remark) == ("video.lossless", "frames", None)
    with FileSource(path) as one, FileSource(tmp_path / "again.mkv") as other:
        assert VIDEO.difference(one, other) is None
        assert VIDEO.to_object(VIDEO.from_source(one)).planes[0].shape == (5, 26, 36)


@pytest.mark.parametrize(("pixel_format", "codec"), [("yuva420p", "ffv1"), ("yuv420p", "mpeg4")])
def test_alpha_and_lossy_video_are_refused(pixel_format, codec, tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, pixel_format, codec)
    with pytest.raises(UnsupportedFile):
        round_trip(path, tmp_path)
    assert lacodec.encode_file(path, tmp_path / "y.lac").codec == "bytes"


def test_a_difference_is_found(tmp_path):
    one, other, silent = (tmp_path / f"{name}.mkv" for name in ("one", "other", "silent"))
    write(one, "gray")
    write(other, "gray", frames=4)
    write(silent, "gray", sound=False)
    for path in (other, silent):
        with FileSource(one) as first, FileSource(path) as second:
            assert VIDEO.difference(first, second) is not None


def test_damaged_and_cut_files_raise_only_our_errors(tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, "gray")
    data = path.read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(20):
        mutant = bytearray(data[: rng.integers(1, len(data))])
        mutant[rng.integers(len(mutant))] ^= 1 << rng.integers(8)
        mutant[:4] = data[:4]
        path.write_bytes(mutant)
        try:
            lacodec.encode_file(path, tmp_path / "x.lac", "video.lossless", effort=1, force=True)
        except UnsupportedFile:
            continue
        lacodec.decode_file(tmp_path / "x.lac", tmp_path / "again.mkv", force=True)


@pytest.mark.parametrize("side", [b"\0", b"\1" + b"\xff" * 40, b"\0" + bytes(16)])
def test_forged_records_are_refused(side, tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, "gray")
    with FileSource(path) as source:
        video = VIDEO.from_source(source)
    with pytest.raises(CorruptFile):
        b"".join(VIDEO.to_blocks(Video(video.form, Held(video.form.frame_size, b"", side), "mkv", video.head)))


@pytest.mark.parametrize(
    ("layout", "depth"), [(layout, depth) for layout in LAYOUTS for depth in (8, 10) if (layout, depth) != ("411", 10)]
)
def test_every_form_can_be_written(layout, depth):
    form = Form(9, 7, layout, depth)
    frame = frame_of(bytes(form.frame_size), form)
    assert frame.format.name == format_of(form)


def test_forms_that_ffmpeg_lacks_cannot_be_written():
    form = Form(9, 7, "411", 10)
    with pytest.raises(BadInput):
        b"".join(VIDEO.to_blocks(Video(form, Held(form.frame_size, bytes(form.frame_size))), ".mkv"))
