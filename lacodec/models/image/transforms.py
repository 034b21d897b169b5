"""Analysis and synthesis: pixels <-> latents at 1/16, as a linear transform of blocks plus the output of networks.

    analysis   pixels --unshuffle 8--> 192 channels, fine blocks --unshuffle 2--> 768 --linear--> latents, coarse blocks
    synthesis  latents, coarse blocks --linear--> 768 --shuffle 2--> 192 channels, fine blocks --shuffle 8--> pixels

A block adds to the residual stream and begins at zero: an untrained model is the linear transform alone (`lacodec.training.klt`),
and training begins from a codec that works. Pixels count -2..2 for 0..255. Floating point: none of this decides a symbol.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.exact import as_channels, interpolate
from lacodec.models.image.options import ModelOptions

PIXELS = 192  # of a patch of 8x8, three colours
LINEAR = 4 * PIXELS
_KNOTS = 9


class _Block(nn.Module):
    """x + a gated depthwise mix of x that knows the quality."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(channels, 2 * inner, 1)
        self.mix = nn.Conv2d(2 * inner, 2 * inner, 3, padding=1, groups=2 * inner)
        self.quality = nn.Parameter(torch.zeros(_KNOTS, 2 * inner))
        self.narrow = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """t: the quality from 0 to 1, float32[n] or [n, h, w]."""
        bias = as_channels(interpolate(self.quality, t))
        mixed = self.mix(self.widen(x))
        value, gate = (mixed + bias.to(mixed.dtype)).chunk(2, 1)
        return x + self.narrow(value * F.relu(gate))


class Analysis(nn.Module):
    """Pixels float32[n, 3, h, w] (0..255; multiples of 16) -> latents [n, latents, h / 16, w / 16] in units of the quantiser."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        self.fine = nn.ModuleList(_Block(PIXELS, options.fine_inner) for _ in range(options.fine))
        self.linear = nn.Conv2d(LINEAR, options.latents, 1)
        self.coarse = nn.ModuleList(_Block(options.latents, options.coarse_inner) for _ in range(options.coarse))
        self.gain = nn.Parameter(torch.zeros(_KNOTS, options.latents))

    def forward(self, pixels: Tensor, t: Tensor) -> Tensor:
        """Not rounded. t: the quality from 0 to 1, float32[n], or [n, h / 16, w / 16] where it differs."""
        x = _channels_last(F.pixel_unshuffle((pixels - 127.5) * (1 / 64), 8))
        for block in self.fine:
            x = block(x, _finer(t))
        x = _precisely(self.linear, _channels_last(F.pixel_unshuffle(x, 2)))
        for block in self.coarse:
            x = block(x, t)
        return x * as_channels(interpolate(self.gain, t).exp())


class Synthesis(nn.Module):
    """The inverse, about."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(_KNOTS, options.latents))
        self.coarse = nn.ModuleList(_Block(options.latents, options.coarse_inner) for _ in range(options.coarse))
        self.linear = nn.Conv2d(options.latents, LINEAR, 1)
        self.fine = nn.ModuleList(_Block(PIXELS, options.fine_inner) for _ in range(options.fine))

    def forward(self, latents: Tensor, t: Tensor) -> Tensor:
        """float32[n, latents, h, w] -> pixels [n, 3, 16 h, 16 w], neither rounded nor clamped. t: float32[n] or [n, h, w]."""
        x = _channels_last(latents) * as_channels(interpolate(self.gain, t).exp())
        for block in self.coarse:
            x = block(x, t)
        x = _channels_last(F.pixel_shuffle(_precisely(self.linear, x), 2))
        for block in self.fine:
            x = block(x, _finer(t))
        return F.pixel_shuffle(x, 8) * 64 + 127.5


def _finer(t: Tensor) -> Tensor:
    """At the positions of fine blocks."""
    return t if t.dim() == 1 else t.repeat_interleave(2, 1).repeat_interleave(2, 2)


def _channels_last(x: Tensor) -> Tensor:
    """The layout that convolutions answer in; shuffles lose it, and adding two layouts takes longer."""
    return x.contiguous(memory_format=torch.channels_last)


def _precisely(layer: nn.Module, x: Tensor) -> Tensor:
    """Outside of mixed precision: the residual stream keeps its full precision."""
    with torch.autocast(x.device.type, enabled=False):
        result: Tensor = layer(x.float())
    return result


def reach(options: ModelOptions) -> int:
    """Latent positions around a window that its pixels, or its latents, can depend on."""
    return options.coarse + -(-options.fine // 2)
