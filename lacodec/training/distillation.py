"""A model learns from a larger one, its teacher, in stages: first its features, then its predictions, then without it.

    features   decoded pixels like the teacher's; latents, through a linear map that is learnt too, like the teacher's
    entropy    the means that latents are predicted to have, through the same map; bits where the teacher spends its own
    plain      nothing more

The added loss counts in bits per pixel, besides rate and weighted distortion of the plain loss.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lacodec.models.exact import Mode, set_mode
from lacodec.models.image.model import ImageModel
from lacodec.models.image.options import distortion_weight
from lacodec.models.image.transforms import LINEAR
from lacodec.training.image_loss import Outcome, run
from lacodec.training.options import TrainOptions

_LATENT = 18 / math.log(2) / LINEAR
"""Bits per pixel that a latent's squared error of 1 is worth: weight * step^2 / 768, with the step of high-rate theory."""
_SHARE = 0.5  # of the teacher, besides the plain loss
_RIDGE = 1e-3


class Distillation:
    """The loss that a teacher adds for `model`, which gets the linear map as the submodule `teacher_map`.

    pixels: float32[n, 3, h, w], some crops, from which the map begins by least squares.
    """

    def __init__(self, teacher: ImageModel, model: ImageModel, options: TrainOptions, pixels: Tensor) -> None:
        self._teacher, self._options = teacher.requires_grad_(False).eval(), options
        set_mode(teacher, Mode.SIMULATED)
        self._map = nn.Conv2d(model.options.latents, teacher.options.latents, 1)
        self._map.weight.data.copy_(_least_squares(model, teacher, pixels)[:, :, None, None])
        nn.init.zeros_(self._map.bias)
        model.teacher_map = self._map.to(pixels.device)

    def wanted(self, progress: float) -> bool:
        """Whether it still adds to the loss."""
        return progress < self._options.teach_entropy_until

    def added(self, progress: float, pixels: Tensor, weight: Tensor, outcome: Outcome) -> Tensor:
        """float32[n], bits per pixel. weight: float32[n], that of the distortion; outcome: the model's, with all details."""
        own = self._teacher.options
        t = (torch.log(weight / own.low) / math.log(own.high / own.low)).clamp(0, 1)
        with torch.no_grad():
            taught = run(self._teacher, pixels, t, detailed=True)
        with torch.autocast(pixels.device.type, enabled=False):
            if progress < self._options.teach_features_until:
                error = weight * (outcome.pixels - taught.pixels).square().mean((1, 2, 3))
                return _SHARE * (error + self._apart(outcome.latents, taught.latents, self._map.weight))
            apart = self._apart(outcome.means, taught.means, self._map.weight.detach())
            return _SHARE * (apart + _elsewhere(outcome.position_bits, taught.position_bits) / pixels[0, 0].numel())

    def _apart(self, mine: Tensor, theirs: Tensor, matrix: Tensor) -> Tensor:
        bias = self._map.bias if matrix.requires_grad else self._map.bias.detach()
        return _LATENT * (F.conv2d(mine, matrix, bias) - theirs).square().sum(1).mean((1, 2))


def _elsewhere(mine: Tensor, theirs: Tensor) -> Tensor:
    """Bits that the teacher would lose, were its own spread over the positions as the model's are."""
    mine, theirs = mine.flatten(1) + 1e-3, theirs.flatten(1) + 1e-3
    total = theirs.sum(1, keepdim=True)
    return (theirs * torch.log2(theirs / total * mine.sum(1, keepdim=True) / mine)).sum(1)


def _least_squares(model: ImageModel, teacher: ImageModel, pixels: Tensor) -> Tensor:
    """[teacher's latents, the model's latents]: the best map between their latents at a middle quality."""
    t = torch.full((len(pixels),), 0.5, device=pixels.device)
    with torch.no_grad():
        weight = distortion_weight(model.options, 0.5)
        theirs = teacher.options
        other = t.new_full(t.shape, math.log(weight / theirs.low) / math.log(theirs.high / theirs.low)).clamp(0, 1)
        x, y = (net.analysis(pixels, at).transpose(0, 1).flatten(1).double() for net, at in ((model, t), (teacher, other)))
        gram = x @ x.t()
        gram += _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        return torch.linalg.solve(gram, x @ y.t()).t().float()
