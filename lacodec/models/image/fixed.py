"""Analysis and synthesis of an image model in whole numbers: the same results on every machine, at a given quality.

    latents (sixteenths) -> synthesis -> pixels (sixteenths of a gray level, 0 is 127.5) -> analysis -> latents (sixteenths)

The weights are the integers that are stored; activations inside blocks have 13 bits, so that float32 products are exact in any
order; the stream between blocks counts 4096ths, and the linear transforms multiply in float64. Results differ a little from those
of `transforms`. Quality enters by integers made with + and * of IEEE doubles only.
"""

from dataclasses import dataclass

import numpy as np
import torch

from lacodec.errors import UnsupportedFile
from lacodec.models.exact import exactly
from lacodec.models.image._fixed_kernel import FAR, TOP, entered, joined, mixed
from lacodec.models.image.model import ImageModel

_STREAM = 12  # fractional bits between blocks
_FINE, _COARSE = 10, 7  # of what enters a block at 1/8 and at 1/16
_WIDE, _GATE = 7, 8  # of widened activations, and of those around a gate
_FACTOR = 24
_PIXEL = 10  # a gray level is 1/64: sixteenths of it are 1024ths
_LATENT = 4
_SUMS = 1 << 24


@dataclass(frozen=True)
class _Product:
    """A 1x1 convolution: codes float32 or float64[outputs, inputs], factors and offsets int64[outputs]."""

    codes: torch.Tensor
    factors: np.ndarray
    offsets: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Sums [outputs, ...] of whole numbers [inputs, ...]."""
        flat = torch.from_numpy(x.reshape(len(x), -1))
        found: np.ndarray = torch.matmul(self.codes, flat).numpy()
        return found.reshape(-1, *x.shape[1:])


@dataclass(frozen=True)
class _Block:
    widen: _Product
    mix_codes: np.ndarray
    mix_factors: np.ndarray
    mix_offsets: np.ndarray
    narrow: _Product
    shift: int

    def __call__(self, stream: np.ndarray) -> None:
        """Add to the stream int32[c, h, w]."""
        channels, height, width = stream.shape
        x = np.empty(stream.shape, np.float32)
        entered(stream.reshape(-1), self.shift, x.reshape(-1))
        total = self.widen(x)
        inner = np.empty((len(total) // 2, height, width), np.float32)
        work = np.zeros((3, height + 2, width + 2), np.int32)
        mixed(
            total, self.widen.factors, self.widen.offsets, self.mix_codes, self.mix_factors, self.mix_offsets, _GATE, work, inner
        )
        out = self.narrow(inner)
        joined(out.reshape(channels, -1), self.narrow.factors, self.narrow.offsets, stream.reshape(channels, -1))


class FixedTransforms:
    """Both transforms at t, the quality from 0 to 1. Raises UnsupportedFile for a model whose sums might not be exact."""

    def __init__(self, model: ImageModel, t: float) -> None:
        self._model, self._t = model, t
        self._parameters = {name: value.detach().numpy().astype(np.float64) for name, value in model.named_parameters()}
        options = model.options
        self._synthesis = [self._block("synthesis.coarse", k, _COARSE) for k in range(options.coarse)]
        self._out = self._linear("synthesis.linear")
        self._synthesis_fine = [self._block("synthesis.fine", k, _FINE) for k in range(options.fine)]
        self._analysis_fine = [self._block("analysis.fine", k, _FINE) for k in range(options.fine)]
        self._in = self._linear("analysis.linear")
        self._analysis = [self._block("analysis.coarse", k, _COARSE) for k in range(options.coarse)]
        self._synthesis_gain, self._analysis_gain = self._gain("synthesis.gain"), self._gain("analysis.gain")

    def synthesis(self, latents: np.ndarray) -> np.ndarray:
        """int32[latents, h, w] in sixteenths -> int32[3, 16 h, 16 w] in sixteenths of a gray level."""
        with exactly(torch.device("cpu")):
            return self._synthesised(latents)

    def analysis(self, pixels: np.ndarray) -> np.ndarray:
        """int32[3, 16 h, 16 w] -> int32[latents, h, w] in sixteenths, of magnitudes below 2^19."""
        with exactly(torch.device("cpu")):
            return self._analysed(pixels)

    def _synthesised(self, latents: np.ndarray) -> np.ndarray:
        wide = latents.astype(np.float64) * self._synthesis_gain[:, None, None]
        stream = _limited(np.floor(wide * 2.0 ** (_STREAM - _LATENT - _FACTOR) + 0.5))
        for block in self._synthesis:
            block(stream)
        fine = np.zeros((self._out.codes.shape[0], stream.shape[1] * stream.shape[2]), np.int32)
        joined(self._out(stream.astype(np.float64)).reshape(fine.shape), self._out.factors, self._out.offsets, fine)
        stream = _shuffled(fine.reshape(-1, *stream.shape[1:]), 2)
        for block in self._synthesis_fine:
            block(stream)
        shift = _STREAM - _PIXEL
        return _shuffled((stream + (1 << shift >> 1)) >> shift, 8)

    def _analysed(self, pixels: np.ndarray) -> np.ndarray:
        stream = _unshuffled(pixels << (_STREAM - _PIXEL), 8)
        for block in self._analysis_fine:
            block(stream)
        wide = _unshuffled(stream, 2)
        coarse = np.zeros((self._in.codes.shape[0], wide.shape[1] * wide.shape[2]), np.int32)
        joined(self._in(wide.astype(np.float64)).reshape(coarse.shape), self._in.factors, self._in.offsets, coarse)
        stream = coarse.reshape(-1, *wide.shape[1:])
        for block in self._analysis:
            block(stream)
        found = stream.astype(np.float64) * self._analysis_gain[:, None, None]
        return _limited(np.floor(found * 2.0 ** (_LATENT - _STREAM - _FACTOR) + 0.5))

    def _block(self, name: str, number: int, bits: int) -> _Block:
        name = f"{name}.{number}"
        codes, factors = self._codes(f"{name}.mix", _WIDE, _GATE)
        bias = self._parameters[f"{name}.mix.bias"] + interpolated(self._parameters[f"{name}.quality"], self._t)
        offsets = np.rint(bias * 2.0**_GATE).astype(np.int64)
        widen = self._product(f"{name}.widen", bits, _WIDE)
        narrow = self._product(f"{name}.narrow", _GATE, _STREAM)
        return _Block(widen, codes.reshape(-1, 9).astype(np.int32), factors, offsets, narrow, _STREAM - bits)

    def _product(self, name: str, enter: int, leave: int) -> _Product:
        codes, factors = self._codes(name, enter, leave)
        if int(np.abs(codes).sum(1).max()) * TOP >= _SUMS:
            raise UnsupportedFile("the model has weights whose sums would not be exact; video needs another model")
        offsets = np.rint(self._parameters[f"{name}.bias"] * 2.0**leave).astype(np.int64)
        return _Product(torch.from_numpy(codes.astype(np.float32)), factors, offsets)

    def _linear(self, name: str) -> _Product:
        codes, factors = self._codes(name, _STREAM, _STREAM)
        if int(np.abs(codes).sum(1).max()) * FAR >= 1 << 40 or int(factors.max()) >= 1 << 12 + 12:
            raise UnsupportedFile("the model has weights whose sums would not be exact; video needs another model")
        offsets = np.rint(self._parameters[f"{name}.bias"] * 2.0**_STREAM).astype(np.int64)
        return _Product(torch.from_numpy(codes.astype(np.float64)), factors, offsets)

    def _codes(self, name: str, enter: int, leave: int) -> tuple[np.ndarray, np.ndarray]:
        """Whole numbers [outputs, inputs], and the factors from their sums to the result, in 2^-24."""
        codes, steps = self._model.stored[f"{name}.weight"]
        factors = np.rint(steps.astype(np.float64) * 2.0 ** (_FACTOR + leave - enter)).astype(np.int64)
        if int(factors.max()) >= 1 << 28:
            raise UnsupportedFile("the model has weights whose sums would not be exact; video needs another model")
        return codes.reshape(len(codes), -1).astype(np.int64), factors

    def _gain(self, name: str) -> np.ndarray:
        return np.minimum(np.rint(exponential(interpolated(self._parameters[name], self._t)) * 2.0**_FACTOR), 2.0**32)


def interpolated(knots: np.ndarray, t: float) -> np.ndarray:
    """Of float64[k, n] at t from 0 to 1, as `exact.interpolate` does."""
    position = min(max(t, 0.0), 1.0) * (len(knots) - 1)
    low = min(int(position), len(knots) - 2)
    part = position - low
    return knots[low] * (1.0 - part) + knots[low + 1] * part


def exponential(x: np.ndarray) -> np.ndarray:
    """exp of float64[n] by + and * alone: libraries differ in the last bit."""
    small = np.clip(x, -20.0, 20.0) * 2.0**-10
    found = np.ones_like(small)
    for k in range(8, 0, -1):
        found = found * small * (1.0 / k) + 1.0
    for _ in range(10):
        found = found * found
    return found


def _limited(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -FAR, FAR).astype(np.int32)


def _shuffled(x: np.ndarray, side: int) -> np.ndarray:
    """[c * side^2, h, w] -> [c, h * side, w * side], contiguous, as torch's pixel_shuffle."""
    channels, height, width = x.shape
    wide = x.reshape(channels // side**2, side, side, height, width).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(wide).reshape(-1, height * side, width * side)


def _unshuffled(x: np.ndarray, side: int) -> np.ndarray:
    channels, height, width = x.shape
    wide = x.reshape(channels, height // side, side, width // side, side).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(wide).reshape(-1, height // side, width // side)
