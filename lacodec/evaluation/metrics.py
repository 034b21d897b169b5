"""How far a decoded picture is from its original: two uint8[height, width, channels] -> PSNR, MS-SSIM.

Both as the tables of learned image compression have them: per image, on 8-bit RGB, all channels weighted alike.
"""

import math

import numpy as np

from lacodec.errors import BadInput

PEAK = 255
MS_SSIM_SIDE = 161
"""Shortest side in pixels that MS-SSIM is defined for: its window of 11 has to fit into a sixteenth."""

# Wang, Simoncelli, Bovik: "Multi-scale structural similarity for image quality assessment", 2003. Finest scale first.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03
_GAUSS = np.exp(-((np.arange(_WINDOW) - _WINDOW // 2) ** 2) / (2 * _SIGMA**2))
_TAPS = (_GAUSS / _GAUSS.sum()).astype(np.float32)


def psnr(original: np.ndarray, decoded: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, from the mean squared error of all samples; infinite when nothing differs."""
    _check(original, decoded)
    difference = original.astype(np.int32) - decoded
    error = float(np.mean(np.square(difference), dtype=np.float64))
    return 10 * math.log10(PEAK**2 / error) if error else math.inf


def ms_ssim(original: np.ndarray, decoded: np.ndarray) -> float | None:
    """Multi-scale structural similarity in 0..1, mean over the channels; None if a side is below `MS_SSIM_SIDE`.

    Five scales, each the 2x2 mean of the finer one; Gaussian window of 11 pixels, sigma 1.5, where it fits entirely; K1 0.01,
    K2 0.03. Odd sides get a border of zeros before they are halved and negative terms count as 0, as in pytorch-msssim.
    """
    _check(original, decoded)
    if min(original.shape[:2]) < MS_SSIM_SIDE:
        return None
    return float(np.mean([_plane(original[..., c], decoded[..., c]) for c in range(original.shape[2])]))


def decibels(similarity: float) -> float:
    """MS-SSIM on the scale that curves are drawn on: -10 log10(1 - MS-SSIM)."""
    return -10 * math.log10(1 - similarity) if similarity < 1 else math.inf


def _check(original: np.ndarray, decoded: np.ndarray) -> None:
    if original.shape != decoded.shape or original.ndim != 3 or original.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise BadInput(
            f"{original.dtype}{list(original.shape)} cannot be compared with {decoded.dtype}{list(decoded.shape)}; "
            "give two uint8 arrays of shape (height, width, channels)"
        )


def _plane(original: np.ndarray, decoded: np.ndarray) -> float:
    x, y = original.astype(np.float32), decoded.astype(np.float32)
    product = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        last = scale == len(_WEIGHTS) - 1
        product *= max(_similarity(x, y, luminance=last), 0.0) ** weight
        if not last:
            x, y = _halved(x), _halved(y)
    return product


def _similarity(x: np.ndarray, y: np.ndarray, luminance: bool) -> float:
    """Mean of contrast and structure over the plane, times luminance if asked for."""
    middle = np.float32(PEAK // 2)  # squares of centred samples lose less to float32
    x, y = x - middle, y - middle
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    variances = _smoothed(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = _smoothed(x * y) - mean_x * mean_y
    c1, c2 = np.float32((_K1 * PEAK) ** 2), np.float32((_K2 * PEAK) ** 2)
    similarity = (2 * covariance + c2) / (variances + c2)
    if luminance:
        mean_x, mean_y = mean_x + middle, mean_y + middle
        similarity *= (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(similarity, dtype=np.float64))


def _smoothed(plane: np.ndarray) -> np.ndarray:
    """The Gaussian window's mean at every place where the window fits."""
    for _ in range(2):
        count = len(plane) - _WINDOW + 1
        total = _TAPS[_WINDOW // 2] * plane[_WINDOW // 2 :][:count]
        for k in range(_WINDOW // 2):
            total += _TAPS[k] * (plane[k:][:count] + plane[_WINDOW - 1 - k :][:count])
        plane = total.T
    return plane


def _halved(plane: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    plane = np.pad(plane, ((height % 2, 0), (width % 2, 0)))
    return (plane[::2, ::2] + plane[::2, 1::2] + plane[1::2, ::2] + plane[1::2, 1::2]) * np.float32(0.25)
