"""`lacodec eval perception`: tables, JSON, plot, resuming, and what it says when something is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lacodec.testing import tone, wav_file

OWN = """
from lacodec.evaluation.perception.task import Metric, Score, Task

class Grey(Task):
    name, kind, how, id = "grey", "{kind}", "one figure of it", "grey 1"
    metrics = (Metric("close", "within 5", "share"), Metric("far", "the difference", "distance"), Metric("named", "", "share"))

    def answer(self, thing):
        return float({answer})

    def scores(self, original, decoded, label):
        apart = abs(original - decoded)
        found = {{"close": Score(float(apart <= {limit}), 1), "far": Score(apart, 1)}}
        return found if label is None else {{**found, "named": Score(float(abs(decoded - float(label)) < 60), 1)}}
"""
PICTURES = OWN.format(kind="pictures", answer="thing[0, 0, 0]", limit=5) + "build = Grey\n"
SOUNDS = OWN.format(kind="sounds", answer="thing.samples[len(thing.samples) // 2, 0]", limit=0.02) + "build = Grey\n"
JPEG = ("--peers", "jpeg", "--values", "jpeg=1,30,95")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(folder / f"{i}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def write_module(folder: Path, text: str) -> str:
    """A module of the test's own, since a name is imported once."""
    name = f"own_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text)
    return f"{name}:build"


def test_pictures(lacodec, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("file\tlabel\n0.png\t100\n")
    common = ("eval", "perception", "pictures", "--task-model", write_module(tmp_path, PICTURES), *JPEG, "--labels", "labels.tsv")
    done = lacodec(*common, "--keep", "0.9", "--cache", "scores", "--json", "out.json")
    said = done.stdout.decode()
    for part in (
        "pictures: grey of 3 pictures",
        "quality 30",
        "bits per pixel",
        "named",
        "cheapest setting that keeps 0.9 of close",
    ):
        assert part in said
    assert done.stderr.decode() == "pictures: 1 files left out: not pictures of a format that we read\n"
    found = json.loads((tmp_path / "out.json").read_text())
    undecoded, *coded = found["points"]
    assert (
        undecoded["figures"]["close"] == {"value": 1, "low": 1, "high": 1, "files": 3}
        and undecoded["figures"]["named"]["files"] == 1
    )
    for i, point in enumerate(coded):
        samples = [file["settings"][i] for file in found["files"]]
        assert point["bytes"] == sum(sample["bytes"] for sample in samples)
        assert point["rate"] == pytest.approx(8 * point["bytes"] / (3 * 40 * 48), abs=1e-6)
        assert point["figures"]["far"]["value"] == pytest.approx(np.mean([one["scores"]["far"][0] for one in samples]), abs=1e-6)
    kept = [point for point in coded if point["figures"]["close"]["value"] >= 0.9]
    cheapest = min(kept, key=lambda point: point["bytes"])["setting"] if kept else None
    assert found["keep"]["cheapest"] == {"jpeg": cheapest}
    size = (tmp_path / "scores").stat().st_size
    assert lacodec(*common, "--keep", "0.9", "--cache", "scores").stdout.decode() == said
    assert (tmp_path / "scores").stat().st_size == size


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path, repository: Path) -> dict[str, str]:
    """A machine where a package with the codec `coarse.audio` is installed."""
    metadata = tmp_path / "installed" / "coarse-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: coarse\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[lacodec.codecs]\ncoarse.audio = tests.cli.coarse_audio_codec:CoarseAudio\n")
    return {**environment, "PYTHONPATH": f"{tmp_path / 'installed'}:{repository}"}


def test_sounds(lacodec, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav_file(tone(9000, 1, 9000), 16000))
    lacodec("eval", "perception", "-q", "a.wav", "--task-model", write_module(tmp_path, SOUNDS), "--peers", "vorbis",
            "--codec", "coarse.audio", "--sweep", "quality=50", "--json", "out.json")  # fmt: skip
    found = json.loads((tmp_path / "out.json").read_text())
    assert [one["codec"] for one in found["settings"]] == ["coarse.audio", *["vorbis"] * 6]
    for point in found["points"][1:]:
        assert point["rate"] == pytest.approx(8 * point["bytes"] / (9000 / 16000) / 1000, abs=1e-6)


def test_plot(lacodec, pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lacodec(
        "eval",
        "perception",
        "-q",
        "pictures",
        "--task-model",
        write_module(tmp_path, PICTURES),
        *JPEG,
        "--plot",
        "p.svg",
        "--metric",
        "far",
    )
    drawn = (tmp_path / "p.svg").read_text()
    assert all(f">{text}" in drawn for text in ("far", "jpeg", "undecoded", "bits per pixel"))


def test_a_broken_picture_is_told_and_left_out(lacodec, pictures: Path, tmp_path: Path) -> None:
    data = (pictures / "0.png").read_bytes()
    (pictures / "3.png").write_bytes(data[: len(data) // 2])
    done = lacodec("eval", "perception", "-q", "pictures", "--task-model", write_module(tmp_path, PICTURES), *JPEG, code=1)
    assert b"3.png" in done.stderr and b"3 pictures" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "nothing to ask"),
        (["--task", "taste"], 2, "invalid choice"),
        (["--task", "classification"], 1, "--task-model FILE"),
        (["--task-model", "MODULE", "--keep", "1.5"], 2, "at most 1"),
        (["--task-model", "MODULE", "--keep", "much"], 2, "invalid"),
        (["--task-model", "MODULE", "--keep", "0.9", "--metric", "far"], 2, "no part can be kept"),
        (["--task-model", "MODULE", "--metric", "nice"], 2, "has close, far, named"),
        (["--task-model", "MODULE", "--metric", "named"], 1, "no file has what it needs"),
        (["--task-model", "MODULE", "--peers", "none"], 2, "nothing to measure"),
        (["--task-model", "MODULE", "--values", "webp=3"], 2, "webp is not measured"),
        (["--task-model", "MODULE", "--values", "jpeg"], 2, "such as jpeg=5,10,30"),
        (["--task-model", "MODULE", "--codec", "image.lossless", "--sweep", "effort=1"], 1, "not a lossy image codec"),
        (["--task-model", "MODULE", "--labels", "pictures/notes.txt"], 1, "needs columns"),
        (["--task-model", "MODULE", "--labels", "none.tsv"], 1, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    lacodec, pictures: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    module = write_module(tmp_path, PICTURES)
    words = [module if word == "MODULE" else word for word in arguments]
    peers = [] if "--peers" in words else ["--peers", "jpeg"]
    assert said in lacodec("eval", "perception", "-q", "pictures/0.png", *peers, *words, code=code).stderr.decode()


def test_html_report(lacodec, pictures: Path, tmp_path: Path) -> None:
    task = write_module(tmp_path, PICTURES)
    lacodec("eval", "perception", "-q", "pictures", "--task-model", task, *JPEG, "--keep", "0.5", "--html", "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count('class="interval"') == 6 and text.count('<div class="viewer"') == 3  # close and far at three settings
    assert "undecoded" in text and "Cheapest setting that keeps 0.5 of close" in text and "quality 30" in text
