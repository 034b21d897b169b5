"""A bottleneck inside a network, so that one machine runs its first layers and another the rest (Entropic Student, Matsubara et
al. 2022, https://arxiv.org/abs/2108.10898).

    head(picture) --analysis--> latents --round, codec `features`--> latents --synthesis--> tail --> answer

`Bottleneck.start` sets both to the linear transform that suits the tail best; `train` then has them learn from what later layers
make of the undivided activations, at a price for bits.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEAST = 1e-9  # of a probability


@dataclass(frozen=True)
class Spectrum:
    """Of activations: mean f64[C], covariance f64[C, C], and how strongly the answer depends on them, f64[C, C]."""

    mean: Tensor
    covariance: Tensor
    weight: Tensor


def spectrum(activations: Iterator[Tensor], tail: Callable[[Tensor], Tensor], seed: int = 0, draws: int = 2) -> Spectrum:
    """Of f32[n, C, H, W], batch by batch; `tail` gives the logits f32[n, classes].

    The weight is Fisher's information: the mean outer product of gradients of the log-probability of a class that is drawn from
    the network's own answer, `draws` of them for each item. A small part of the identity is added.
    """
    generator = torch.Generator().manual_seed(seed)
    total, square, fisher, count = (torch.zeros(()).double() for _ in range(4))
    for batch in activations:
        values = batch.detach().requires_grad_(True)
        with torch.enable_grad():
            chances = tail(values).log_softmax(1)
            for _ in range(draws):
                drawn = torch.multinomial(chances.detach().exp(), 1, generator=generator)
                (gradient,) = torch.autograd.grad(chances.gather(1, drawn).sum(), values, retain_graph=True)
                rows = _rows(gradient)
                fisher = fisher + rows.T @ rows
        rows = _rows(batch)
        total, square, count = total + rows.sum(0), square + rows.T @ rows, count + len(rows)
    mean = total / count
    weight = fisher / fisher.trace() * len(fisher)
    return Spectrum(mean, square / count - mean[:, None] * mean, weight + 1e-3 * torch.eye(len(weight)).double())


class Bottleneck(nn.Module):
    """channels of the activations -> latents of which one step is 1, and back. `hidden`: channels of the corrections.

    Both ways are a matrix for each position and, added to it, what two layers with neighbours find; these begin with nothing.
    """

    def __init__(self, channels: int, latents: int, hidden: int = 96) -> None:
        super().__init__()
        self.analysis, self.synthesis = nn.Conv2d(channels, latents, 1), nn.Conv2d(latents, channels, 1)
        self.before, self.after = _correction(channels, hidden, latents), _correction(latents, hidden, channels)
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))
        self.rate = Rate(latents)

    def start(self, found: Spectrum, step: float) -> None:
        """Set the matrices: the Karhunen-Loeve transform where errors weigh as they do for the answer; equal steps there."""
        values, vectors = torch.linalg.eigh(found.weight)
        root, inverse = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
        spread, basis = torch.linalg.eigh(root @ found.covariance @ root)
        basis = basis.flip(1)[:, : self.analysis.out_channels]
        forth, back = basis.T @ root / step, inverse @ basis * step
        with torch.no_grad():
            deviation = found.covariance.diagonal().sqrt()
            self.mean.copy_(found.mean[:, None, None])
            self.scale.copy_(deviation[:, None, None])
            self.analysis.weight.copy_((forth * deviation)[:, :, None, None])
            self.synthesis.weight.copy_((back / deviation[:, None])[:, :, None, None])
            for layer in (self.analysis, self.synthesis):
                layer.bias.zero_()
            self.rate.start((spread.flip(0)[: self.analysis.out_channels].clamp(min=1e-6).sqrt() / step).float())

    def encode(self, activations: Tensor) -> Tensor:
        """Latents before rounding."""
        plain = (activations - self.mean) / self.scale
        return self.analysis(plain) + self.before(plain)

    def decode(self, latents: Tensor) -> Tensor:
        """Activations."""
        return self.mean + self.scale * (self.synthesis(latents) + self.after(latents))


class Rate(nn.Module):
    """Bits of latents, about as codec `features` would need: logistic distributions around a sum of neighbours.

    Their scale is a sum of the sizes of neighbours in the channel and of what lies left and above in all channels.
    """

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(latents, 4))
        self.size = nn.Parameter(torch.full((latents, 4), -2.0))
        self.base = nn.Parameter(torch.zeros(latents))

    def start(self, deviation: Tensor) -> None:
        """For latents of these standard deviations."""
        with torch.no_grad():
            self.mean.fill_(0.2)
            self.base.copy_((0.25 * deviation + 0.1).expm1().clamp(min=1e-3).log())

    def forward(self, latents: Tensor) -> Tensor:
        """Bits f32[n, latents, H, W]."""
        around = _neighbours(latents)
        mean = (around * self.mean[:, :, None, None]).sum(2)
        scale = F.softplus(self.base)[:, None, None] + (around.abs() * F.softplus(self.size)[:, :, None, None]).sum(2)
        above = torch.sigmoid((latents - mean + 0.5) / scale)
        below = torch.sigmoid((latents - mean - 0.5) / scale)
        return -(above - below).clamp(min=_LEAST).log2()


@dataclass(frozen=True)
class Training:
    """price: of a bit of an item, in units of the error. steps: how many batches are taken."""

    price: float
    steps: int = 240
    learning_rate: float = 1e-4
    seed: int = 0


def train(
    bottleneck: Bottleneck,
    later: Callable[[Tensor], Sequence[Tensor]],
    batches: Iterator[Tensor],
    options: Training,
    report: Callable[[int, float, float], None],
) -> None:
    """Minimise the error of what later layers make of the activations + price x bits, in place.

    batches: activations f32[n, C, H, W]. later: outputs of later layers, the answer among them; the error is the sum of their
    mean squared errors, each over the variance of that output. report: called with the step, the error, and the bits of an item.
    """
    parameters = list(bottleneck.parameters())
    optimiser = torch.optim.Adam(parameters, options.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _pace(step, options.steps))
    generator = torch.Generator().manual_seed(options.seed)
    variances: list[Tensor] = []
    for step in range(options.steps):
        activations = next(batches)
        with torch.no_grad():
            wanted = later(activations)
        variances = variances or [output.var() for output in wanted]
        latents = bottleneck.encode(activations)
        noisy = latents + torch.rand(latents.shape, generator=generator) - 0.5
        rounded = latents + (latents.round() - latents).detach()
        bits = bottleneck.rate(noisy).sum((1, 2, 3)).mean()
        found = later(bottleneck.decode(rounded))
        error = torch.stack([F.mse_loss(a, b) / v for a, b, v in zip(found, wanted, variances, strict=True)]).sum()
        optimiser.zero_grad()
        (error + options.price * bits).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        report(step, float(error.detach()), float(bits.detach()))


def _pace(step: int, steps: int) -> float:
    """The learning rate over its highest: ten steps up, then half a cosine."""
    return min(1.0, (step + 1) / 10) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


def _rows(values: Tensor) -> Tensor:
    return values.detach().permute(0, 2, 3, 1).flatten(0, 2).double()


def _neighbours(values: Tensor) -> Tensor:
    """Left, above, and above to both sides, [n, C, 4, H, W]; zeros outside."""
    wide = F.pad(values, (1, 1, 1, 0))
    height, width = values.shape[2:]
    return torch.stack([wide[:, :, y : y + height, x : x + width] for y, x in ((1, 0), (0, 1), (0, 0), (0, 2))], 2)


def _correction(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Conv2d(inputs, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.ReLU(),
        nn.Conv2d(hidden, outputs, 1),
    )  # fmt: skip
    last = layers[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return layers


def save(bottleneck: Bottleneck, path: str | os.PathLike[str]) -> None:
    """Write it to a file."""
    sizes = bottleneck.analysis.in_channels, bottleneck.analysis.out_channels, bottleneck.before[0].out_channels
    torch.save({"sizes": sizes, "state": bottleneck.state_dict()}, path)


def load(path: str | os.PathLike[str]) -> Bottleneck:
    """Read it back."""
    found = torch.load(path, weights_only=True)
    bottleneck = Bottleneck(*found["sizes"])
    bottleneck.load_state_dict(found["state"])
    return bottleneck.eval()
