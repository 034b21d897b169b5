"""`lacodec tokenize` and `lacodec eval bpc`."""

import json
from pathlib import Path

import numpy as np
import pytest

from lacodec.evaluation.bits_per_character import overlap
from tests import languages
from tests.languages import TEXT


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_bytes(TEXT)
    return languages.model_file(tmp_path)


@pytest.mark.parametrize("bits", ["16", "32"])
def test_text_to_numbers_and_back(lacodec, model: Path, tmp_path: Path, bits: str) -> None:
    done = lacodec("tokenize", "book.txt", "--window-bits", bits, "--model", model, "-o", "ids.npy")
    assert f"windows of {bits} bits" in done.stdout.decode()
    assert np.load(tmp_path / "ids.npy").dtype == f"uint{bits}"
    lacodec("tokenize", "--decode", "ids.npy", "--model", model, "-o", "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == TEXT


def test_arrow(lacodec, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    lacodec("tokenize", "book.txt", "--model", model, "-o", "ids.arrow")
    lacodec("tokenize", "--decode", "ids.arrow", "--model", model, "-o", "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == TEXT


def test_the_model_that_comes_with_the_package(lacodec, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"It was the best of times, it was the worst of times.\n")
    lacodec("tokenize", "a.txt", "-o", "ids.npy")
    assert len(np.load(tmp_path / "ids.npy")) < 25
    lacodec("tokenize", "--decode", "ids.npy", "-o", "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == (tmp_path / "a.txt").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("book.txt", "-o", "ids.json"), 2),
        (("nothing.txt", "-o", "ids.npy"), 1),
        (("--decode", "book.txt", "-o", "out"), 1),
        (("book.txt", "-o", "book.txt"), 1),
    ],
)
def test_mistakes(lacodec, model: Path, arguments: tuple[str, ...], code: int) -> None:
    done = lacodec("tokenize", *arguments, "--model", model, code=code)
    assert done.stderr.startswith(b"lacodec: ")


def test_bits_per_character(lacodec, model: Path, tmp_path: Path) -> None:
    lacodec(
        "eval",
        "bpc",
        "book.txt",
        "--codec",
        "bytes",
        "--effort",
        "4",
        "--model",
        model,
        "--train",
        "book.txt",
        "--json",
        "m.json",
    )
    codec, own = json.loads((tmp_path / "m.json").read_text())
    assert codec["method"] == "bytes --effort 4"
    assert codec["bits"] == 8 * codec["checked_coded_bytes"]
    assert codec["characters"] == len(TEXT.decode())
    assert codec["bits_per_character"] > codec["bits_per_byte"]
    assert own["overlap"] == codec["overlap"] == 1.0
    assert own["model_bytes"] == model.stat().st_size
    assert abs(own["checked_coded_bytes"] * 8 / own["bits"] - 1) < 0.02


def test_overlap() -> None:
    new = bytes(range(100))
    assert overlap(new, [new[10:60]]) == pytest.approx(19 / 69)
    assert overlap(new, [TEXT]) == 0
    assert overlap(b"short", [b"short"]) == 0
