"""The network's functions between its matrices, differentiable: kernels for one CPU thread, else PyTorch; same results.

Values are clamped to +-REACH; `rounding` puts them on the grid of the integers (sixteenths, the stream 256ths), gradients pass.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.models.exact import TOP, UNIT
from lacodec.models.text import kernel

REACH = TOP / UNIT
"""Largest activation."""
STREAM_UNIT = 256
"""Stream value that stands for 1.0 in the integers."""
_STREAM_REACH = (2**23 - 1) / STREAM_UNIT  # what float32 counts exactly; trained streams grow to thousands
_EPSILON = 1e-5
_ROWS = 256  # of logits at a time: they stay in the cache

kernels = True
"""False: use PyTorch's functions on the CPU too."""


def rounded_to_unit(x: Tensor, rounding: bool) -> Tensor:
    """Clamped, and rounded to sixteenths."""
    return _grid(x, REACH, UNIT, rounding)


def stream(x: Tensor, rounding: bool) -> Tensor:
    """The stream; only a simulation rounds and clamps it, since a trained network stays inside its range."""
    return _grid(x, _STREAM_REACH, STREAM_UNIT, True) if rounding else x


def norm(x: Tensor, rounding: bool) -> Tensor:
    """x[..., width] over the root of its mean square."""
    if _by_kernel(x):
        out: Tensor = _Norm.apply(x, rounding)
        return out
    return rounded_to_unit(x * torch.rsqrt(x.square().mean(-1, keepdim=True) + _EPSILON), rounding)


def taps(x: Tensor, weights: Tensor, rounding: bool) -> Tensor:
    """Each channel's sum over this step and the steps before, x[n, t, width] with weights[taps, width]."""
    if _by_kernel(x):
        out: Tensor = _Taps.apply(x, weights, rounding)
        return out
    padded = F.pad(x, (0, 0, len(weights) - 1, 0))
    length = x.shape[1]
    total = sum(weights[k] * padded[:, len(weights) - 1 - k :][:, :length] for k in range(len(weights)))
    assert isinstance(total, Tensor)
    return rounded_to_unit(total, rounding)


def recurrence(z: Tensor, rounding: bool) -> Tensor:
    """[n, t, 3r] of values, memory gates, output gates -> [n, t, r]; h before the first step is 0.

    a = sigmoid(memory gate), h = a h + sqrt(1 - a^2) value, result h silu(output gate).
    """
    if _by_kernel(z):
        out: Tensor = _Recurrence.apply(z, rounding)
        return out
    value, gate, output = rounded_to_unit(z, rounding).chunk(3, -1)
    a = torch.sigmoid(gate)
    return rounded_to_unit(scan(a, torch.sqrt(1 - a * a) * value) * F.silu(output), rounding)


def recurrence_step(z: Tensor, h: Tensor, rounding: bool) -> tuple[Tensor, Tensor]:
    """One step of it, z[n, 3r] and h[n, r] -> result and h."""
    value, gate, output = rounded_to_unit(z, rounding).chunk(3, -1)
    a = torch.sigmoid(gate)
    h = a * h + torch.sqrt(1 - a * a) * value
    return rounded_to_unit(h * F.silu(output), rounding), h


def scan(a: Tensor, b: Tensor) -> Tensor:
    """h[t] = a[t] h[t - 1] + b[t] along dimension 1, in log2(t) passes over all times."""
    span = 1
    while span < a.shape[1]:
        b = torch.cat([b[:, :span], b[:, span:] + a[:, span:] * b[:, :-span]], 1)
        a = torch.cat([a[:, :span], a[:, span:] * a[:, :-span]], 1)
        span *= 2
    return b


def swiglu(z: Tensor, rounding: bool) -> Tensor:
    """[..., 2h] of values and gates -> [..., h]: value silu(gate)."""
    if _by_kernel(z):
        out: Tensor = _Swiglu.apply(z, rounding)
        return out
    value, gate = rounded_to_unit(z, rounding).chunk(2, -1)
    return rounded_to_unit(value * F.silu(gate), rounding)


def cross_entropy(x: Tensor, weights: Tensor, bias: Tensor, wanted: Tensor) -> Tensor:
    """Mean nats of `wanted` int64[n] by the logits x[n, width] weights^T + bias, which are never all in memory."""
    loss: Tensor = _CrossEntropy.apply(x, weights, bias, wanted, torch.is_autocast_enabled(x.device.type))
    return loss


def _by_kernel(x: Tensor) -> bool:
    return kernels and x.device.type == "cpu" and x.dtype == torch.float32


def _grid(x: Tensor, reach: float, unit: float, rounding: bool) -> Tensor:
    x = x.clamp(-reach, reach)
    return x + (torch.floor(x.detach() * unit + 0.5) / unit - x.detach()) if rounding else x


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: bool) -> Tensor:
        x = x.contiguous()
        out = torch.empty_like(x)
        scales = torch.empty(x.shape[:-1])
        kernel.norm(_rows(x), _rows(out), scales.flatten().numpy(), rounding)
        ctx.save_for_backward(x, scales)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, scales = ctx.saved_tensors
        result = torch.empty_like(x)
        kernel.norm_back(_rows(x), scales.flatten().numpy(), _rows(gradients[0].contiguous()), _rows(result))
        return result, None


class _Taps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, rounding: bool) -> Tensor:
        x = x.contiguous()
        sums, out = torch.empty_like(x), torch.empty_like(x)
        kernel.taps(x.numpy(), weights.detach().float().numpy(), sums.numpy(), out.numpy(), rounding)
        ctx.save_for_backward(x, weights, sums)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weights, sums = ctx.saved_tensors
        result, of_weights = torch.zeros_like(x), torch.zeros_like(weights)
        gradient = gradients[0].contiguous()
        kernel.taps_back(x.numpy(), weights.numpy(), sums.numpy(), gradient.numpy(), result.numpy(), of_weights.numpy())
        return result, of_weights, None


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, rounding: bool) -> Tensor:
        z = z.contiguous()
        r = z.shape[-1] // 3
        clamped = _clamped(z, rounding)
        sigmoids = torch.sigmoid(clamped[..., r:])
        h, out = torch.empty(*z.shape[:-1], r), torch.empty(*z.shape[:-1], r)
        kernel.recurrence(clamped.numpy(), sigmoids.numpy(), h.numpy(), out.numpy(), rounding)
        ctx.save_for_backward(z, clamped, sigmoids, h)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        z, clamped, sigmoids, h = ctx.saved_tensors
        result = torch.empty_like(z)
        kernel.recurrence_back(
            z.numpy(), clamped.numpy(), sigmoids.numpy(), h.numpy(), gradients[0].contiguous().numpy(), result.numpy()
        )
        return result, None


class _Swiglu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, rounding: bool) -> Tensor:
        z = z.contiguous()
        half = z.shape[-1] // 2
        clamped = _clamped(z, rounding)
        sigmoids = torch.sigmoid(clamped[..., half:])
        out = torch.empty(*z.shape[:-1], half)
        kernel.swiglu(_rows(clamped), _rows(sigmoids), _rows(out), rounding)
        ctx.save_for_backward(z, clamped, sigmoids)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        z, clamped, sigmoids = ctx.saved_tensors
        result = torch.empty_like(z)
        kernel.swiglu_back(_rows(z), _rows(clamped), _rows(sigmoids), _rows(gradients[0].contiguous()), _rows(result))
        return result, None


class _CrossEntropy(torch.autograd.Function):
    """Gradients are made in the forward pass, from logits of a few rows at a time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, bias: Tensor, wanted: Tensor, short: bool) -> Tensor:
        kind = torch.bfloat16 if short else x.dtype
        learning = x.requires_grad
        inputs, table = x.to(kind), weights.to(kind)
        total = torch.zeros((), device=x.device)
        of_x, of_weights, of_bias = torch.empty_like(x), torch.zeros_like(weights), torch.zeros_like(bias)
        rows = _ROWS if x.device.type == "cpu" else 8192
        for begin in range(0, len(x), rows):
            some, target = inputs[begin : begin + rows], wanted[begin : begin + rows, None]
            logits = (some @ table.t()).float().add_(bias)
            picked = logits.gather(1, target)
            top = logits.amax(1, keepdim=True)
            weight = logits.sub_(top).exp_()
            sums = weight.sum(1, keepdim=True)
            total += (sums.log() + top - picked).sum()
            if learning:
                weight.mul_(1 / (sums * len(x)))
                weight.scatter_add_(1, target, torch.full_like(picked, -1 / len(x)))
                of_bias += weight.sum(0)
                weight = weight.to(kind)
                of_x[begin : begin + rows] = weight @ table
                of_weights += weight.t() @ some
        ctx.save_for_backward(of_x, of_weights, of_bias)
        return total / len(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        of_x, of_weights, of_bias = ctx.saved_tensors
        factor = gradients[0]
        return of_x * factor, of_weights * factor, of_bias * factor, None, None


def _clamped(z: Tensor, rounding: bool) -> Tensor:
    out = z.clamp(-REACH, REACH)
    return out.mul_(UNIT).add_(0.5).floor_().mul_(1 / UNIT) if rounding else out


def _rows(x: Tensor) -> Any:
    return x.detach().view(-1, x.shape[-1]).numpy()
