"""Masks travel with their pictures; a teacher's features are learnt; every loss resumes exactly."""

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

from lacodec.errors import BadInput  # noqa: E402
from lacodec.models.exact import freeze  # noqa: E402
from lacodec.models.image.options import ModelOptions  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from lacodec.training.distillation import Distillation  # noqa: E402
from lacodec.training.distortion import squared, together  # noqa: E402
from lacodec.training.image import ImageTask, image_task  # noqa: E402
from lacodec.training.image_loss import run  # noqa: E402
from lacodec.training.loop import Run  # noqa: E402
from lacodec.training.options import TrainOptions  # noqa: E402
from lacodec.training.pictures import Pictures, mask_files, picture_files  # noqa: E402
from lacodec.training.task_loss import TaskLoss  # noqa: E402
from tests import learned  # noqa: E402

pytestmark = pytest.mark.torch

LARGER = ModelOptions(
    latents=48, hyper_latents=8, width=24, blocks=1, coarse=1, coarse_inner=16, fine=2, fine_inner=16, high=0.08
)


@pytest.fixture
def folders(tmp_path):
    """Pictures, and masks that are their red channels; one without, one of the wrong size."""
    data, masks = tmp_path / "data", tmp_path / "masks"
    for place in (data / "sub", masks / "sub"):
        place.mkdir(parents=True)
    for name, seed in (("a", 0), ("sub/a", 1), ("b", 2), ("c", 3)):
        pixels = photo(140, 150, seed=seed)
        Image.fromarray(pixels).save(data / f"{name}.png")
        if name != "b":
            Image.fromarray(pixels[:-1, :, 0] if name == "c" else pixels[..., 0]).save(masks / f"{name}.png")
    return data, masks


def test_masks_are_cropped_flipped_and_halved_with_their_pictures(folders):
    data, masks = folders
    files, words = picture_files([data]), []
    found = mask_files(masks, [data], files)
    assert len(files) == 4 and len(found) == 3
    pictures = Pictures.load(files, 64, "cpu", words.append, masks=found)
    assert len(words) == 1 and "c.png" in words[0] and "139" in words[0]
    pixels, weights = pictures.crops(60, 64, torch.Generator().manual_seed(1))
    white = (weights == 1).flatten(1).all(1)
    assert 0 < white.sum() < 60
    assert torch.equal((weights * 255).round()[~white], pixels[~white, :1])
    assert len(pictures.heights) == 6  # with those of half the size
    with pytest.raises(BadInput):
        mask_files(data / "sub" / "none", [data], files)
    with pytest.raises(BadInput):
        mask_files(masks / "sub", [data], files[2:3])


def distilled(options, pictures):
    torch.manual_seed(0)
    model, teacher = learned.model(), learned.model(seed=5, sizes=LARGER)
    examples = pictures.sample(8, options.crop, torch.Generator().manual_seed(0))
    return ImageTask(model, pictures, None, options, distillation=Distillation(teacher, model, options, examples)), teacher


def task_of(kind, options):
    """An `ImageTask` of a tiny model with that loss."""
    pictures = learned.pictures(side=options.crop)
    torch.manual_seed(0)
    if kind == "masks":
        grey = pictures.pixels.reshape(-1, 3)
        masked = Pictures(
            torch.cat([grey, grey[:, :1]], 1).reshape(-1), pictures.starts // 3 * 4, pictures.heights, pictures.widths, 4
        )
        return ImageTask(learned.model(), masked, None, options)
    if kind == "task":
        loss = TaskLoss(nn.Conv2d(3, 4, 5, stride=2), 0.5)
        loss.measure(pictures.sample(4, options.crop, torch.Generator().manual_seed(0)))
        return ImageTask(learned.model(), pictures, None, options, together([squared, loss]))
    if kind == "teacher":
        return distilled(options, pictures)[0]
    return ImageTask(learned.model(), pictures, None, options)


def interrupt(training, action):
    """Before step 5."""
    ordinary = training._step

    def step(progress):
        if training.step == 5:
            action()
        return ordinary(progress)

    training._step = step


def losses(training):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in training.curve.rows if "loss" in row]


def stopped():
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["masks", "ms-ssim", "perceptual", "task", "teacher"])
def test_every_loss_resumes_onto_the_same_curve(kind, tmp_path):
    def fresh(folder):
        loss = kind if kind in ("ms-ssim", "perceptual") else "mse"
        crop = 192 if kind == "ms-ssim" else 64
        options = TrainOptions(steps=10, batch=2, crop=crop, report=1, loss=loss, precision="float32", rate=1e-3)
        return Run(task_of(kind, options), options, folder, lambda text: None)

    whole = fresh(tmp_path / "a")
    interrupt(whole, whole.keep)
    whole.train()
    first = fresh(tmp_path / "b")
    interrupt(first, stopped)
    with pytest.raises(KeyboardInterrupt):
        first.train()
    second = fresh(tmp_path / "b")
    second.resume()
    assert second.step == 5
    second.train()
    for (name, one), other in zip(whole.average.named_parameters(), second.average.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert losses(whole) == losses(second)


def test_what_began_with_a_finished_model_resumes(tmp_path):
    """Whose integers are made; those of a model that is built anew are not."""
    options = TrainOptions(steps=2, batch=2, crop=64, report=1, precision="float32")
    first = Run(task_of("masks", options), options, tmp_path, lambda text: None)
    for network in (first.task.model, first.average):
        freeze(network.entropy)
    first.train()
    second = Run(task_of("masks", options), options, tmp_path, lambda text: None)
    second.resume()
    for (name, one), other in zip(first.average.named_parameters(), second.average.parameters(), strict=True):
        assert torch.equal(one, other), name


def apart(model, teacher):
    """Squared error between what the two make of the same crops."""
    pixels = learned.pictures().sample(16, 64, torch.Generator().manual_seed(9))
    t = torch.full((16,), 0.5)
    with torch.no_grad():
        return float(squared(*(run(network, pixels, t).pixels for network in (model, teacher))).mean())


def test_a_teachers_features_are_learnt(tmp_path):
    pictures, distances = learned.pictures(), {}
    for until in (0.0, 1.0):
        options = TrainOptions(
            steps=80, batch=4, crop=64, report=1, precision="float32", rate=2e-3, transform_rate=2e-3, entropy_first=0.0,
            teach_features_until=until, teach_entropy_until=until,
        )  # fmt: skip
        task, teacher = distilled(options, pictures)
        training = Run(task, options, tmp_path / str(until), lambda text: None)
        training.train()
        distances[until] = apart(task.model, teacher)
        assert ("teacher" in training.curve.rows[0]) == (until > 0)
    assert distances[1.0] < 0.93 * distances[0.0]


def test_stages_of_a_teacher():
    options = TrainOptions(steps=10, batch=2, crop=64, teach_features_until=0.4, teach_entropy_until=0.7)
    pictures = learned.pictures()
    task, teacher = distilled(options, pictures)
    means = []
    for progress in (0.1, 0.5, 0.8):
        task.model.zero_grad()
        loss, figures = task.loss(progress, torch.Generator().manual_seed(4))
        loss.backward()
        means.append((figures.get("teacher"), task.model.teacher_map.weight.grad is not None))
    assert means[0][0] > 0 and means[1][0] > 0 and means[2][0] is None
    assert [learnt for _, learnt in means] == [True, False, False]
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_models_say_what_they_were_trained_for(tmp_path):
    """By which encoders search; one that goes on with another loss changes that."""
    Image.fromarray(photo(200, 220)).save(tmp_path / "photo.png")
    start, files = None, [tmp_path / "photo.png"]
    for loss, crop in (("mse", 64), ("ms-ssim", 192), ("mse", 64)):
        options = TrainOptions(steps=1, batch=1, crop=crop, loss=loss)
        task = image_task(options, learned.SIZES, files, [], torch.device("cpu"), pytest.fail, start)
        start = task.model
        assert start.options.distortion == task.description()["model"]["distortion"] == loss


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "ssim"},
        {"loss": "ms-ssim", "crop": 128},
        {"mask_floor": 2.0},
        {"task_weight": 0.0},
        {"teach_features_until": 0.8, "teach_entropy_until": 0.5},
    ],
)
def test_senseless_options(options):
    with pytest.raises(BadInput):
        TrainOptions(steps=1, **options)
