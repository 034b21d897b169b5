"""Measuring: real files of peers, means over pictures, the better of two variants, and what fails."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lacodec.errors import BadInput
from lacodec.evaluation import published
from lacodec.evaluation.curves import Curve, Point
from lacodec.evaluation.metrics import ms_ssim, psnr
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS, PEERS, LossyImagePeer
from lacodec.evaluation.rate_distortion import OurMethod, fingerprint, is_lossless_picture, measure, our_method, read_rgb, warm_up
from lacodec.testing import photo


def flaky(name: str, fails: Callable[[np.ndarray], bool], values: tuple[float, ...] = (10, 50)) -> OurMethod:
    def encode(pixels: np.ndarray, value: float, variant: str) -> bytes:
        if fails(pixels):
            raise RuntimeError("no\nway")
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=int(value))
        return out.getvalue()

    return OurMethod(name, name, "quality", values, encode, lambda data: np.asarray(Image.open(io.BytesIO(data))))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = []
    for i, shape in enumerate([(170, 180), (64, 200), (165, 190)]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(photo(*shape, seed=i)).save(paths[-1])
    return paths


@pytest.mark.parametrize("peer", LOSSY_IMAGE_PEERS, ids=lambda peer: peer.name)
def test_peers_write_files_that_grow_with_quality(peer: LossyImagePeer) -> None:
    if not peer.installed:
        pytest.skip(f"not installed: {peer.install}")
    pixels = photo(96, 130)
    for variant in peer.variants:
        low, high = (peer.encode(pixels, value, variant) for value in (peer.values[0], peer.values[-1]))
        assert len(low) < len(high)
        decoded = [peer.decode(data) for data in (low, high)]
        assert all(one.shape == pixels.shape and one.dtype == np.uint8 for one in decoded)
        assert 15 < psnr(pixels, decoded[0]) < psnr(pixels, decoded[1])


def test_names_of_peers_differ() -> None:
    names = [peer.name for peer in [*PEERS, *LOSSY_IMAGE_PEERS]]
    assert len(set(names)) == len(names)


def test_a_curve_holds_means_over_pictures(pictures: list[Path]) -> None:
    jpeg = flaky("jpeg", lambda _: False)
    steps: list[Path] = []
    measured = measure([jpeg], [pictures[0], pictures[2]], 2, steps.append)
    assert sorted(steps) == sorted(2 * [pictures[0], pictures[2]])
    expected = []
    for path in (pictures[0], pictures[2]):
        pixels = np.asarray(Image.open(path))
        data = jpeg.encode(pixels, 50, "")
        decoded = jpeg.decode(data)
        expected.append((8 * len(data) / (pixels.shape[0] * pixels.shape[1]), psnr(pixels, decoded), ms_ssim(pixels, decoded)))
    point = measured.curves[0].points[1]
    assert (point.bpp, point.psnr, point.ms_ssim) == pytest.approx(tuple(np.mean(expected, axis=0)))
    assert [(p.name, p.width, p.height) for p in measured.pictures] == [("0.png", 180, 170), ("2.png", 190, 165)]
    assert measured.problems == []


def test_warming_up_codes_once_and_passes_over_failures() -> None:
    seen = []
    warm_up([flaky("bad", lambda _: True), flaky("good", lambda pixels: bool(seen.append(pixels.shape)))])
    assert seen == [(64, 64, 3)]


def test_threads_change_nothing_but_times(pictures: list[Path]) -> None:
    def figures(threads: int) -> list[tuple]:
        measured = measure([flaky("jpeg", lambda _: False)], pictures, threads)
        return [(p.bpp, p.psnr, p.ms_ssim) for curve in measured.curves for p in curve.points]

    assert figures(1) == figures(3)
    assert all(row[2] is None for row in figures(1))  # one picture is too low for MS-SSIM


def test_broken_pictures_and_failing_methods(pictures: list[Path], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(pictures[0].read_bytes()[:400])
    (tmp_path / "text.png").write_bytes(b"no picture")
    Image.fromarray(photo(9, 9, 1, 65535)[..., 0]).save(tmp_path / "deep.png")
    bad = [tmp_path / name for name in ("broken.png", "text.png", "deep.png")]
    methods = [
        flaky("good", lambda _: False),
        flaky("hopeless", lambda _: True),
        flaky("picky", lambda pixels: pixels.shape[0] == 64),
    ]
    measured = measure(methods, [*bad, *pictures], 2)
    assert [curve.name for curve in measured.curves] == ["good", "picky"]
    assert [picture.name for picture in measured.pictures] == ["0.png", "2.png"]
    told = "\n".join(measured.problems)
    assert len(measured.problems) == 5
    for said in (
        "broken.png",
        "text.png",
        "8 bits",
        "hopeless failed on every picture: RuntimeError: no way",
        "1.png left out",
    ):
        assert said in told
    with pytest.raises(BadInput, match=r"text\.png"):
        measure(methods, bad)


def test_a_decoder_of_another_size_fails(pictures: list[Path]) -> None:
    shrinks = OurMethod("s", "s", "q", (1.0,), lambda pixels, value, variant: b"x", lambda data: np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(BadInput, match="compared"):
        measure([shrinks], pictures)


def test_the_best_variant_at_each_rate() -> None:
    def point(variant: str, bpp: float, quality: float) -> Point:
        return Point(bpp, variant, bpp, quality, None, 0, 0)

    low = [point("low", *pair) for pair in [(0.1, 25), (0.2, 28), (0.4, 29), (0.8, 29.5)]]
    high = [point("high", *pair) for pair in [(0.15, 25), (0.3, 29), (0.6, 33), (1.2, 36)]]
    line = Curve("x", "", "q", (*low, *high)).line("psnr")
    assert list(zip(line.rates, line.qualities, strict=True)) == [(0.1, 25), (0.2, 28), (0.3, 29), (0.6, 33), (1.2, 36)]
    assert len(Curve("x", "", "q", tuple(low)).line("ms-ssim").rates) == 0


def test_only_lossy_image_codecs_are_measured() -> None:
    for codec in ("image.lossless", "bytes"):
        with pytest.raises(BadInput, match="not a lossy image codec"):
            our_method(codec, "effort", [1])
    assert our_method("image.learned", "quality", [20, 60.5]).values == (20, 60.5)


def test_which_files_are_pictures(tmp_path: Path) -> None:
    pixels = Image.fromarray(photo(20, 20))
    for name in ("a.png", "b.bmp", "c.tif", "d.ppm", "e.webp", "f.jpg", "g.avif"):
        pixels.save(tmp_path / name, **({"lossless": True} if name == "e.webp" else {}))
    (tmp_path / "a.png").rename(tmp_path / "a")
    (tmp_path / "h.png").write_bytes(b"")
    (tmp_path / "i.txt").write_bytes(b"text")
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_lossless_picture(path)] == [
        "a", "b.bmp", "c.tif", "d.ppm", "e.webp", "h.png",
    ]  # fmt: skip
    assert np.array_equal(read_rgb(tmp_path / "a"), read_rgb(tmp_path / "e.webp"))


def test_published_curves_are_sound() -> None:
    assert published.names()[0] == "vtm"
    for name in published.names():
        curve = published.curve(name)
        assert curve.description and curve.source
        line = curve.line("psnr")
        assert len(line.rates) == len(curve.bpp) >= 4  # nothing was out of order
        assert 0 < line.rates[0] < 0.3 and 20 < line.qualities[0] < line.qualities[-1] < 50
        assert len(curve.line("ms-ssim").rates) in (0, len(curve.bpp))
    with pytest.raises(BadInput, match="vtm"):
        published.curve("nobody")


def test_published_curves_are_for_kodak_only(data_dir: Path) -> None:
    kodak = sorted((data_dir / "images" / "kodak").glob("*.png"))
    if len(kodak) != 24:
        pytest.skip("no Kodak pictures")
    prints = [fingerprint(read_rgb(path)) for path in kodak]
    published.check_pictures(prints)
    with pytest.raises(BadInput, match="23 of them"):
        published.check_pictures([*prints[:23], fingerprint(photo(512, 768))])
    with pytest.raises(BadInput, match="23 pictures"):
        published.check_pictures(prints[:23])


def test_a_turned_picture_is_the_same_one() -> None:
    pixels = photo(40, 60)
    assert fingerprint(np.rot90(pixels)) == fingerprint(pixels) != fingerprint(pixels[:, :, ::-1])
