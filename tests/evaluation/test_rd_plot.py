"""Plots: the formats asked for, every name in them, nothing that depends on the clock."""

import io

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from PIL import Image

from lacodec.evaluation import published
from lacodec.evaluation.bd_rate import Line
from lacodec.evaluation.rd_plot import Plot, draw

OURS = Line.front("image.mine --profile small", [(0.1, 27), (0.2, 29.5), (0.5, 33), (0.9, 36.2), (1.6, 39)])
PEER = Line.front("avif", [(0.15, 26.5), (0.3, 30), (0.55, 32.4), (1.1, 35.9)])
ALONE = Line.front("unheard-of", [(0.4, 31)])
VTM = published.curve("vtm").line("psnr")


def drawn(plot: Plot, file_format: str) -> bytes:
    out = io.BytesIO()
    draw(plot, out, file_format)
    return out.getvalue()


@pytest.mark.parametrize("rates", [None, (0.1, 1.0), (2.0, 3.0)])
def test_an_svg_names_every_line(rates: tuple[float, float] | None) -> None:
    plot = Plot("kodak: 24 pictures", "psnr", [OURS], [PEER, ALONE], [VTM], rates)
    text = drawn(plot, "svg").decode()
    for name in ("kodak: 24 pictures", "image.mine --profile small", "avif", "unheard-of", "vtm", "bits per pixel", "PSNR"):
        assert f">{name}" in text
    assert text == drawn(plot, "svg").decode()


def test_a_png_shows_ours_and_the_peer() -> None:
    pixels = np.asarray(Image.open(io.BytesIO(drawn(Plot("t", "psnr", [OURS], [PEER], []), "png"))).convert("RGB")).astype(int)
    assert pixels.shape[0] > 700 and pixels.shape[1] > 1200
    for colour in ((0xD6, 0x27, 0x28), (0x1F, 0x5F, 0xA8)):
        assert (np.abs(pixels - colour).sum(2) < 12).sum() > 500
    assert drawn(Plot("t", "ms-ssim", [], [PEER], [VTM]), "pdf").startswith(b"%PDF")
