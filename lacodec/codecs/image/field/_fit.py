"""Fits a field to a picture: gradient descent on squared error + price x bits, with torch.

first steps: uniform noise in place of rounding     last steps: latents are rounded and stay, networks adapt to them
then the weights are rounded: for both networks the number of fractional bits at which error + price x bits is least
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.codecs.image.field import _network as net
from lacodec.codecs.image.field._kernel import MAX_LATENT, OWN, PAD, PARENT
from lacodec.codecs.image.field._network import Network, synthesise
from lacodec.codecs.image.field._payload import Field, encode_field

_NOISY = 0.85  # of the steps
_LATENT_RATE, _NETWORK_RATE = 0.2, 0.01
_LAST_RATE = 0.1  # of those, in the last steps
_SEED = 2026
_BITS = range(3, 9)  # fractional ones of weights


class _Model:
    def __init__(self, pixels: np.ndarray, price: float) -> None:
        height, width, channels = pixels.shape
        self.price, self.count = price, height * width
        self.pixels = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()[None] / 255.0
        random = torch.Generator().manual_seed(_SEED)
        self.random = random
        self.latents = [torch.zeros(1, 1, *shape) for shape in net.level_shapes(height, width)]
        self.context = [_first(shape, random) for shape in net.context_shapes()]
        self.synthesis = [_first(shape, random) for shape in net.synthesis_shapes(channels)]
        self.synthesis[3] = self.pixels.mean((0, 2, 3)).clone()
        for weights in self.synthesis[4::2]:
            weights.zero_()
        for tensor in (*self.latents, *self.context, *self.synthesis):
            tensor.requires_grad_(True)

    def loss(self, noisy: bool) -> Tensor:
        """Mean squared error of 8-bit samples + price x bits per pixel."""
        latents = [self._disturbed(level) if noisy else level + (level.round() - level).detach() for level in self.latents]
        error = (self._picture(latents) - self.pixels).square().mean() * 255.0**2
        return error + self.price * self._bits(latents) / self.count

    def _disturbed(self, level: Tensor) -> Tensor:
        return level + torch.rand(level.shape, generator=self.random) - 0.5

    def _picture(self, latents: list[Tensor]) -> Tensor:
        features = [level * net.GAIN for level in latents]
        for k in range(net.LEVELS - 1, 0, -1):
            height, width = latents[k - 1].shape[2:]
            stacked = F.interpolate(torch.cat(features[k:], 1), scale_factor=2, mode="bilinear", align_corners=False)
            features[k:] = stacked[:, :, :height, :width].split(1, 1)
        first, first_bias, second, second_bias, *filters = self.synthesis
        hidden = F.relu(F.conv2d(torch.cat(features, 1), first.T[:, :, None, None], first_bias))
        picture = F.conv2d(hidden, second.T[:, :, None, None], second_bias)
        for weights, bias in zip(filters[::2], filters[1::2], strict=True):
            picture = picture + F.conv2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), weights, bias)
        return picture

    def _bits(self, latents: list[Tensor]) -> Tensor:
        inputs = [
            _around(level, parent) for level, parent in zip(latents, [*latents[1:], torch.zeros_like(latents[-1])], strict=True)
        ]
        first, first_bias, second, second_bias, last, last_bias = self.context
        hidden = F.relu(torch.cat(inputs) @ first + first_bias)
        hidden = F.relu(hidden @ second + second_bias)
        mean, size = (hidden @ last.T + last_bias).unbind(1)
        slope = torch.exp2(-size.clamp(-6.0, 5.8))
        apart = (torch.cat([level.reshape(-1) for level in latents]) - mean).abs()
        chance = torch.sigmoid((0.5 - apart) * slope) - torch.sigmoid((-0.5 - apart) * slope)
        return -torch.log2(chance.clamp_min(1e-6)).sum()

    def field(self, context_bits: int, synthesis_bits: int) -> Field:
        """With weights of so many fractional bits."""
        latents = [level.detach().round().clamp(-MAX_LATENT, MAX_LATENT)[0, 0].numpy().astype(np.int32) for level in self.latents]
        return Field(latents, _whole(self.context, context_bits), _whole(self.synthesis, synthesis_bits))


def fit(pixels: np.ndarray, price: float, steps: int, step_done: Callable[[], None]) -> Field:
    """The field of uint8[height, width, channels] at `price` (squared error for a bit per pixel); `step_done` after each step."""
    with torch.inference_mode(False), torch.enable_grad():
        model = _Model(pixels, price)
        groups = [
            {"params": model.latents, "lr": _LATENT_RATE},
            {"params": [*model.context, *model.synthesis], "lr": _NETWORK_RATE},
        ]
        optimiser = torch.optim.Adam(groups)
        rates = [group["lr"] for group in groups]
        noisy_steps = max(1, int(steps * _NOISY))
        for step in range(steps):
            part = min(step / noisy_steps, 1.0)
            factor = 0.5 * (1.0 + np.cos(np.pi * part)) * (1.0 - _LAST_RATE) + _LAST_RATE
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            if step >= noisy_steps:  # moved any further, straight through the rounding, they lose 5 to 10 %
                optimiser.param_groups[0]["lr"] = 0.0
            optimiser.zero_grad()
            model.loss(step < noisy_steps).backward()
            optimiser.step()
            step_done()
    return _cheapest(model, pixels, price)


def _cheapest(model: _Model, pixels: np.ndarray, price: float) -> Field:
    """First the synthesis' weights are rounded, then those of the context."""
    count = pixels.shape[0] * pixels.shape[1]

    def cost(field: Field) -> float:
        error = np.square(synthesise(field.latents, field.synthesis) - pixels.astype(np.float64)).mean()
        return float(error + price * 8 * len(encode_field(field)) / count)

    synthesis_bits = min(_BITS, key=lambda bits: cost(model.field(max(_BITS), bits)))
    fields = [model.field(bits, synthesis_bits) for bits in _BITS]
    return min(fields, key=lambda field: len(encode_field(field)))


def _whole(weights: list[Tensor], bits: int) -> Network:
    return Network([(tensor.detach() * (1 << bits)).round().numpy().astype(np.int64) for tensor in weights], bits)


def _first(shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    """Normal numbers for a matrix, zeros for a bias."""
    if len(shape) == 1:
        return torch.zeros(shape)
    inputs = shape[0] if shape[1] != shape[0] or shape[0] > 2 else shape[1]
    return torch.randn(shape, generator=random) / inputs**0.5


def _around(level: Tensor, parent: Tensor) -> Tensor:
    """[latents, inputs]: what the network sees of each latent."""
    _, _, height, width = level.shape
    padded, coarse = F.pad(level, (PAD,) * 4)[0, 0], F.pad(parent, (PAD,) * 4)[0, 0]
    found = [padded[PAD + dy : PAD + dy + height, PAD + dx : PAD + dx + width] for dy, dx in OWN]
    rows, columns = torch.arange(height) // 2 + PAD, torch.arange(width) // 2 + PAD
    found += [coarse[rows + dy][:, columns + dx] for dy, dx in PARENT]
    return torch.stack([each.reshape(-1) for each in found], 1).clamp(-127.0, 127.0)
