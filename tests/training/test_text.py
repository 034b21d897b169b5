"""Training of the language model: what is held out, exact resumption, both rules of the optimiser, the command."""

import csv
import json
import lzma
import os
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lacodec.cli import main  # noqa: E402
from lacodec.codecs.text import windows  # noqa: E402
from lacodec.errors import BadInput  # noqa: E402
from lacodec.models.exact import Mode  # noqa: E402
from lacodec.models.text.options import TextOptions  # noqa: E402
from lacodec.models.text.pieces import Pieces  # noqa: E402
from lacodec.training import checkpoint, text, text_data  # noqa: E402
from lacodec.training.loop import Run  # noqa: E402
from lacodec.training.muon import Muon, orthogonalised  # noqa: E402
from lacodec.training.text_data import Part, Sources, Texts  # noqa: E402
from lacodec.training.text_options import TextTrainOptions  # noqa: E402

pytestmark = pytest.mark.torch

SIZES = {"width": 16, "recurrence": 24, "hidden": 32, "blocks": 2}
WORDS = ["the", "sea", "was", "calm", "and", "a", "wind", "rose\n", "over", "it."]


def quiet(_):
    pass


def sentences(count, seed):
    rng = np.random.default_rng(seed)
    return " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), count)).encode()


def run(folder, steps):
    options = TextTrainOptions(steps=steps, average=0.9, batch=4, length=32, unwrapped=0)
    texts = Texts(sentences(3000, 1), sentences(500, 2), {"text": sentences(300, 3)})
    pieces = text.learn_pieces(texts, 290)
    model = text.new_model(TextOptions(**SIZES), pieces, seed=1)
    return Run(text.text_task(options, texts, torch.device("cpu"), model, pieces), options, folder, quiet)


def test_it_learns_and_ends_as_integers(tmp_path):
    learning = run(tmp_path, 120)
    before = learning.task.validate(learning.task.model)
    learning.train()
    after = learning.task.validate(learning.average)
    assert after["text"] < 0.75 * before["text"]
    assert abs(after["text_int8"] - after["text"]) < 0.05 * after["text"]
    assert learning.task.model.mode == Mode.SIMULATED
    assert (tmp_path / "curve.csv").exists()


def test_a_resumed_run_is_the_same(tmp_path):
    whole = run(tmp_path / "whole", 40)
    with pytest.raises(KeyboardInterrupt):
        interrupt(whole, 15)
    whole.train()  # went on in this process, from where it was stopped
    stopped = run(tmp_path / "stopped", 40)
    with pytest.raises(KeyboardInterrupt):
        interrupt(stopped, 15)
    resumed = run(tmp_path / "stopped", 40)
    resumed.resume()
    assert resumed.step == 15
    resumed.train()
    for name, value in whole.task.model.state_dict().items():
        assert torch.equal(value, resumed.task.model.state_dict()[name]), name
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def interrupt(training, at):
    """Train until step `at`, as Ctrl-C would stop it."""
    loss = training.task.loss

    def stopping(progress, generator):
        if training.step == at:
            training.task.loss = loss
            raise KeyboardInterrupt
        return loss(progress, generator)

    training.task.loss = stopping
    training.train()


def test_a_checkpoint_says_how_to_build_the_model(tmp_path):
    learning = run(tmp_path, 3)
    learning.train()
    content = checkpoint.load(learning.path)
    for averaged, wanted in ((True, learning.average), (False, learning.task.model)):
        model, pieces = text.model_of(content, averaged)
        assert model.options == wanted.options and pieces.texts == learning.task.pieces.texts
        assert all(torch.equal(one, other) for one, other in zip(model.parameters(), wanted.parameters(), strict=True))
    with pytest.raises(BadInput, match="not one of lacodec train text"):
        text.model_of({**content, "description": {"model": {}, "options": {}}})


def test_checkpoints_under_the_name_of_before_are_read(tmp_path):
    """They lack the settings of their run, and counted processor time."""
    learning = run(tmp_path, 3)
    learning.train()
    content = checkpoint.load(learning.path)
    assert text.options_of(content) == asdict(learning.options)
    del content["description"]["run"]
    torch.save({**content, "kind": "laconic checkpoint 1"}, learning.path)
    again = checkpoint.load(learning.path)
    assert text.options_of(again) == {"clock": "processor"}
    text.model_of(again)
    resumed = run(tmp_path, 5)
    resumed.resume()
    resumed.train()
    assert resumed.step == 5


def test_parts_are_kept_out(tmp_path):
    content = b"0123456789abcdef"
    parts = [Part("f", "b", 12, 14, "test"), Part("f", "a", 0, 3, "validation")]
    assert text_data.without(content, parts) == [b"3456789ab", b"ef"]
    for wrong in (Part("f", "c", 2, 5, "test"), Part("f", "c", 2, 50, "test")):
        with pytest.raises(BadInput, match="overlaps another or is beyond"):
            text_data.without(content, [*parts, wrong])
    (tmp_path / "parts.json").write_text(json.dumps([asdict(part) for part in parts]))
    assert text_data.load_parts(tmp_path / "parts.json") == parts


@pytest.mark.parametrize(
    "content",
    ["[1]", "nonsense", '[{"file": "f"}]', "{}x", '[{"file": "f", "name": "n", "begin": "0", "end": 3, "use": "test"}]'],
)
def test_lists_of_parts_that_are_none(tmp_path, content):
    (tmp_path / "parts.json").write_text(content)
    with pytest.raises(BadInput, match=r"parts\.json"):
        text_data.load_parts(tmp_path / "parts.json")
    with pytest.raises(BadInput, match="cannot be read"):
        text_data.load_parts(tmp_path / "none.json")


def test_the_parts_of_our_own_data_are_well_formed():
    parts = text_data.load_parts(text_data.PARTS)
    for file in {part.file for part in parts}:
        mine = [part for part in parts if part.file == file]
        length = max(part.end for part in mine)
        left = sum(map(len, text_data.without(bytes(length), mine)))
        assert left == length - sum(part.end - part.begin for part in mine)


def test_texts_are_collected_without_what_is_held_out(tmp_path):
    books = tmp_path / "books"
    books.mkdir()
    (books / "b.txt").write_bytes(b"second\r\nbook, held out, end")
    (books / "a.txt.xz").write_bytes(lzma.compress(b"first book"))
    (books / "c.png").write_bytes(b"no text")
    (tmp_path / "other").write_bytes(b"others")
    (tmp_path / "judge.txt").write_bytes(b"judge")
    texts = text_data.collect([books], [tmp_path / "other"], [tmp_path / "judge.txt"], [Part("b.txt", "x", 12, 22, "validation")])
    assert texts == Texts(
        b"first book\n\n\n\nsecond\nbook\n\n\n\n, end", b"others", {"text": b", held out", "validation": b"judge"}
    )
    (tmp_path / "bad.xz").write_bytes(b"nonsense")
    (tmp_path / "empty").mkdir()
    for wrong, message in (("bad.xz", "is not a .xz file"), ("none.txt", "cannot be read"), ("empty", "contains no text")):
        with pytest.raises(BadInput, match=message):
            text_data.collect([tmp_path / wrong])


def test_unwrapped_paragraphs_and_windows():
    assert text_data.unwrapped(b"a\nb\n\nc\n  d\n") == b"a b\n\nc\n  d\n"
    sources = Sources([np.arange(100, dtype=np.uint16), np.arange(1000, 1100, dtype=np.uint16)], [0.5, 0.5], 20)
    windows = sources.sample(50, 20, torch.Generator().manual_seed(1))
    assert (windows.diff(dim=1) == 1).all() and (windows < 100).any() and (windows >= 1000).any()
    with pytest.raises(BadInput, match="only 3 pieces"):
        Sources([np.arange(3, dtype=np.uint16)], [1.0], 20)


@pytest.mark.parametrize(
    "options", [{"length": 0}, {"matrix_rate": 0.0}, {"unwrapped": 0.6, "other_share": 0.5}, {"clock": "sun"}, {"judged": 0}]
)
def test_senseless_options(options):
    with pytest.raises(BadInput):
        TextTrainOptions(steps=1, **options)


def test_orthogonalised_matrices_and_adam():
    torch.manual_seed(5)
    for shape in ((20, 30), (3, 40, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)).float())
        assert values.max() < 1.4 and values.min() > 0.4
    mine, theirs = torch.ones(6, requires_grad=True), torch.ones(6, requires_grad=True)
    optimisers = [
        Muon([{"params": [mine], "lr": 0.1, "orthogonal": False}]),
        torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.98)),
    ]
    for _ in range(5):
        for parameter, optimiser in zip((mine, theirs), optimisers, strict=True):
            parameter.grad = parameter.detach() * torch.arange(1.0, 7)
            optimiser.step()
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.fixture
def flags(tmp_path):
    """Of a training that takes a second."""
    (tmp_path / "english.txt").write_bytes(sentences(3000, 1) + b"\r\n")
    (tmp_path / "other.xz").write_bytes(lzma.compress(sentences(900, 2)))
    (tmp_path / "parts.json").write_text(json.dumps([asdict(Part("english.txt", "end", 10000, 10400, "validation"))]))
    words = [str(tmp_path / "english.txt"), "--other", str(tmp_path / "other.xz"), "--parts", str(tmp_path / "parts.json")]
    return ["train", "text", *words, "--batch", "2", "--length", "16", "--device", "cpu", "-o", str(tmp_path / "run")]


NEW = ["--pieces", "280", *(f"--{name}={value}" for name, value in SIZES.items())]


def test_the_command_trains_and_resumes(flags, tmp_path, capsys):
    assert main([*flags, *NEW, "--steps", "4", "--report", "2"]) == 0
    told = capsys.readouterr().err
    assert "280 pieces" in told and told.count("text_int8") == 1 and told.count("loss") >= 2
    assert len(Pieces.load(tmp_path / "run/pieces.txt")) == 280
    assert (
        windows.decode(windows.encode(b"So said he.", 16, tmp_path / "run/model.lac"), tmp_path / "run/model.lac")
        == b"So said he."
    )
    assert main([*flags, *NEW, "--steps", "4"]) == 1
    assert "this folder holds an earlier run" in capsys.readouterr().err
    assert main([*flags, *NEW, "--steps", "6", "--resume"]) == 1
    assert "leave out --pieces-from" in capsys.readouterr().err
    assert main([*flags, "--steps", "6", "--resume"]) == 0  # with --report 2, as before
    with open(tmp_path / "run/curve.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "4", "4", "6", "6"]


def test_the_command_begins_from_a_checkpoint_or_a_file_of_pieces(flags, tmp_path, capsys):
    assert main([*flags, *NEW, "--steps", "2"]) == 0
    made, begun = tmp_path / "run/checkpoint.pt", [*flags[:-1], str(tmp_path / "next"), "--steps", "2"]
    assert main([*begun, "--start", str(made), "--validation", str(tmp_path / "english.txt")]) == 0
    assert "validation_int8" in capsys.readouterr().err
    told = checkpoint.load(tmp_path / "next/checkpoint.pt")
    assert told["step"] == 2 and told["description"]["options"]["width"] == SIZES["width"]
    from_model = [*flags[:-1], str(tmp_path / "from_model"), "--steps", "1", "--start", str(tmp_path / "run/model.lac")]
    assert main(from_model) == 0
    assert checkpoint.load(tmp_path / "from_model/checkpoint.pt")["description"]["options"]["width"] == SIZES["width"]
    from_file = [*flags[:-1], str(tmp_path / "third"), "--steps", "1", "--pieces-from", str(tmp_path / "run/pieces.txt")]
    assert main([*from_file, *NEW]) == 0
    shutil.rmtree(tmp_path / "third")
    assert main([*from_file, "--pieces", "300"]) == 1
    assert "has 280 pieces, not 300" in capsys.readouterr().err
    assert main(["train", "image", "--data", str(tmp_path), "-o", str(tmp_path / "run"), "--resume", "--steps", "9"]) == 1
    assert "is not a checkpoint of lacodec train image" in capsys.readouterr().err


def test_the_command_needs_nothing_but_text(tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes(sentences(2000, 1))
    out = ["--steps", "1", "--device", "cpu", "-o", str(tmp_path / "run")]
    assert main(["train", "text", str(tmp_path), *NEW, *out, "--batch", "1"]) == 0
    assert "280 pieces" in capsys.readouterr().err
    (tmp_path / "a.txt").write_bytes(b"too short")
    assert main(["train", "text", str(tmp_path), *NEW, *out[:-1], str(tmp_path / "next")]) == 1
    assert "a window needs 513" in capsys.readouterr().err
    assert main(["train", "text", str(tmp_path / "a.txt"), *out[2:], "--resume", "--steps", "2", "--length", "0"]) == 1
    assert "must be above 0" in capsys.readouterr().err


def test_help_needs_no_torch(repository):
    code = """
import sys
sys.modules["torch"] = sys.modules["numpy"] = sys.modules["numba"] = None
from lacodec.cli import main
main(["train", "text", "--help"])
"""
    env = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "--matrix-rate" in done.stdout and "text.lm" in done.stdout
