"""Matroska and AVI files with lossless video: what comes back, and what goes to `bytes`."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import lacodec
from lacodec.codecs import model_files
from lacodec.container import Reader
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import FileSource
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import LAYOUTS, Form, Held, Sound, Video

av = pytest.importorskip("av")
from lacodec.media.video.container_streams import check_beside, display_of  # noqa: E402
from lacodec.media.video.pixels import format_of, frame_of  # noqa: E402

CHAPTERS = [
    {"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}},
    {"id": 2, "start": 100, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "two"}},
]


def write(path, pixel_format, codec="ffv1", sound="pcm_s16le", frames=5, size=(36, 26)):
    """Frames at uneven times, a title, colours, and sound in two channels; chapters in Matroska."""
    width, height = size
    matroska = path.suffix == ".mkv"
    with av.open(str(path), "w", "matroska" if matroska else "avi") as made:
        made.metadata["title"] = "a test"
        if matroska:
            made.set_chapters(CHAPTERS)
        video = made.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        video.codec_context.color_range, video.codec_context.colorspace = 2, 1
        audio = made.add_stream(sound, rate=8000, layout="stereo") if sound else None
        for t in range(frames):
            frame = av.VideoFrame(width, height, pixel_format)
            for plane in frame.planes:
                samples = np.arange(plane.buffer_size // 2) * (t + 3) % 503
                plane.update(samples.astype("<u2" if "le" in pixel_format else "u1").tobytes().ljust(plane.buffer_size, b"\1"))
            frame.pts, frame.time_base = t + t // 3 * matroska, Fraction(1, 25)
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
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / f"again{path.suffix}")
    return done


FORMATS = ["yuv420p", "yuv422p10le", "yuv411p", "yuv440p", "bgr0", "gbrp10le", "gray", "gray12le"]
FORMATS += ["yuva420p", "yuva444p10le", "bgra", "gbrap12le", "ya8"]


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_frames_times_sound_and_tags_come_back(pixel_format, tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, pixel_format)
    done = round_trip(path, tmp_path)
    assert (done.codec, done.identical, done.remark) == ("video.lossless", "frames", None)
    with FileSource(path) as one, FileSource(tmp_path / "again.mkv") as other:
        assert VIDEO.difference(one, other) is None
        video = VIDEO.to_object(VIDEO.from_source(one))
        assert video.planes[0].shape == (5, 26, 36)
        assert video.sounds == (Sound(8000, 2, "i16le"),) and len(video.groups.sounds[0]) == 5 * 320 * 4
    with av.open(str(tmp_path / "again.mkv")) as again:
        assert [chapter["metadata"] for chapter in again.chapters()] == [{"title": "one"}, {"title": "two"}]


@pytest.mark.parametrize(
    ("pixel_format", "codec"),
    [("yuv420p", "rawvideo"), ("yuv422p", "huffyuv"), ("bgr24", "rawvideo"), ("uyvy422", "rawvideo"), ("gbrp", "utvideo")],
)
@pytest.mark.parametrize("sound", ["pcm_s16le", "pcm_u8", None])
def test_avi(pixel_format, codec, sound, tmp_path):
    path = tmp_path / "clip.avi"
    write(path, pixel_format, codec, sound)
    done = round_trip(path, tmp_path)
    assert (done.codec, done.identical, done.remark) == ("video.lossless", "frames", None)
    with FileSource(path) as one, FileSource(tmp_path / "again.avi") as other:
        assert VIDEO.difference(one, other) is None
        assert len(VIDEO.from_source(one).planes[0]) == 5


@pytest.mark.parametrize("codec", ["video.lossless", "video.learned"])
def test_what_is_beside_the_frames_comes_back(codec, tmp_path, monkeypatch):
    """Subtitles with their language, two kinds of sound, how the picture is to be turned, the order of fields."""
    path, again = tmp_path / "clip.mkv", tmp_path / "again.mkv"
    rich(path, tmp_path / "told.srt")
    lacodec.encode_file(path, tmp_path / "x.lac", codec, **options_of(codec, monkeypatch))
    lacodec.decode_file(tmp_path / "x.lac", again)
    records = []
    for each in (path, again):
        with FileSource(each) as source, av.open(str(each)) as opened:
            video = VIDEO.to_object(VIDEO.from_source(source))
            told = [(stream.type, dict(stream.metadata).get("language"), str(stream.disposition)) for stream in opened.streams]
            order, display = opened.streams.video[0].codec_context.field_order, display_of(opened)
            records.append((video.groups.side, video.groups.sounds, told, order, display))
    assert records[0] == records[1]
    _, sounds, told, order, display = records[0]
    assert [kind for kind, *_ in told] == ["video", "audio", "audio", "subtitle"] and told[3][1] == "fra"
    assert len(sounds) == 1 and order == 2 and display is not None


def rich(path, subtitles):
    """Four frames, with all that `test_what_is_beside_the_frames_comes_back` asks for."""
    subtitles.write_text(
        "1\n00:00:00,020 --> 00:00:00,100\nHello <i>there</i>\n\n2\n00:00:05,000 --> 00:00:06,000\nafter the end\n"
    )
    with av.open(str(path), "w") as made, av.open(str(subtitles)) as told:
        video = made.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 32, 24, "yuv420p"
        video.codec_context.field_order = 2
        video.set_display_rotation(90)
        sounds = [made.add_stream(name, rate=8000, layout="stereo") for name in ("pcm_s16le", "flac")]
        lines = made.add_stream_from_template(told.streams[0])
        lines.metadata["language"] = "fra"
        lines.disposition = av.stream.Disposition.forced
        for t in range(4):
            frame = frame_of(bytes((t * 7 + i) % 200 for i in range(32 * 24 * 3 // 2)), Form(32, 24, "420"))
            frame.pts, frame.time_base = t, Fraction(1, 25)
            made.mux(video.encode(frame))
            for sound in sounds:
                tone = av.AudioFrame.from_ndarray(
                    (np.arange(640)[None] * t % 300).astype(np.int16), format="s16", layout="stereo"
                )
                tone.sample_rate, tone.pts = 8000, t * 320
                made.mux(sound.encode(tone))
        for stream in (video, *sounds):
            made.mux(stream.encode(None))
        for packet in told.demux():
            if packet.size:
                packet.stream = lines
                made.mux(packet)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 15), (40, 2)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv411p", "gray12le", "bgra"])
def test_tiny_frames(size, pixel_format, tmp_path):
    """FFV1 has slices, at most as many as there are samples."""
    form = Form(
        *size, *{"yuv420p": ("420", 8), "yuv411p": ("411", 8), "gray12le": ("gray", 12), "bgra": ("rgba", 8)}[pixel_format]
    )
    video = Video(form, Held(form.frame_size, bytes(k % 7 for k in range(2 * form.frame_size))))
    path = tmp_path / "clip.mkv"
    path.write_bytes(b"".join(VIDEO.to_blocks(video, ".mkv")))
    round_trip(path, tmp_path)
    with FileSource(path) as one, FileSource(tmp_path / "again.mkv") as other:
        assert VIDEO.difference(one, other) is None
        assert VIDEO.from_source(one).held().pixels == video.held().pixels


def test_frames_with_more_than_samples_are_refused():
    def frame_with(name):
        return SimpleNamespace(side_data=[SimpleNamespace(type=SimpleNamespace(name=name))])

    check_beside(frame_with("DISPLAYMATRIX"), "x.mkv")
    with pytest.raises(UnsupportedFile, match="MASTERING_DISPLAY_METADATA"):
        check_beside(frame_with("MASTERING_DISPLAY_METADATA"), "x.mkv")


def test_frames_that_are_stored_from_the_bottom_are_turned(tmp_path):
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w", "avi") as made:
        video = made.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = 6, 5, "bgr24"
        picture = np.arange(90, dtype=np.uint8).reshape(5, 6, 3)
        made.mux(video.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        made.mux(video.encode(None))
    with FileSource(path) as source:
        assert np.array_equal(VIDEO.from_source(source).planes[0][0], picture[:, :, 1])


def test_lossy_video_is_refused(tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, "yuv420p", "mpeg4")
    with pytest.raises(UnsupportedFile):
        round_trip(path, tmp_path)
    assert lacodec.encode_file(path, tmp_path / "y.lac").codec == "bytes"


@pytest.mark.parametrize("codec", ["video.lossless", "video.learned"])
def test_a_lost_group_is_left_out(codec, tmp_path, monkeypatch):
    """What lies around a broken group comes back, with its times and its sound."""
    path, whole, rest = (tmp_path / f"{name}.mkv" for name in ("clip", "whole", "rest"))
    write(path, "yuv420p", frames=6)
    lacodec.encode_file(path, tmp_path / "x.lac", codec, group=2, **options_of(codec, monkeypatch))
    lacodec.decode_file(tmp_path / "x.lac", whole)
    data = (tmp_path / "x.lac").read_bytes()
    with FileSource(tmp_path / "x.lac") as source:
        payload = Reader(source).chunk(1).payload
    middle = len(payload) // 2
    broken = payload[:middle] + bytes([payload[middle] ^ 1]) + payload[middle + 1 :]
    (tmp_path / "x.lac").write_bytes(data.replace(payload, broken))
    with pytest.raises(CorruptFile):
        lacodec.decode_file(tmp_path / "x.lac", rest)
    assert lacodec.decode_file(tmp_path / "x.lac", rest, salvage=True, force=True).damage
    (frames, times, sound), (left, left_times, left_sound) = contents(whole), contents(rest)
    assert np.array_equal(np.delete(frames, [2, 3], 0), left)
    assert left_times == times[:2] + times[4:]
    assert left_sound == [packet for packet in sound if packet in left_sound] and 2 <= len(left_sound) < len(sound) == 6


def options_of(codec, monkeypatch):
    """Quick ones; `video.learned` gets a tiny model."""
    if codec == "video.lossless":
        return {"effort": 2}
    learned = pytest.importorskip("tests.learned")
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())
    return {"model": learned.model_file()}


def contents(path):
    """(first planes, times of frames, packets of sound with their times)."""
    with FileSource(path) as source:
        frames = VIDEO.from_source(source).planes[0]
    with av.open(str(path)) as opened:
        times = [frame.pts for frame in opened.decode(video=0)]
    with av.open(str(path)) as opened:
        return frames, times, [(packet.pts, bytes(packet)) for packet in opened.demux(audio=0) if packet.size]


def test_a_difference_is_found(tmp_path):
    one, other, silent = (tmp_path / f"{name}.mkv" for name in ("one", "other", "silent"))
    write(one, "gray")
    write(other, "gray", frames=4)
    write(silent, "gray", sound=None)
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


@pytest.mark.parametrize("side", [b"\0", b"\1" + b"\xff" * 40, b"\0" + bytes(16), b"\2\1" + b"\1" * 40, b"\3" + bytes(40)])
def test_forged_records_are_refused(side, tmp_path):
    path = tmp_path / "clip.mkv"
    write(path, "gray")
    with FileSource(path) as source:
        video = VIDEO.from_source(source)
    with pytest.raises(CorruptFile):
        b"".join(
            VIDEO.to_blocks(Video(video.form, Held(video.form.frame_size, b"", side, (b"",)), "mkv", video.head, video.sounds))
        )


LACKING = (("411", 10), ("graya", 10))


@pytest.mark.parametrize(
    ("layout", "depth"), [(layout, depth) for layout in LAYOUTS for depth in (8, 10) if (layout, depth) not in LACKING]
)
def test_every_form_can_be_written(layout, depth):
    form = Form(9, 7, layout, depth)
    frame = frame_of(bytes(form.frame_size), form)
    assert frame.format.name == format_of(form)


def test_forms_that_ffmpeg_lacks_cannot_be_written():
    form = Form(9, 7, "411", 10)
    with pytest.raises(BadInput):
        b"".join(VIDEO.to_blocks(Video(form, Held(form.frame_size, bytes(form.frame_size))), ".mkv"))
