"""Bits of latents as a differentiable function, for training and for encoders that search; the coder uses integer tables."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.entropy.distributions import SCALES, SETS

_TAIL = 1e-7  # share of a heavy tail: gives a gradient, and about the bits of an escape, where a table ends


def bits_of_each(values: Tensor, scales: Tensor, family: str) -> Tensor:
    """Bits of zero-mean values, as the tables of `family` would code them, of their shape; scales: table numbers or between."""
    shape = SETS[family]
    low, high = float(shape.lowest), float(shape.highest)
    with torch.autocast(values.device.type, enabled=False):
        spread = low * torch.exp(scales.float() * (math.log(high / low) / (SCALES - 1)))
        size = values.float().abs()
        mass = _MASSES[shape.family](size, spread)
        mass = mass * (1 - _TAIL) + _TAIL / (1 + (size / spread).square())
        return -torch.log2(mass)


def _gaussian(size: Tensor, spread: Tensor) -> Tensor:
    inverse = math.sqrt(0.5) / spread
    return 0.5 * (torch.erfc((size - 0.5) * inverse) - torch.erfc((size + 0.5) * inverse))


def _mixture(size: Tensor, spread: Tensor) -> Tensor:
    return 0.75 * _gaussian(size, spread) + 0.25 * _gaussian(size, spread * 2.5)


def _laplace(size: Tensor, spread: Tensor) -> Tensor:
    inverse = math.sqrt(2) / spread
    inside = 1 - torch.exp(-0.5 * inverse) * torch.cosh(size.clamp(max=0.5) * inverse.clamp(max=80))
    beyond = 0.5 * (torch.exp(-(F.relu(size - 0.5)) * inverse) - torch.exp(-(size + 0.5) * inverse))
    return torch.where(size < 0.5, inside, beyond)


_MASSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"gaussian": _gaussian, "mixture": _mixture, "laplace": _laplace}
