"""PSNR and MS-SSIM against formulas, published values and pytorch-msssim."""

import math
import sys

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.evaluation.metrics import MS_SSIM_SIDE, decibels, ms_ssim, psnr
from lacodec.testing import photo


def coarse(pixels: np.ndarray, step: int = 16) -> np.ndarray:
    return (pixels // step * step + step // 2).astype(np.uint8)


def test_psnr_is_that_of_the_mean_squared_error_of_all_samples() -> None:
    original = np.zeros((4, 5, 3), np.uint8)
    decoded = original.copy()
    decoded[1, 2, 0] = 255
    assert psnr(original, decoded) == pytest.approx(10 * math.log10(4 * 5 * 3))
    decoded[:] = 1
    assert psnr(original, decoded) == psnr(decoded, original) == pytest.approx(20 * math.log10(255))
    assert psnr(original, original) == math.inf


def test_ms_ssim_of_a_known_picture() -> None:
    original = photo(176, 203, seed=3)
    # By pytorch-msssim 1.0.0 in double precision.
    assert ms_ssim(original, coarse(original)) == pytest.approx(0.9885762420116212, abs=2e-6)
    assert ms_ssim(original, original) == pytest.approx(1)
    assert decibels(0.99) == pytest.approx(20)
    assert decibels(1.0) == math.inf


@pytest.mark.parametrize("shape", [(161, 161), (333, 170), (256, 384)])
def test_ms_ssim_is_pytorch_msssim_s(shape: tuple[int, int]) -> None:
    reference = pytest.importorskip("pytorch_msssim")
    import torch

    rng = np.random.default_rng(2)
    original = photo(*shape)
    noisy = np.clip(original + rng.normal(0, 30, original.shape), 0, 255).astype(np.uint8)
    for decoded in (noisy, coarse(original, 64), 255 - original, np.zeros_like(original)):
        a, b = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() for p in (original, decoded))
        assert ms_ssim(original, decoded) == pytest.approx(reference.ms_ssim(a, b, data_range=255).item(), abs=5e-6)


def test_ms_ssim_needs_room() -> None:
    original = photo(MS_SSIM_SIDE, MS_SSIM_SIDE - 1)
    assert ms_ssim(original, original) is None


def test_pictures_of_other_shapes_are_not_compared() -> None:
    for other in (photo(20, 31), photo(20, 30, 1), photo(20, 30).astype(np.uint16)):
        for metric in (psnr, ms_ssim):
            with pytest.raises(BadInput, match="compared"):
                metric(photo(20, 30), other)


def test_metrics_need_no_torch(repository) -> None:
    import subprocess

    program = "import sys, lacodec.evaluation.metrics, lacodec.evaluation.rate_distortion; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=repository, timeout=60).returncode == 0
