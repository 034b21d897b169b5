"""`lacodec eval rd --audio`: tables, JSON, plots, and what it says when something is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from lacodec.testing import tone, wav_file

SWEEP = ("--sweep", "quality=10,30,40,50,60,80")
SNR = ("--metric", "snr", "--peers", "vorbis")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for name, channels in (("a.wav", 2), ("b.wav", 1)):
        (folder / name).write_bytes(wav_file(tone(20000, channels, 9000) + rng.normal(0, 300, (20000, channels)), 44100))
    (folder / "notes.txt").write_text("no sound")
    return folder


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path, repository: Path) -> dict[str, str]:
    """A machine where a package with the codec `coarse.audio` is installed."""
    metadata = tmp_path / "installed" / "coarse-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: coarse\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[lacodec.codecs]\ncoarse.audio = tests.cli.coarse_audio_codec:CoarseAudio\n")
    return {**environment, "PYTHONPATH": f"{tmp_path / 'installed'}:{repository}"}


def test_a_codec_beside_a_peer(lacodec, sounds: Path, tmp_path: Path) -> None:
    done = lacodec(
        "eval", "rd", "--codec", "coarse.audio", *SWEEP, *SNR, "--audio", "sounds", "--against", "vorbis", "--json", "out.json",
    )  # fmt: skip
    said = done.stdout.decode()
    for part in ("sounds: 2 clips", "coarse.audio", "quality 40", "BD-rate against vorbis", "of 2", "%"):
        assert part in said
    assert done.stderr.decode() == "sounds: 1 files left out: not sounds of a format that we read\n"
    found = json.loads((tmp_path / "out.json").read_text())
    assert [clip["name"] for clip in found["clips"]] == ["a.wav", "b.wav"]
    point = found["clips"][0]["methods"]["coarse.audio"][0]
    assert point["kbps"] == pytest.approx(8 * point["size"] / (20000 / 44100) / 1000, abs=1e-5)
    (curve,) = found["bd_rate"]["curves"]
    assert curve["method"] == "coarse.audio" and curve["mean"] > 0
    assert curve["mean"] == pytest.approx(np.mean([clip["percent"] for clip in curve["clips"].values()]))


def test_the_figures_are_those_of_real_files(lacodec, sounds: Path, tmp_path: Path) -> None:
    lacodec("eval", "rd", "-q", "--codec", "coarse.audio", "--sweep", "quality=40", "--metric", "snr", "--peers", "none",
            "--audio", "sounds/a.wav", "--json", "out.json")  # fmt: skip
    point = json.loads((tmp_path / "out.json").read_text())["clips"][0]["methods"]["coarse.audio"][0]
    lacodec("encode", "--codec", "coarse.audio", "--quality", "40", sounds / "a.wav", "-o", "a.lac")
    lacodec("decode", "a.lac", "-o", "decoded.wav")
    assert 0 <= (tmp_path / "a.lac").stat().st_size - point["size"] < 40  # the header of a file from disk has its name
    original, decoded = (
        np.frombuffer(path.read_bytes()[44:], "<i2").astype(float) for path in (sounds / "a.wav", tmp_path / "decoded.wav")
    )
    expected = 10 * np.log10((original**2).sum() / ((original - decoded) ** 2).sum())
    assert point["scores"]["snr"]["score"] == pytest.approx(expected, abs=1e-5)


def test_plot(lacodec, sounds: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    common = ("eval", "rd", "-q", "--codec", "coarse.audio", *SWEEP, *SNR, "--audio", "sounds")
    lacodec(*common, "--plot", "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text()
    assert all(f">{text}" in drawn for text in ("SNR in dB", "kbit/s", "a.wav", "b.wav", "coarse.audio", "vorbis"))
    lacodec(*common, "--plot", "plot.svg", "--range", "20:200", "--force")
    assert b"exists" in lacodec(*common, "--plot", "plot.svg", code=1).stderr


def test_a_broken_sound_is_told_and_left_out(lacodec, sounds: Path) -> None:
    (sounds / "c.wav").write_bytes((sounds / "a.wav").read_bytes()[:30])
    done = lacodec("eval", "rd", "-q", "--codec", "coarse.audio", *SWEEP, *SNR, "--audio", "sounds", code=1)
    assert b"c.wav" in done.stderr and b"2 clips" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--audio", "sounds", "--anchor", "vtm"], "no published curves"),
        (["--audio", "sounds", "--metric", "psnr"], "visqol"),
        (["--audio", "sounds", "--metric", "snr", "--peers", "vorbis", "--against", "opus"], "not measured"),
        (["--audio", "sounds", "--metric", "snr", "--peers", "flac"], "known peers: opus"),
        (["--audio", "sounds", "--metric", "snr", "--range", "9:5"], "kbit/s"),
        (["--audio", "sounds", "--data", "sounds"], "not allowed"),
        (["--data", "sounds", "--metric", "snr"], "psnr and ms-ssim"),
        (["--data", "sounds", "--cache", "x"], "--audio"),
    ],
)
def test_wrong_usage_is_2(lacodec, sounds: Path, arguments: list[str], said: str) -> None:
    assert said in lacodec("eval", "rd", *arguments, code=2).stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--codec", "audio.lossless", "--sweep", "effort=1"], "not a lossy audio codec"),
        (["--codec", "coarse.audio", "--sweep", "quality=0"], "quality is 0"),
        (["--codec", "coarse.audio", "--sweep", "speed=1"], "no option 'speed'"),
    ],
)
def test_errors_are_one_line_and_1(lacodec, sounds: Path, arguments: list[str], said: str) -> None:
    done = lacodec("eval", "rd", *arguments, "--metric", "snr", "--audio", "sounds", code=1).stderr.decode()
    assert said in done and done.count("\n") == 1


def test_html_report(lacodec, sounds: Path, tmp_path: Path) -> None:
    lacodec(
        "eval",
        "rd",
        "-q",
        "--codec",
        "coarse.audio",
        *SWEEP,
        *SNR,
        "--audio",
        "sounds",
        "--against",
        "vorbis",
        "--html",
        "r.html",
    )
    text = (tmp_path / "r.html").read_text()
    assert text.count('<section class="sound">') == 2 and text.count("<audio controls") == 6
    assert "BD-rate against the best of vorbis" in text and "coarse.audio" in text and "of 2" in text
