"""Rate and distortion of an image model on a batch, differentiable."""

from dataclasses import dataclass

import torch
from torch import Tensor

from laconic.models.image.entropy import Part
from laconic.models.image.model import ImageModel
from laconic.models.image.options import LEVELS
from laconic.models.image.rate import bits_of_each
from laconic.models.image.rounding import towards_zero


@dataclass(frozen=True)
class Outcome:
    """Of each picture: pixels float32[n, 3, h, w], bits float32[n] of latents and hyper-latents.

    For distillation: latents float32[n, channels, h / 16, w / 16], not rounded; if asked for, their means, of the same shape, and
    float32[n, h / 16, w / 16] how many bits each position takes.
    """

    pixels: Tensor
    latent_bits: Tensor
    hyper_bits: Tensor
    latents: Tensor
    means: Tensor
    position_bits: Tensor

    @property
    def bits(self) -> Tensor:
        """All bits, float32[n]."""
        return self.latent_bits + self.hyper_bits


def run(model: ImageModel, pixels: Tensor, t: Tensor, noise: bool, detailed: bool = False) -> Outcome:
    """Through the whole model. pixels: float32[n, 3, h, w], sides multiples of 64; t: float32[n], the quality from 0 to 1.

    noise: bits are those of latents with uniform noise, which has a gradient for the rate; else of rounded ones. What synthesis
    and contexts see is always rounded as the encoder does, with the gradient passed straight through.
    detailed: also keep means and bits of positions.
    """
    y = model.analysis(pixels, t).float()
    level = (t * (LEVELS - 1)).round().long()
    coder = _TrainingCoder(y, model.options.family, noise, detailed)
    hyper = torch.zeros(len(y), model.options.hyper_latents, y.shape[2] // 4, y.shape[3] // 4, device=y.device)
    hyper_bits = torch.zeros(len(y), device=y.device)
    if model.hyper_analysis is not None:
        z = model.hyper_analysis(y).float()
        part = model.entropy.hyper_part(level, tuple(z.shape))
        hyper = round_through(z)
        hyper_bits = bits_of(z + torch.rand_like(z) - 0.5 if noise else hyper, part.scales, model.options.family)
    model.entropy.walk(hyper, level, (y.shape[2], y.shape[3]), coder)
    decoded = model.synthesis(coder.values, t).float()
    return Outcome(decoded, coder.bits, hyper_bits, y, coder.means, coder.position_bits)


def psnr(mse: Tensor) -> Tensor:
    """In dB, for values of 0..255."""
    return 10 * torch.log10(255.0**2 / mse)


def round_through(x: Tensor) -> Tensor:
    """To the nearest integer; the gradient passes."""
    return x + (torch.floor(x + 0.5) - x).detach()


def bits_of(values: Tensor, scales: Tensor, family: str) -> Tensor:
    """float32[n]: bits of zero-mean values, as the tables of `family` would code them; scales: table numbers or between."""
    return bits_of_each(values, scales, family).flatten(1).sum(1)


class _TrainingCoder:
    def __init__(self, y: Tensor, family: str, noise: bool, detailed: bool) -> None:
        self._y, self._family, self._noise, self._detailed = y, family, noise, detailed
        self.values, self.means, self.position_bits = torch.zeros_like(y), torch.zeros_like(y), torch.zeros_like(y[:, 0])
        self.bits = torch.zeros(len(y), device=y.device)

    def __call__(self, parts: list[Part]) -> list[Tensor]:
        means = torch.cat([part.means for part in parts], 1).float() / 16  # sides are even: all parts of a step are alike
        scales = torch.cat([part.scales for part in parts], 1)
        rest = torch.cat([part.of(self._y) for part in parts], 1) - means
        whole = rest + (towards_zero(rest, scales, self._family) - rest).detach()
        coded = rest + torch.rand_like(rest) - 0.5 if self._noise else whole
        bits = bits_of_each(coded, scales, self._family)
        self.bits = self.bits + bits.flatten(1).sum(1)
        sizes = [part.means.shape[1] for part in parts]
        values = (whole + means).split(sizes, 1)
        for part, value in zip(parts, values, strict=True):
            part.of(self.values).copy_(value)
        if self._detailed:
            for part, mean, taken in zip(parts, means.split(sizes, 1), bits.split(sizes, 1), strict=True):
                part.of(self.means).copy_(mean)
                self.position_bits[:, part.row :: 2, part.column :: 2] += taken.sum(1)
        return [value * 16 for value in values]
