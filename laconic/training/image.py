"""The recipe `image`: trains a model of codec image.learned on folders of pictures."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from laconic.models.exact import Mode, set_mode
from laconic.models.image.model import ImageModel
from laconic.models.image.options import ModelOptions
from laconic.training.image_loss import psnr, run
from laconic.training.klt import start_from_klt
from laconic.training.loop import Task
from laconic.training.options import TrainOptions
from laconic.training.pictures import Pictures

_SHOWN = (0.2, 0.5, 0.8)  # qualities of the validation
_VALIDATION, _SIDE = 16, 256


class ImageTask(Task):
    """Rate and mean squared error at a quality that is drawn anew for each crop.

    The loss is (bits per pixel + weight * error) / sqrt(weight): a part of the file counts the same at every quality.
    """

    def __init__(self, model: ImageModel, pictures: Pictures, validation: Pictures | None, options: TrainOptions) -> None:
        self.model, self._pictures, self._options = model, pictures, options
        self._validation = None
        if validation is not None:
            self._validation = validation.sample(_VALIDATION, _SIDE, torch.Generator().manual_seed(1))

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Entropy networks, and transforms with a rate of their own."""
        transforms = [*self.model.analysis.parameters(), *self.model.synthesis.parameters()]
        entropy = [*self.model.entropy.parameters()]
        if self.model.hyper_analysis is not None:
            entropy += self.model.hyper_analysis.parameters()
        return [(self._options.rate, entropy), (self._options.transform_rate, transforms)]

    def loss(self, progress: float, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Task`."""
        options, model = self._options, self.model
        set_mode(model, Mode.SIMULATED if progress >= options.quantise_from else Mode.FLOAT)
        pixels = self._pictures.sample(options.batch, options.crop, generator)
        t = ((torch.arange(options.batch) + torch.rand((), generator=generator)) / options.batch).to(pixels.device)
        with _frozen([model.analysis, model.synthesis], progress < options.entropy_first):
            outcome = run(model, pixels, t, noise=progress < options.noise_until)
        weight = model.options.low * (model.options.high / model.options.low) ** t
        rate = outcome.bits / pixels[0, 0].numel()
        error = (outcome.pixels - pixels).square().mean((1, 2, 3))
        loss = ((rate + weight * error) * weight.rsqrt()).mean() * (model.options.low * model.options.high) ** 0.25
        return loss, {"bpp": rate.detach().mean(), "psnr": psnr(error.detach()).mean()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Bits per pixel (estimated) and PSNR on fixed crops, as the codec would code them."""
        if self._validation is None:
            return {}
        figures = {}
        network = cast(ImageModel, model)
        with torch.no_grad():
            set_mode(network, Mode.SIMULATED)
            for value in _SHOWN:
                rates, errors = [], []
                for pixels in self._validation.split(4):
                    outcome = run(network, pixels, torch.full((len(pixels),), value, device=pixels.device), noise=False)
                    rates.append(outcome.bits / pixels[0, 0].numel())
                    errors.append((outcome.pixels.clamp(0, 255) - pixels).square().mean((1, 2, 3)))
                figures[f"val_bpp_{value}"] = torch.cat(rates).mean().item()
                figures[f"val_psnr_{value}"] = psnr(torch.cat(errors)).mean().item()
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
) -> ImageTask:
    """Load the pictures; a model without `start` begins from the KLT of its pictures."""
    pictures = Pictures.load(files, options.crop, device, warn)
    held_out = Pictures.load(validation, _SIDE, device, warn, half=False) if validation else None
    torch.manual_seed(options.seed)
    model = start or ImageModel(sizes)
    if start is None:
        start_from_klt(model, pictures, options.seed)
    return ImageTask(model.to(device, memory_format=torch.channels_last), pictures, held_out, options)


@contextmanager
def _frozen(networks: list[nn.Module], frozen: bool) -> Iterator[None]:
    for network in networks:
        network.requires_grad_(not frozen)
    yield
