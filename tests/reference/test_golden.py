"""Every golden file of the lossless codecs, read by `reference/` and compared with what it was made from.

Those of version 1 are decoded; those of version 0 have the same chunks. A model that reads its primer first takes minutes in
plain Python: these run when LACODEC_REFERENCE=all. The other files here test the same readers behind a short primer.
"""

from pathlib import Path

import numpy as np
import pytest
import xxhash

from lacodec.media.video.files import VIDEO
from reference import bytes_mixed, log_lines, text_codec
from reference.container import read
from reference.decode import restore
from tests.checks import exhaustive
from tools import golden

V1 = golden.FOLDER / "v1"
LONGEST = ("image-effort9-photo", "bytes-effort9-samples")


def files(codec: str) -> list[str]:
    return sorted(path.stem for path in V1.glob(f"{codec}-*.lac"))


def newest(codec: str) -> Path:
    """The folder of the files that this version writes."""
    return golden.folder_of(golden.maker_of(codec))


def content(stem: str):
    codec, _, name = stem.split("-")
    return golden.maker_of(codec).content(name)


def is_primed(stem: str) -> bool:
    _, effort, name = stem.split("-")
    return effort >= "effort5" and name in ("text", "table")


def some_slow(stems: list[str]) -> list:
    return [pytest.param(stem, marks=pytest.mark.slow) if stem in LONGEST else stem for stem in stems]


def test_there_are_some():
    assert [len(files(codec)) > 8 for codec in ("bytes", "image", "jpeg", "audio", "weights")] == [True] * 5


@pytest.mark.parametrize("codec", ["audio", "bytes", "image", "weights"])
def test_version_0_is_the_same_stream(codec: str):
    paths = sorted((golden.FOLDER / "v0").glob(f"{codec}-*.lac"))
    assert paths
    for path in paths:
        header, chunks = read(path.read_bytes())
        assert header["stream_version"] == 0 and chunks == read((V1 / path.name).read_bytes())[1]


@pytest.mark.parametrize("stem", some_slow([stem for stem in files("bytes") if not is_primed(stem)]))
def test_bytes(stem):
    assert restore((V1 / f"{stem}.lac").read_bytes()).content == content(stem)


def marks_of_columns(stem: str) -> tuple:
    effort = stem.split("-")[1]
    return (exhaustive,) if effort == "effort6" else (pytest.mark.slow,) if effort > "effort3" else ()


COLUMNS = sorted(path.stem for path in newest("logcolumns").glob("logcolumns-*.lac"))


@pytest.mark.parametrize("stem", [pytest.param(stem, marks=marks_of_columns(stem)) for stem in COLUMNS])
def test_columns_of_logs(stem):
    assert restore((newest("logcolumns") / f"{stem}.lac").read_bytes()).content == content(stem)


@exhaustive
def test_primer():
    """`primer.bin` is a payload itself."""
    from lacodec.codecs.bytes.mixed.start import primer_text

    assert bytes_mixed.primer() == primer_text().tobytes()


@exhaustive
@pytest.mark.parametrize("effort", range(5, 10))
def test_bytes_after_the_primer(effort, monkeypatch):
    from lacodec.codecs.bytes.mixed.start import primer_text

    text = primer_text().tobytes()  # `test_primer` compares it; reading it again takes long
    monkeypatch.setattr(bytes_mixed, "primer", lambda: text)
    monkeypatch.setattr(bytes_mixed, "_primed", {})
    stems = [stem for stem in files(f"bytes-effort{effort}") if is_primed(stem)]
    assert len(stems) == 2
    for stem in stems:
        assert restore((V1 / f"{stem}.lac").read_bytes()).content == content(stem), stem


@pytest.mark.parametrize("stem", ["text-effort5-empty", "text-effort5-one", "text-effort5-noise"])
def test_text_that_is_stored(stem):
    assert restore((newest("text") / f"{stem}.lac").read_bytes()).content == content(stem)


@exhaustive
@pytest.mark.parametrize("stem", ["text-effort5-cyrillic", "text-effort8-cyrillic"])
def test_text(stem, monkeypatch):
    """The stored primers are those that the package reads; `tests/reference/test_text.py` compares one."""
    from lacodec.codecs.text import start

    monkeypatch.setattr(text_codec, "part", lambda number: start._part(number).tobytes())
    assert restore((newest("text") / f"{stem}.lac").read_bytes()).content == content(stem)


@pytest.mark.parametrize("stem", some_slow(files("image")))
def test_images(stem):
    picture, wanted = restore((V1 / f"{stem}.lac").read_bytes()).value, content(stem)
    assert np.array_equal(picture.pixels, wanted.pixels) and picture.pixels.dtype == wanted.pixels.dtype
    assert (picture.depth, picture.palette, picture.extras) == (wanted.depth, wanted.palette, wanted.extras)


@pytest.mark.parametrize("stem", [*files("jpeg"), *files("audio"), *files("weights")])
def test_other_bytes(stem):
    assert restore((V1 / f"{stem}.lac").read_bytes()).content == content(stem)


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("v*/kv-*.lac")), ids=lambda path: path.stem)
def test_kv(path: Path):
    assert restore(path.read_bytes()).content == content(path.stem)


MIXED_COLUMNS = {
    "effort5": ("flight", "las", "odd", "rings"),
    "effort9": ("las", "lines", "odd", "packed", "pcd", "ply", "rings", "text"),
}
"""Points whose columns the mixing model codes: plain Python takes most of a minute for 10,000 bytes. Shorter ones at effort 5 are
read always, and `tests/codecs/columns/test_mixed.py` has a reader's test for each effort."""


def marks_of_points(stem: str) -> tuple:
    _, effort, name = stem.split("-")
    return (exhaustive,) if name in MIXED_COLUMNS.get(effort, ()) else ()


POINTS = sorted(path.stem for path in newest("points").glob("points-*.lac"))


@pytest.mark.parametrize("stem", [pytest.param(stem, marks=marks_of_points(stem)) for stem in POINTS])
def test_points(stem):
    base = golden.maker_of("points").base_of(stem)
    assert restore((newest("points") / f"{stem}.lac").read_bytes(), base).content == content(stem)


@pytest.mark.parametrize("stem", ["points-effort1-sweep", "points-effort5-sweep", "points-effort5-moving"])
def test_points_of_version_1(stem):
    assert restore((golden.FOLDER / "v1-bytes2" / f"{stem}.lac").read_bytes()).content == content(stem)


@pytest.mark.parametrize(
    "path", sorted(golden.FOLDER.glob("v[01]-*/quantised-*.lac")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_quantised(path: Path):
    _, setting, name = path.stem.split("-")
    decoded = restore(path.read_bytes()).content
    assert xxhash.xxh3_64_hexdigest(decoded) == golden.maker_of("quantised").DECODED[path.parent.name[:2]][f"{setting}-{name}"]


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("v0/features-*.lac")), ids=lambda path: path.stem)
def test_features(path: Path):
    maker = golden.maker_of("features")
    _, setting, name = path.stem.split("-")
    assert xxhash.xxh3_64_hexdigest(restore(path.read_bytes()).content) == maker.DECODED[f"{setting}-{name}"]


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("v0-*/kvlossy-*.lac")), ids=lambda path: path.stem)
def test_lossy_caches(path: Path):
    maker = golden.maker_of("kvlossy")
    decoded = restore(path.read_bytes(), maker.base_of(path.stem)).content
    _, setting, name = path.stem.split("-")
    assert xxhash.xxh3_64_hexdigest(decoded) == maker.DECODED[f"{setting}-{name}"]


@pytest.mark.parametrize("path", sorted(golden.FOLDER.glob("v2-*/gguf-*.lac")), ids=lambda path: path.stem)
def test_blocks(path: Path):
    assert restore(path.read_bytes()).content == content(path.stem)


@exhaustive
@pytest.mark.parametrize("stem", sorted(path.stem for path in newest("loglines").glob("loglines-*.lac")))
def test_lines_after_the_primer(stem, monkeypatch):
    from lacodec.codecs.bytes.mixed.start import primer_text

    text = primer_text().tobytes()  # `test_primer` compares it; reading it again takes long
    monkeypatch.setattr(log_lines, "primer", lambda: text)
    assert restore((newest("loglines") / f"{stem}.lac").read_bytes()).content == content(stem)


VIDEOS = sorted(path.stem for path in newest("video").glob("video-*.lac"))


@pytest.mark.parametrize("stem", [stem if stem.endswith("-one") else pytest.param(stem, marks=exhaustive) for stem in VIDEOS])
def test_videos(stem):
    """Single frames are quick; `tests/reference/test_video.py` has smaller moving ones."""
    video = content(stem)
    restored = restore((newest("video") / f"{stem}.lac").read_bytes()).content
    assert restored == (b"".join(VIDEO.to_blocks(video)) if video.format == "y4m" else video.held().pixels)
