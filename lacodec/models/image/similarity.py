"""MS-SSIM as a distortion that can be trained for: the measure of `lacodec.evaluation.metrics.ms_ssim`, in torch.

both pictures --Gaussian windows--> similarity of every window --mean--> x 5 scales, each half as large --product--> 1 - it
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.models.image.bands import band

SIDE = 192
"""Smallest crop: the window has to fit into a sixteenth of it, and sides are multiples of 64."""

# Wang, Simoncelli, Bovik: "Multi-scale structural similarity for image quality assessment", 2003. Finest scale first.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA, _C1, _C2 = 11, 1.5, (0.01 * 255) ** 2, (0.03 * 255) ** 2
_GAUSS = [math.exp(-((place - _WINDOW // 2) ** 2) / (2 * _SIGMA**2)) for place in range(_WINDOW)]
_TAPS = tuple(tap / sum(_GAUSS) for tap in _GAUSS)
_MIDDLE = 127.0  # squares of centred samples lose less to float32
_LEAST = 1e-3  # of a similarity: below 0 a power has no gradient
_WORTH = 1280.0
"""Squared error that 1 - MS-SSIM = 1 is worth: the ratio of CompressAI's two lists of weights (16.64 to 0.0130)."""


def structural(original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
    """float32[n]: 1 - MS-SSIM, on the scale of squared errors. float32[n, 3, h, w] of 0..255, sides multiples of 16 from `SIDE`.

    weights: float32[n, 1, h, w] of 0..1; the weight of the loss in a window. All 1 is the same as none.
    """
    return _WORTH * (1 - ms_ssim(original, decoded, weights))


def ms_ssim(original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
    """float32[n], at most 1: mean of the channels. See `structural`."""
    with torch.autocast(original.device.type, enabled=False):
        x, y = original.float() - _MIDDLE, decoded.float() - _MIDDLE
        product = torch.ones(x.shape[:2], device=x.device)
        for scale, power in enumerate(_WEIGHTS):
            if scale:
                x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
                weights = None if weights is None else F.avg_pool2d(weights, 2)
            lost = 1 - _similarity(x, y, luminance=scale == len(_WEIGHTS) - 1)
            if weights is not None:
                edge = _WINDOW // 2
                lost = lost * weights[:, :, edge:-edge, edge:-edge]
            product = product * (1 - lost.mean((2, 3))).clamp(min=_LEAST) ** power
        return product.mean(1)


def _similarity(x: Tensor, y: Tensor, luminance: bool) -> Tensor:
    """Of each window: contrast and structure, times luminance if asked for."""
    mean_x, mean_y, squares, product = _smoothed(torch.cat([x, y, x * x + y * y, x * y])).chunk(4)
    variances = squares - mean_x.square() - mean_y.square()
    covariance = product - mean_x * mean_y
    similarity = (2 * covariance + _C2) / (variances + _C2)
    if luminance:
        mean_x, mean_y = mean_x + _MIDDLE, mean_y + _MIDDLE
        similarity = similarity * (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    return similarity


def _smoothed(planes: Tensor) -> Tensor:
    """The Gaussian window's mean at every place where the window fits."""
    height, width = planes.shape[2:]
    return band(_TAPS, height, planes.device, inside=True) @ planes @ band(_TAPS, width, planes.device, inside=True).t()
