"""Training: crops, the loop's exact resumption, broken pictures, the command."""

import csv

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

import lacodec  # noqa: E402
from lacodec.cli import main  # noqa: E402
from lacodec.entropy.distributions import load  # noqa: E402
from lacodec.entropy.tables import cost_bits  # noqa: E402
from lacodec.errors import BadInput  # noqa: E402
from lacodec.models.image.rate import bits_of_each  # noqa: E402
from lacodec.models.image.rounding import towards_zero  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from lacodec.training.image import ImageTask  # noqa: E402
from lacodec.training.image_loss import nearest, quantised  # noqa: E402
from lacodec.training.loop import Run  # noqa: E402
from lacodec.training.options import TrainOptions  # noqa: E402
from lacodec.training.pictures import Pictures, picture_files  # noqa: E402
from tests import learned  # noqa: E402

pytestmark = pytest.mark.torch


def quiet(_):
    pass


def test_crops_are_windows_of_the_pictures():
    pictures = learned.pictures()
    crops = pictures.sample(40, 32, torch.Generator().manual_seed(1)).numpy().astype(np.uint8)
    wholes = [photo(128, 128 + 16 * i, seed=i + 1) for i in range(3)]
    turned = [t for w in wholes for f in (w, w[::-1]) for g in (f, f[:, ::-1]) for t in (g, g.transpose(1, 0, 2))]
    for crop in crops:
        corner = crop[:, 0, 0]
        found = False
        for whole in turned:
            for y, x in np.argwhere((whole == corner).all(2)):
                found = found or np.array_equal(whole[y : y + 32, x : x + 32].transpose(2, 0, 1), crop)
        assert found
    assert len({crop.tobytes() for crop in crops}) == 40


@pytest.mark.parametrize("family", ["gaussian", "laplace", "mixture"])
def test_bits_are_those_of_the_tables(family):
    """The differentiable rate equals what the coder's integer tables cost."""
    rng = np.random.default_rng(2)
    for scale in (0, 9, 20, 35, 50):
        tables = load(f"{family}-14")
        values = np.rint(rng.normal(0, 0.11 * (256 / 0.11) ** (scale / 63), 4000)).astype(np.int64)
        exact = cost_bits(values, tables, np.full(4000, scale))
        estimated = bits_of_each(torch.from_numpy(values).float(), torch.full((4000,), float(scale)), f"{family}-14")
        assert abs(float(estimated.sum()) - exact) < 0.02 * exact + 12


def test_gradients_of_rounding_are_those_of_the_mean_over_a_step():
    """Against differences of the mean of what rounding gives, over many values with uniform noise."""
    generator = torch.Generator().manual_seed(5)
    for name, rounding in (("nearest", lambda s: nearest), ("towards zero", lambda s: lambda x: towards_zero(x, s, "sparse-14"))):
        for number, at in ((6, 0.1), (6, 0.7), (14, 0.02), (14, 0.3), (30, -1.2), (45, 3.4)):
            values = torch.full((200_000,), at) + torch.rand(200_000, generator=generator) - 0.5
            scales = torch.full_like(values, float(number))

            def mean(shift, values=values, scales=scales, rounding=rounding):
                whole = rounding(scales)(values + shift)
                return whole.mean(), bits_of_each(whole, scales, "sparse-14").mean()

            (low, low_bits), (high, high_bits) = mean(-0.02), mean(0.02)
            variable = torch.full((1,), at, requires_grad=True)
            whole, bits = quantised(
                variable, torch.full((1,), float(number)), "sparse-14", rounding(torch.full((1,), float(number)))
            )
            assert torch.equal(whole.detach(), rounding(torch.full((1,), float(number)))(variable))
            (slope,) = torch.autograd.grad(whole.sum(), variable, retain_graph=True)
            (dearer,) = torch.autograd.grad(bits.sum(), variable)
            assert abs(float(slope) - float(high - low) / 0.04) < 0.05, (name, number, at)
            assert abs(float(dearer) - float(high_bits - low_bits) / 0.04) < 0.05 * max(1, abs(float(dearer))), (name, number, at)


def small_run(folder, steps=24, seed=0, rate=1e-3):
    options = TrainOptions(steps=steps, batch=2, crop=64, report=4, average=0.8, precision="float32", seed=seed, rate=rate)
    torch.manual_seed(seed)
    return Run(ImageTask(learned.model(), learned.pictures(), None, options), options, folder, quiet)


def test_an_interrupted_run_ends_as_the_whole_one(tmp_path, monkeypatch):
    whole = small_run(tmp_path / "a")
    steps = whole._step

    def step_and_save(progress):  # the whole run also writes a checkpoint there, as any run does now and then
        if whole.step == 10:
            whole.keep()
        return steps(progress)

    whole._step = step_and_save
    whole.train()

    first = small_run(tmp_path / "b")
    ordinary = first._step

    def interrupted(progress):
        if first.step == 10:
            raise KeyboardInterrupt
        return ordinary(progress)

    first._step = interrupted
    with pytest.raises(KeyboardInterrupt):
        first.train()
    second = small_run(tmp_path / "b", seed=0)
    second.resume()
    assert second.step == 10
    second.train()
    for (name, one), other in zip(whole.average.named_parameters(), second.average.parameters(), strict=True):
        assert torch.equal(one, other), name
    losses = [[row["loss"] for row in run.curve.rows if "loss" in row] for run in (whole, second)]
    assert losses[0][-3:] == losses[1][-3:]


def test_it_learns(tmp_path):
    run = small_run(tmp_path, steps=80, rate=6e-3)
    run.train()
    losses = [row["loss"] for row in run.curve.rows if "loss" in row]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:4])
    assert not any(parameter.requires_grad for parameter in run.average.parameters())  # it keeps no graph of all steps


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    for i in range(3):
        Image.fromarray(photo(150, 140, seed=i)).save(place / f"{i}.png")
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    Image.fromarray(photo(20, 20)).save(place / "tiny.png")
    (place / "notes.txt").write_text("not a picture")
    return place


def test_broken_pictures_are_left_out_with_a_word(folder):
    words = []
    pictures = Pictures.load(picture_files([folder]), 64, "cpu", words.append)
    assert len(words) == 2 and any("broken.jpg" in w for w in words) and any("tiny.png" in w for w in words)
    assert len(pictures.heights) == 6  # three, each also at half its size
    (folder / "sub").mkdir()
    with pytest.raises(BadInput):
        picture_files([folder / "sub"])
    with pytest.raises(BadInput):
        Pictures.load([folder / "broken.jpg"], 64, "cpu", words.append)


def test_the_command_trains_and_resumes_a_model_that_codes(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("lacodec.models.image.options", fromlist=["PROFILES"]).PROFILES, "small", learned.SIZES)
    out = tmp_path / "run"
    flags = ["image", "--data", str(folder), "-o", str(out), "--batch", "2", "--crop", "64", "--device", "cpu", "--report", "2"]
    assert main(["train", *flags, "--steps", "4"]) == 0
    assert "broken.jpg" in capsys.readouterr().err
    assert main(["train", *flags, "--steps", "4"]) == 1  # it holds an earlier run
    assert main(["train", *flags, "--steps", "6", "--resume"]) == 0
    with open(out / "curve.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)][-1] == "6"
    model = str(out / "model.lac")
    monkeypatch.setenv("LACODEC_MODELS", model)
    pixels = photo(70, 60)
    assert lacodec.decode(lacodec.encode(pixels, "image.learned", model=model, verify=True)).pixels.shape == pixels.shape
    assert main(["train", *flags[:4], str(tmp_path / "more"), *flags[5:], "--steps", "2", "--start", model]) == 0
    capsys.readouterr()
    shipped = ["--batch", "1", "--crop", "64", "--device", "cpu", "--steps", "1", "--start", "small"]
    assert main(["train", *flags[:4], str(tmp_path / "shipped"), *shipped]) == 0
    said = capsys.readouterr().err
    assert "reading 5 pictures" in said and "\nstep 1  seconds " in said
    assert main(["train", *flags[:4], str(tmp_path / "none"), *shipped[:-1], "smaller"]) == 1
    said = capsys.readouterr().err
    assert "smaller: no such model; give a model file, a checkpoint or a shipped one: " in said and "small" in said.split("one: ")[1]
    (tmp_path / "bad.pt").write_bytes(b"nonsense")
    assert main(["train", *flags[:4], str(tmp_path / "x"), *flags[5:], "--steps", "2", "--start", str(tmp_path / "bad.pt")]) == 1


@pytest.mark.parametrize(
    "options",
    [{}, {"steps": 1, "minutes": 1.0}, {"steps": 0}, {"steps": 1, "crop": 100}, {"steps": 1, "rate": 2.0}, {"minutes": 0.0}],
)
def test_senseless_options(options):
    with pytest.raises(BadInput):
        TrainOptions(**options)
