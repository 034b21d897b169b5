"""Where the training of an image model begins: the Karhunen-Loeve transform of 16x16 blocks, quantised as theory asks."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from lacodec.entropy.distributions import SCALES, SETS
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import GROUPS, PATCH, ModelOptions, distortion_weight
from lacodec.training.pictures import Pictures

_BLOCKS = 4096  # in a round
_SCALE = 64.0  # grey levels of one unit in the transforms


def start_from_klt(model: ImageModel, pictures: Pictures, seed: int = 0, rounds: int = 16) -> None:
    """Set the linear transforms, gains and basic scales of a new model, in place.

    The transform is found from `rounds` times 4096 blocks. Step sizes follow from the distortion weight by the high-rate rule
    dD/dR = -(ln 2 / 6) step^2.
    """
    options = model.options
    values, vectors = _spectrum(pictures, seed, rounds)
    order = torch.arange(options.latents).reshape(-1, GROUPS).t().reshape(-1)  # ranks dealt out to the groups
    deviation, basis = values[order].clamp(min=1e-8).sqrt(), vectors[:, order]
    half = deviation.sqrt()
    model.analysis.linear.weight.data.copy_((basis / half).t()[:, :, None, None])
    model.synthesis.linear.weight.data.copy_((basis * half)[:, :, None, None])
    for layer in (model.analysis.linear, model.synthesis.linear):
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    shape = SETS[options.family]
    low, high = float(shape.lowest), float(shape.highest)
    knots = len(model.analysis.gain)
    scale_knots = len(model.entropy.base_scales.weight)
    for index in range(knots):
        gain = half * _SCALE / _step(options, index / (knots - 1))
        model.analysis.gain.data[index] = gain.log()
        model.synthesis.gain.data[index] = -gain.log()
    for index in range(scale_knots):
        spread = deviation * _SCALE / _step(options, index / (scale_knots - 1))
        scale = (spread.clamp(low, high) / low).log() / math.log(high / low) * (SCALES - 1)
        model.entropy.base_scales.weight.data[index] = scale * 4 / 16
    model.entropy.hyper_scales.weight.data.fill_(math.log(1.0 / low) / math.log(high / low) * (SCALES - 1) * 4 / 16)


def _step(options: ModelOptions, t: float) -> float:
    return math.sqrt(18 / math.log(2) / distortion_weight(options, t))


def _spectrum(pictures: Pictures, seed: int, rounds: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Second moments of the features of blocks, largest first, and their directions [768, 768] in columns."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(PATCH * PATCH * 3, PATCH * PATCH * 3, dtype=torch.float64)
    for _ in range(rounds):
        blocks = (pictures.sample(_BLOCKS, PATCH, generator).cpu() - 127.5) / _SCALE
        features = F.pixel_unshuffle(F.pixel_unshuffle(blocks, 8), 2).flatten(1)
        total += (features.t() @ features).double()
    values, vectors = torch.linalg.eigh(total / (_BLOCKS * rounds))
    return values.flip(0).float(), vectors.flip(1).float()
