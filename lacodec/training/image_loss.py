"""Rate and distortion of an image model on a batch, differentiable."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lacodec.models.image.entropy import Part
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import LEVELS
from lacodec.models.image.rate import bits_of_each
from lacodec.models.image.rounding import towards_zero


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


def run(model: ImageModel, pixels: Tensor, t: Tensor, detailed: bool = False) -> Outcome:
    """Through the whole model. pixels: float32[n, 3, h, w], sides multiples of 64; t: float32[n], the quality from 0 to 1.

    Everything is rounded as the encoder does, with gradients as in `quantised`. detailed: also keep means and bits of positions.
    """
    y = model.analysis(pixels, t).float()
    level = (t * (LEVELS - 1)).round().long()
    coder = _TrainingCoder(y, model.options.family, detailed)
    hyper = torch.zeros(len(y), model.options.hyper_latents, y.shape[2] // 4, y.shape[3] // 4, device=y.device)
    hyper_bits = torch.zeros(len(y), device=y.device)
    if model.hyper_analysis is not None:
        z = model.hyper_analysis(y).float()
        part = model.entropy.hyper_part(level, tuple(z.shape))
        hyper, bits = quantised(z, part.scales, model.options.family, nearest)
        hyper_bits = bits.flatten(1).sum(1)
    model.entropy.walk(hyper, level, (y.shape[2], y.shape[3]), coder)
    decoded = model.synthesis(coder.values, t).float()
    return Outcome(decoded, coder.bits, hyper_bits, y, coder.means, coder.position_bits)


def psnr(mse: Tensor) -> Tensor:
    """In dB, for values of 0..255."""
    return 10 * torch.log10(255.0**2 / mse)


def nearest(x: Tensor) -> Tensor:
    """To the nearest integer."""
    return torch.floor(x.detach() + 0.5)


def quantised(values: Tensor, scales: Tensor, family: str, rounding: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Rounded values, and bits of each with tables number `scales` of `family`; both with a gradient for `values`.

    A staircase f(round(x)) has none, but its mean over x + u, u uniform in -0.5..0.5, has f(round(x + 0.5)) - f(round(x - 0.5)):
    exact for the rate, where passing gradients straight through finds a third of it at low rates (a zero's bits are flat), and
    none for values that `rounding` keeps at zero. Both errors would make the quantiser too fine.
    """
    whole = rounding(values)
    with torch.no_grad():
        above, below = rounding(values + 0.5), rounding(values - 0.5)
        dearer = bits_of_each(above, scales, family) - bits_of_each(below, scales, family)
    moved = values - values.detach()  # zero
    return whole + moved * (above - below), bits_of_each(whole, scales, family) + moved * dearer


class _TrainingCoder:
    def __init__(self, y: Tensor, family: str, detailed: bool) -> None:
        self._y, self._family, self._detailed = y, family, detailed
        self.values, self.means, self.position_bits = torch.zeros_like(y), torch.zeros_like(y), torch.zeros_like(y[:, 0])
        self.bits = torch.zeros(len(y), device=y.device)

    def __call__(self, parts: list[Part]) -> list[Tensor]:
        means = torch.cat([part.means for part in parts], 1).float() / 16  # sides are even: all parts of a step are alike
        scales = torch.cat([part.scales for part in parts], 1)
        rest = torch.cat([part.of(self._y) for part in parts], 1) - means
        whole, bits = quantised(rest, scales, self._family, lambda x: towards_zero(x, scales, self._family))
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
