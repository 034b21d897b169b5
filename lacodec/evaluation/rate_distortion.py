"""Rate-distortion curves of lossy image codecs, from real files: (methods, picture files) -> one `Curve` per method.

picture --decoded--> uint8 RGB --method.encode, at each setting--> a file --method.decode--> uint8 RGB --> bpp, PSNR, MS-SSIM

bpp is 8 x the whole file's bytes / pixels. Curves are means over pictures: of bpp, of PSNR in dB, of MS-SSIM.
"""

import contextlib
import hashlib
import io
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lacodec.codecs.registry import HEAD_SIZE
from lacodec.codecs.session import Session
from lacodec.errors import BadInput
from lacodec.evaluation.curves import Curve, Point
from lacodec.evaluation.metrics import ms_ssim, psnr
from lacodec.io.source import BytesSource
from lacodec.io.threads import ordered_map
from lacodec.media.image.files import IMAGES
from lacodec.media.image.photo import PHOTOS

_SUFFIXES = (".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff")


class Method(Protocol):
    """A method to measure: a `LossyImagePeer`, or one of our codecs (`our_method`)."""

    @property
    def name(self) -> str:
        """Shown in tables and plots."""

    @property
    def how(self) -> str:
        """The call, in words."""

    @property
    def sweep(self) -> str:
        """The setting that trades bytes for quality."""

    @property
    def values(self) -> tuple[float, ...]:
        """The settings to measure."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Each measured at all values; the best at each rate makes the curve."""

    @property
    def encode(self) -> Callable[[np.ndarray, float, str], bytes]:
        """(pixels, value, variant) -> a file."""

    @property
    def decode(self) -> Callable[[bytes], np.ndarray]:
        """A file -> pixels."""


@dataclass(frozen=True)
class OurMethod:
    """A lacodec codec as a method."""

    name: str
    how: str
    sweep: str
    values: tuple[float, ...]
    encode: Callable[[np.ndarray, float, str], bytes]
    decode: Callable[[bytes], np.ndarray]
    variants: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Sample:
    """One method at one setting on one picture. Size of the file in bytes, PSNR in dB, wall-clock seconds."""

    size: int
    psnr: float
    ms_ssim: float | None
    encode_s: float
    decode_s: float


@dataclass(frozen=True)
class Picture:
    """A measured picture: by method name, `samples` for each value of the first variant, then of the next, or the error."""

    name: str
    width: int
    height: int
    samples: dict[str, list[Sample]]
    failures: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """The results: curves over `pictures`, and notes about failed measurements."""

    curves: list[Curve]
    pictures: list[Picture]
    problems: list[str]


def our_method(codec: str, sweep: str, values: Sequence[float], device: str | None = None, **options: object) -> OurMethod:
    """A lossy image codec of the registry, with `options`, and `sweep` taking each of `values`. device: where it computes.

    Raises BadInput for a codec of something else, for a lossless one, and for unknown options and values.
    """
    from lacodec.codecs import registry
    from lacodec.container import stream
    from lacodec.pipeline.choice import make_codec
    from lacodec.pipeline.decoding import Decoding
    from lacodec.pipeline.encoding import encode_value

    codec_class = registry.get(codec)
    if codec_class.media not in (IMAGES, PHOTOS) or codec_class.identical != "none":
        raise BadInput(f"codec {codec!r} is not a lossy image codec, which a rate-distortion curve needs")
    coders = {value: make_codec(codec, {**options, sweep: value}) for value in values}
    session = Session(device=device)
    label = codec + "".join(f" --{key.replace('_', '-')} {value}" for key, value in options.items())

    def encode(pixels: np.ndarray, value: float, variant: str) -> bytes:
        out, coder = io.BytesIO(), coders[value]
        encode_value(coder, coder.media.from_object(pixels), None, out, session=session)
        return out.getvalue()

    def decode(data: bytes) -> np.ndarray:
        header, chunks = stream(BytesSource(data))
        return np.asarray(Decoding(header, codec, session).whole(chunks).pixels)

    return OurMethod(label, f"lacodec, codec {label}", sweep, tuple(values), encode, decode)


def is_lossless_picture(path: Path) -> bool:
    """Whether a file is a picture to measure on, by its first bytes; also one that only claims to be, by its name."""
    with path.open("rb") as file:
        return path.suffix.lower() in _SUFFIXES or IMAGES.sniff(file.read(HEAD_SIZE))


def read_rgb(path: Path) -> np.ndarray:
    """The picture in a file as uint8[height, width, 3]; BadInput if it is damaged, not a picture, or deeper than 8 bits."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise BadInput(f"{path}: has more than 8 bits per sample; curves are measured on 8-bit RGB")
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: cannot be read as a picture ({' '.join(str(error).split()) or type(error).__name__})") from error


def fingerprint(pixels: np.ndarray) -> str:
    """16 hexadecimal digits of a picture's histograms: equal for copies, turned ones included."""
    counts = [np.bincount(pixels[..., channel].reshape(-1), minlength=256) for channel in range(pixels.shape[2])]
    return hashlib.sha256(np.array(counts, "<u8").tobytes()).hexdigest()[:16]


def warm_up(methods: Sequence[Method]) -> None:
    """Let every method code something small, so that no time that is measured later holds loading or compiling."""
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for method in methods:
        with contextlib.suppress(Exception):  # a method that fails is told when it is measured
            method.decode(method.encode(pixels, method.values[0], method.variants[0]))


def measure(
    methods: Sequence[Method], paths: Sequence[Path], threads: int = 1, on_step: Callable[[Path], None] = lambda _: None
) -> Measured:
    """Every method at every setting on every picture, `threads` pictures at a time.

    A picture that cannot be read, or that some method fails on, is left out of all curves, so that all are means over the same;
    a method that fails on every picture is left out itself. `on_step` is called, from any thread, after each encoding.
    Raises BadInput when nothing is left.
    """

    def one(path: Path) -> Picture | BadInput:
        try:
            return _measure_picture(methods, path, on_step)
        except BadInput as error:
            return error

    found = list(ordered_map(one, paths, threads))
    read = [picture for picture in found if isinstance(picture, Picture)]
    problems = [str(error) for error in found if isinstance(error, BadInput)]
    hopeless = {m.name for m in methods if read and all(m.name in picture.failures for picture in read)}
    problems += [f"{name} failed on every picture: {read[0].failures[name]}" for name in sorted(hopeless)]
    kept = []
    for picture in read:
        failures = {name: why for name, why in picture.failures.items() if name not in hopeless}
        problems += [f"{picture.name} left out: {name} failed on it: {why}" for name, why in failures.items()]
        if not failures:
            kept.append(picture)
    good = [method for method in methods if method.name not in hopeless]
    if not kept or not good:
        raise BadInput("; ".join(problems) or "nothing to measure: no pictures or no codecs")
    return Measured([_curve(method, kept) for method in good], kept, problems)


def _measure_picture(methods: Sequence[Method], path: Path, on_step: Callable[[Path], None]) -> Picture:
    pixels = read_rgb(path)
    samples: dict[str, list[Sample]] = {}
    failures: dict[str, str] = {}
    for method in methods:
        rows = samples.setdefault(method.name, [])
        for variant in method.variants:
            for value in method.values:
                if method.name not in failures:
                    try:
                        rows.append(_sample(method, pixels, value, variant))
                    except Exception as error:  # every library and program has its own errors; all are reported
                        failures[method.name] = _said(error)
                on_step(path)
    return Picture(path.name, pixels.shape[1], pixels.shape[0], samples, failures)


def _said(error: Exception) -> str:
    """An error in one line; of a program, its last line of output."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return f"{error.cmd[0]} exited with status {error.returncode}: {lines[-1] if lines else 'no message'}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _sample(method: Method, pixels: np.ndarray, value: float, variant: str) -> Sample:
    start = time.perf_counter()
    data = method.encode(pixels, value, variant)
    middle = time.perf_counter()
    decoded = method.decode(data)
    end = time.perf_counter()
    return Sample(len(data), psnr(pixels, decoded), ms_ssim(pixels, decoded), middle - start, end - middle)


def _curve(method: Method, pictures: Sequence[Picture]) -> Curve:
    settings = [(variant, value) for variant in method.variants for value in method.values]
    points = []
    for i, (variant, value) in enumerate(settings):
        rows = [picture.samples[method.name][i] for picture in pictures]
        similarities = [row.ms_ssim for row in rows if row.ms_ssim is not None]
        points.append(
            Point(
                value=value,
                variant=variant,
                bpp=statistics.fmean(8 * row.size / (p.width * p.height) for row, p in zip(rows, pictures, strict=True)),
                psnr=statistics.fmean(row.psnr for row in rows),
                ms_ssim=statistics.fmean(similarities) if len(similarities) == len(rows) else None,
                encode_s=statistics.median(row.encode_s for row in rows),
                decode_s=statistics.median(row.decode_s for row in rows),
            )
        )
    return Curve(method.name, method.how, method.sweep, tuple(points))
