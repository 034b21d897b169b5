"""The recipe `image`: trains a model of codec image.learned on folders of pictures."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lacodec.models.exact import Mode, set_mode
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import ModelOptions
from lacodec.training.distillation import Distillation
from lacodec.training.distortion import DISTORTIONS, Distortion, squared, together
from lacodec.training.image_loss import psnr, run
from lacodec.training.klt import start_from_klt
from lacodec.training.loop import Task
from lacodec.training.options import TrainOptions
from lacodec.training.pictures import Pictures
from lacodec.training.task_loss import TaskLoss

_SHOWN = (0.2, 0.5, 0.8)  # qualities of the validation
_VALIDATION, _SIDE = 16, 256
_LOWER = 1.5  # more crops at low qualities: contexts matter most there, and are slowest to learn
_EXAMPLES = 8  # crops from which task losses and teachers find their scales


class ImageTask(Task):
    """Rate and distortion at a quality that is drawn for each crop.

    The loss is (bits per pixel + weight * distortion) / sqrt(weight): a part of the file counts the same at every quality.
    distortion: by default the one that the options name, without a task network. distillation: a teacher's.
    """

    def __init__(
        self,
        model: ImageModel,
        pictures: Pictures,
        validation: Pictures | None,
        options: TrainOptions,
        distortion: Distortion | None = None,
        distillation: Distillation | None = None,
    ) -> None:
        self.model, self._pictures, self._options = model, pictures, options
        self._distortion, self._distillation = distortion or DISTORTIONS[options.loss], distillation
        self._validation = None
        if validation is not None:
            self._validation = validation.sample(_VALIDATION, _SIDE, torch.Generator().manual_seed(1))

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Entropy networks, and transforms with a rate of their own."""
        transforms = [*self.model.analysis.parameters(), *self.model.synthesis.parameters()]
        entropy = [*self.model.entropy.parameters()]
        if self.model.hyper_analysis is not None:
            entropy += self.model.hyper_analysis.parameters()
        if self._distillation is not None:
            entropy += self.model.teacher_map.parameters()
        return [(self._options.rate, entropy), (self._options.transform_rate, transforms)]

    def loss(self, progress: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Task`."""
        options, model = self._options, self.model
        set_mode(model, Mode.SIMULATED if progress >= options.quantise_from else Mode.FLOAT)
        pixels, mask = self._pictures.crops(options.batch, options.crop, generator)
        mask = None if mask is None else options.mask_floor + (1 - options.mask_floor) * mask
        teacher = self._distillation if self._distillation is not None and self._distillation.wanted(progress) else None
        even = (torch.arange(options.batch) + torch.rand((), generator=generator)) / options.batch
        t = (even**_LOWER).to(pixels.device)
        with _frozen([model.analysis, model.synthesis], progress < options.entropy_first):
            outcome = run(model, pixels, t, detailed=teacher is not None)
        weight = model.options.low * (model.options.high / model.options.low) ** t
        rate = outcome.bits / pixels[0, 0].numel()
        distortion = self._distortion(pixels, outcome.pixels, mask)
        figures = {"bpp": rate.detach().mean(), "psnr": psnr(squared(pixels, outcome.pixels.detach())).mean()}
        cost = rate + weight * distortion
        if self._distortion is not squared:
            figures["distortion"] = distortion.detach().mean()
        if teacher is not None:
            added = teacher.added(progress, pixels, weight, outcome)
            figures["teacher"], cost = added.detach().mean(), cost + added
        return (cost * weight.rsqrt()).mean() * (model.options.low * model.options.high) ** 0.25, figures

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Bits per pixel (estimated), PSNR and another distortion on fixed crops, as the codec would code them."""
        if self._validation is None:
            return {}
        figures = {}
        network = cast(ImageModel, model)
        with torch.no_grad():
            set_mode(network, Mode.SIMULATED)
            for value in _SHOWN:
                rates, errors, others = [], [], []
                for pixels in self._validation.split(4):
                    outcome = run(network, pixels, torch.full((len(pixels),), value, device=pixels.device))
                    rates.append(outcome.bits / pixels[0, 0].numel())
                    decoded = outcome.pixels.clamp(0, 255)
                    errors.append(squared(pixels, decoded))
                    others.append(self._distortion(pixels, decoded, None))
                figures[f"val_bpp_{value}"] = torch.cat(rates).mean().item()
                figures[f"val_psnr_{value}"] = psnr(torch.cat(errors)).mean().item()
                if self._distortion is not squared:
                    figures[f"val_distortion_{value}"] = torch.cat(others).mean().item()
        return figures

    def description(self) -> dict[str, Any]:
        """The model's sizes and the run's settings."""
        return {"model": dataclasses.asdict(self.model.options), "options": dataclasses.asdict(self._options)}


def image_task(
    options: TrainOptions,
    sizes: ModelOptions,
    files: list[Path],
    validation: list[Path],
    device: torch.device,
    warn: Callable[[str], None],
    start: ImageModel | None = None,
    *,
    masks: dict[Path, Path] | None = None,
    task_loss: TaskLoss | None = None,
    teacher: ImageModel | None = None,
) -> ImageTask:
    """Load the pictures; a model without `start` begins from the KLT of its pictures. masks: as in `Pictures.load`."""
    pictures = Pictures.load(files, options.crop, device, warn, masks=masks)
    held_out = None
    if validation:  # always judged by crops of one size, independent of the training
        held_out = Pictures.load(validation, _SIDE, device, lambda text: warn(f"validation: {text}"), half=False)
    torch.manual_seed(options.seed)
    model = start or ImageModel(sizes)
    if start is None:
        start_from_klt(model, pictures, options.seed)
    model.options = dataclasses.replace(model.options, distortion=options.loss)
    model.to(device, memory_format=torch.channels_last)
    examples = pictures.sample(_EXAMPLES, options.crop, torch.Generator().manual_seed(options.seed))
    distortion, distillation = DISTORTIONS[options.loss], None
    if task_loss is not None:
        task_loss.measure(examples)
        distortion = together([distortion, task_loss])
    if teacher is not None:
        distillation = Distillation(teacher.to(device, memory_format=torch.channels_last), model, options, examples)
    return ImageTask(model, pictures, held_out, options, distortion, distillation)


@contextmanager
def _frozen(networks: list[nn.Module], frozen: bool) -> Iterator[None]:
    for network in networks:
        network.requires_grad_(not frozen)
    yield
