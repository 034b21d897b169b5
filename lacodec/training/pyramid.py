"""A perceptual distortion without learned weights: squared differences in a normalised Laplacian pyramid.

    picture --minus its blurred half, enlarged--> band --divided by the contrast around--> x 5 bands, and the rest

An error counts less where the surrounding contrast is high, and more in smooth areas such as the sky. Laparra, Balle,
Berardino, Simoncelli: "Perceptual image quality assessment using a normalized Laplacian pyramid", 2016, with its filters; here on
R, G and B alike, as they are stored (their gamma stands for the paper's), and with squares instead of roots. Some squared error
is added: the pyramid hardly feels it when a whole plane becomes a little brighter.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from lacodec.models.image.bands import band

_BLUR = (0.05, 0.25, 0.4, 0.25, 0.05)
# Of each band, finest first: the constant, and how much of the neighbours' size is added (above, left, right, below).
_CONTRAST = (
    (0.0248, (0.1011, 0.1493, 0.1460, 0.1015)),
    (0.0185, (0.0757, 0.1986, 0.1846, 0.0837)),
    (0.0179, (0.0477, 0.2138, 0.2243, 0.0467)),
    (0.0191, (0.0, 0.2503, 0.2616, 0.0)),
    (0.0220, (0.0, 0.2598, 0.2552, 0.0)),
    (0.2782, (0.0, 0.2215, 0.0717, 0.0)),
)
_WORTH = 700.0
"""Squared error that a difference of 1 is worth: measured for the errors of a model trained for squared error (650 to 970)."""
_SQUARED = 0.25  # share of the squared error


def perceptual(original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
    """float32[n], on the scale of squared errors. float32[n, 3, h, w] of 0..255, sides multiples of 32.

    weights: float32[n, 1, h, w] of 0..1, how much a place counts.
    """
    with torch.autocast(original.device.type, enabled=False):
        pairs = _pyramid(torch.cat([original.float(), decoded.float()]) / 255)
        total = _SQUARED * _error(original.float(), decoded.float(), weights)
        for level, (one, other) in enumerate(pair.chunk(2) for pair in pairs):
            if weights is not None and level:
                weights = F.avg_pool2d(weights, 2)
            total = total + (1 - _SQUARED) * _WORTH / len(pairs) * _error(one, other, weights)
        return total


def _error(one: Tensor, other: Tensor, weights: Tensor | None) -> Tensor:
    error = (one - other).square()
    return (error if weights is None else error * weights).mean((1, 2, 3))


def _pyramid(x: Tensor) -> list[Tensor]:
    found = []
    for constant, around in _CONTRAST[:-1]:
        height, width = x.shape[2:]
        down, across = (band(_BLUR, size, x.device)[::2] for size in (height, width))
        blurred = down @ x @ across.t()
        # Enlarging is the transpose except at its borders: every row of it sums to 1.
        up, along = (2 * matrix.t() for matrix in (down, across))
        enlarged = (up / up.sum(1, keepdim=True)) @ blurred @ (along / along.sum(1, keepdim=True)).t()
        found.append(_normalised(x - enlarged, constant, around))
        x = blurred
    return [*found, _normalised(x, *_CONTRAST[-1])]


def _normalised(x: Tensor, constant: float, around: tuple[float, float, float, float]) -> Tensor:
    """Each value over a constant and the weighted sizes of its four neighbours."""
    above, left, right, below = around
    height, width = x.shape[2:]
    vertical, horizontal = band((above, 0, below), height, x.device), band((left, 0, right), width, x.device)
    return x / (constant + vertical @ x.abs() + x.abs() @ horizontal.t())
