"""Which table codes which latent: exact networks from hyper-latents and the latents decoded so far.

    hyper-latents z --up x4--> features --+--> step 1: a quarter of the latents --+--> step 2: another quarter ... step 4
                                          |      mean, scale index --> coder       |
                                          +<-- values so far, companded -----------+

In a step each place of a 2x2 square codes another quarter of the channels (`ORDER`), so that all places and all quarters have
neighbours, in space and across channels, from the second step on. Everything counts in integers: means in sixteenths, scale
indices in quarters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.exact import Conv, Embedding, ExactLayer, Gate, Mode, Table, add
from lacodec.models.image.options import GROUPS, HYPER, LEVELS, ModelOptions

ORDER = (0, 3, 1, 2)
"""In step k, place p = 2 * (row % 2) + column % 2 codes group p ^ ORDER[k]: the second place is the diagonal one."""
MEANS = 1 << 13  # sixteenths
SCALES = 64
_FINE = 4  # parts of a scale index
_KNOTS = 9
_Z_SHIFT = 8  # a hyper-latent of 1 as an activation


@dataclass(frozen=True)
class Part:
    """Distributions of one place in one step: `means` (sixteenths) and `scales` (table numbers) float32[n, channels, h, w]."""

    channels: slice
    row: int
    column: int
    means: Tensor
    scales: Tensor

    def of(self, latents: Tensor) -> Tensor:
        """Its share of float[n, latents, h, w]."""
        return latents[:, self.channels, self.row :: 2, self.column :: 2]


Coder = Callable[[list[Part]], list[Tensor]]
"""Codes the parts of a step: returns the latents' values in sixteenths, integers, one tensor for each part."""


class Block(nn.Module):
    """x + a gated depthwise mix of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.widen, self.mix = Conv(width, 2 * width), Conv(2 * width, 2 * width, 3, depthwise=True)
        self.gate, self.narrow = Gate(), Conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return add(x, self.narrow(self.gate(self.mix(self.widen(x)))))


class EntropyModel(nn.Module):
    """Means and scales of all latents."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        latents, width, hyper = options.latents, options.width, options.hyper_latents
        self.options, self.steps = options, len(ORDER) if options.entropy == "context" else 1
        self.hyper_scales = Embedding(LEVELS, _KNOTS, hyper, top=_FINE * (SCALES - 1))
        self.base_scales = Embedding(LEVELS, _KNOTS, latents, top=_FINE * (SCALES - 1))
        if options.entropy == "factorized":
            return
        self.up = nn.Sequential(
            Conv(hyper, 4 * width), nn.PixelShuffle(2), Block(width), Conv(width, 4 * width), nn.PixelShuffle(2)
        )
        self.quality = Embedding(LEVELS, _KNOTS, width)
        self.after = Block(width)
        self.compand = Table(MEANS, _compand)
        self.enter = nn.ModuleList(Conv(width + (latents if step else 0), width) for step in range(self.steps))
        self.body = nn.Sequential(*[Block(width) for _ in range(options.blocks)])
        self.heads = nn.ModuleList(Conv(width, 2 * latents // GROUPS, top=MEANS, zero=True) for _ in range(GROUPS))
        self.whole = _Rounding()

    def hyper_part(self, level: Tensor, shape: tuple[int, ...]) -> Part:
        """How the hyper-latents of float[n, hyper_latents, h, w] `shape` are coded.

        level: int64[n]; or that of each latent, [n, rows, columns], of which the highest counts.
        """
        if level.dim() > 1:
            level = F.max_pool2d(level[:, None].float(), HYPER, ceil_mode=True)[:, 0].long()
        scales = _index(self.hyper_scales(level), self.hyper_scales).expand(shape)
        return Part(slice(None), 0, 0, torch.zeros_like(scales), scales)

    def walk(self, hyper: Tensor, level: Tensor, size: tuple[int, int], coder: Coder) -> None:
        """Let `coder` code all latents of [n, latents, *size], step by step.

        hyper: integers float32[n, hyper_latents, ceil(h / 4), ceil(w / 4)]. level: int64[n], or [n, *size].
        """
        base = self.base_scales(level)
        if self.options.entropy == "factorized":
            scales = _index(base, self.base_scales).expand(len(hyper), -1, *size)
            for channels in _groups(self.options.latents):
                part = scales[:, channels]
                coder([Part(channels, row, column, torch.zeros_like(s), s) for row, column, s in _places(part)])
            return
        x = self.up((hyper * _Z_SHIFT).clamp(-127, 127))[:, :, : size[0], : size[1]]
        features = self.after(add(x, self.quality(level)))
        known = torch.zeros((len(hyper), self.options.latents, *size), dtype=x.dtype, device=x.device)
        for step in range(self.steps):
            entered = features if step == 0 else torch.cat([features, known], 1)
            parts = self._parts(step, self.body(self.enter[step](entered)), base)
            values = coder(parts)
            if step + 1 < self.steps:
                known = known.clone() if torch.is_grad_enabled() else known
                for part, value in zip(parts, values, strict=True):
                    part.of(known).copy_(self.compand(value))

    def _parts(self, step: int, x: Tensor, base: Tensor) -> list[Part]:
        """The parts of a step; all groups at all places if there is only one step."""
        parts = []
        groups = _groups(self.options.latents)
        for place, (row, column, here) in enumerate(_places(x)):
            if not here.numel():
                continue
            own = base if base.shape[2:] == (1, 1) else base[:, :, row::2, column::2]
            for group in range(GROUPS) if self.steps == 1 else (place ^ ORDER[step],):
                out = self.heads[group](here)
                means, finer = out.chunk(2, 1)
                if self.options.entropy == "hyperprior":
                    means = torch.zeros_like(means)
                scales = _index(own[:, groups[group]] + finer, self.whole)
                parts.append(Part(groups[group], row, column, means, scales))
        return parts


class _Rounding(ExactLayer):
    """Only tells the mode."""


def _index(quarters: Tensor, layer: ExactLayer) -> Tensor:
    """Table numbers from quarters of them; in a training without rounding."""
    low = quarters.clamp(0, _FINE * (SCALES - 1))
    if layer.mode == Mode.FLOAT:
        return low / _FINE
    return layer.rounded(low / _FINE)


def _compand(value: Tensor) -> Tensor:
    """Sixteenths -> activations: fine around zero, coarse far away, 126 at the end."""
    return 19.3 * torch.asinh(value / 24)


def _groups(latents: int) -> list[slice]:
    size = latents // GROUPS
    return [slice(group * size, (group + 1) * size) for group in range(GROUPS)]


def _places(x: Tensor) -> list[tuple[int, int, Tensor]]:
    """The four places of 2x2 squares, (row, column, content)."""
    return [(row, column, x[:, :, row::2, column::2]) for row in (0, 1) for column in (0, 1)]


class HyperAnalysis(nn.Module):
    """Latents float32[n, latents, h, w], sides multiples of 4, -> hyper-latents [n, hyper_latents, h / 4, w / 4], not rounded."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        width = options.width
        self.enter = nn.Conv2d(options.latents, width, 1)
        self.first = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.second = nn.Conv2d(4 * width, width, 1)
        self.third = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.last = nn.Conv2d(4 * width, options.hyper_latents, 1)

    def forward(self, y: Tensor) -> Tensor:
        """Large values are companded first."""
        x = F.leaky_relu(self.first(F.leaky_relu(self.enter(torch.asinh(y)))))
        x = F.leaky_relu(self.second(F.pixel_unshuffle(x, 2)))
        return self.last(F.pixel_unshuffle(F.leaky_relu(self.third(x)), 2))
