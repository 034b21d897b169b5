"""The search of an image.learned encoder, by effort, for latents that cost less than those of analysis.

    latents --exact networks, rounding--> values --slope of the bits and of the squared error--> moved latents, coded again ...

A step is one of Newton's. The error's slope comes from the real synthesis, so that the errors of neighbours and channels may
cancel; its curvature is that of each channel alone (`window`, or `structure` for models trained for MS-SSIM). The slope of the
bits is that of the contexts, from the entropy networks in floating point: the effect of a value on the bits of all later ones.
Rounding handles its own bits (`rounding.py`).
Decoders know nothing of it; the best of all visited latents is taken.
"""

from functools import lru_cache

import torch
from torch import Tensor

from lacodec.codecs.image.learned.latents import Encoder
from lacodec.codecs.image.learned.structure import StructuralWindow
from lacodec.codecs.image.learned.tiles import Picture, Place
from lacodec.codecs.image.learned.window import Window
from lacodec.models.exact import ExactLayer, exactly
from lacodec.models.image.entropy import EntropyModel
from lacodec.models.image.entropy import Part as Step
from lacodec.models.image.model import ImageModel
from lacodec.models.image.rate import bits_of_each

STEPS = (0, 0, 0, 1, 3, 4, 6, 9, 16)
"""Of efforts 1 to 9."""
_FURTHEST = 1.0  # that a step looks


def searched(picture: Picture, place: Place, effort: int) -> Encoder:
    """The latents of a tile, coded with an effort of 1 to 9."""
    steps = STEPS[effort - 1]
    window = _window(picture, place) if steps else None
    if window is None:
        return picture.coded(picture.latents(place), place)
    latents = window.latents
    best, least = None, float("inf")
    for step in range(steps + 1):
        coder = picture.coded(latents, place)
        error, slope = window.error(coder.values, step < steps)
        cost = coder.bits() + window.price * error
        if best is None or cost < least:
            best, least = coder, cost
        if step < steps:
            slope = window.price * slope + _context_slope(picture, coder)
            move = (slope / window.curvature).clamp(-_FURTHEST, _FURTHEST)
            latents = latents + (coder.values - move - latents) / (window.caution + step)
    assert best is not None
    return best


def _window(picture: Picture, place: Place) -> Window | None:
    """Where the distortion that the model was trained for is measured; None if it cannot be."""
    distortion = picture.network.options.distortion
    if distortion == "ms-ssim":
        return StructuralWindow(picture, place) if StructuralWindow.fits(picture, place) else None
    return Window(picture, place) if distortion == "mse" else None


def _context_slope(picture: Picture, coder: Encoder) -> Tensor:
    """Slope of all bits over the values, except those of a value itself."""
    entropy = _differentiable(picture.network)
    if entropy.steps == 1:
        return torch.zeros_like(coder.values)
    with exactly(torch.device("cpu")), torch.inference_mode(False), torch.enable_grad():
        values = coder.values[None].clone().requires_grad_()
        bits = torch.zeros(())

        def code(parts: list[Step]) -> list[Tensor]:
            nonlocal bits
            for part in parts:
                rest = part.of(values).detach() - part.means / 16
                bits = bits + bits_of_each(rest, part.scales, picture.network.options.family).sum()
            return [part.of(values) * 16 for part in parts]

        entropy.walk(coder.hyper.clone(), coder.level, (values.shape[2], values.shape[3]), code)
        (slope,) = torch.autograd.grad(bits, values)
    return slope[0]


@lru_cache(2)  # networks are large
def _differentiable(network: ImageModel) -> EntropyModel:
    """The exact entropy networks in floating point, not rounded."""
    with torch.device("meta"):
        entropy = EntropyModel(network.options)
    entropy.to_empty(device="cpu")
    for layer, exact in zip(entropy.modules(), network.entropy.modules(), strict=True):
        if isinstance(layer, ExactLayer):
            for name, value in exact.named_buffers(recurse=False):
                layer._put(name, value)
            if hasattr(layer, "thaw"):
                layer.thaw()
    return entropy.eval().requires_grad_(False)
