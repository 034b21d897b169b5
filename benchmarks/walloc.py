"""Codecs `image.walloc` and `audio.walloc` beside JPEG, WebP and MP3, and their entropy coding beside PNG and WebP:

    python benchmarks/walloc.py pictures FOLDER [--model PATH] [--profile 16x]
    python benchmarks/walloc.py sound FILE... [--model PATH] [--profile 20x]

Pictures: bits per pixel of whole files, and those of JPEG (optimised) and WebP (method 6) at the lowest quality whose PSNR is no
lower. Sound: kilobits per second and SNR; then, at some constant rates of MP3 (LAME), the SNR of the file with the finest step
that takes no more bytes, and MP3's. Latents in PNG and WebP are one gray picture: channel below channel. Seconds are processor
time.
"""

import argparse
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import lacodec
from lacodec.codecs import registry
from lacodec.container import stream
from lacodec.evaluation.audio import calls
from lacodec.evaluation.audio.sound import Sound
from lacodec.io.source import BytesSource
from lacodec.media.audio.value import Audio

_RATES = (32, 48, 64, 96)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """dB."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def packed(latents: np.ndarray) -> list[int]:
    """Bytes of latents as PNG and as lossless WebP."""
    gray = (latents.astype(np.int16) + 128).astype(np.uint8).reshape(-1, latents.shape[-1])
    most = 16_000 // gray.shape[1] * gray.shape[1] if gray.shape[1] < 16_000 else 16_000
    sizes = []
    for options in ({"format": "PNG", "optimize": True}, {"format": "WEBP", "lossless": True, "method": 6, "quality": 100}):
        size = 0
        for at in range(0, len(gray), most):
            for left in range(0, gray.shape[1], 16_000):
                file = io.BytesIO()
                Image.fromarray(gray[at : at + most, left : left + 16_000]).save(file, **options)
                size += file.tell()
        sizes.append(size)
    return sizes


def payloads(coded: bytes) -> int:
    """Bytes of the chunks without their heads."""
    return sum(len(chunk.payload) for chunk in stream(BytesSource(coded))[1])


def reached(pixels: np.ndarray, goal: float, name: str, **options: object) -> float:
    """Bits per pixel of the smallest file of Pillow with this PSNR."""
    low, high = 0, 100
    size = float("nan")
    while low < high:
        quality, file = (low + high) // 2, io.BytesIO()
        Image.fromarray(pixels).save(file, name, quality=quality, **options)
        if psnr(pixels, np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))) >= goal:
            high, size = quality, 8 * file.tell() / (pixels.size // 3)
        else:
            low = quality + 1
    return size


def pictures(paths: Sequence[Path], options: dict[str, str]) -> None:
    """A line for each picture, and means."""
    codec, rows = lacodec.codec("image.walloc", **options), []
    inner = registry.get("image.walloc")
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        coded = codec.encode(pixels)
        shown = np.asarray(codec.decode(coded).pixels)
        found, bits = psnr(pixels, shown), 8 / (pixels.size // 3)
        latents = inner(inner.Options(**options)).latents(pixels)
        png, webp = packed(latents)
        row = [len(coded) * bits, found, reached(pixels, found, "JPEG", optimize=True), reached(pixels, found, "WEBP", method=6)]
        rows.append([*row, payloads(coded) / webp, payloads(coded) / png])
        print(path.name, " ".join(f"{value:.3f}" for value in rows[-1]), flush=True)
    print("mean: bpp, PSNR, bpp of JPEG, of WebP, payload / WebP, / PNG:", " ".join(f"{v:.3f}" for v in np.mean(rows, axis=0)))


def snr(sound: np.ndarray, other: np.ndarray) -> float:
    """dB."""
    return float(10 * np.log10(np.square(sound).sum() / np.square(sound - other).sum()))


def mp3(sound: np.ndarray, rate: int, kilobits: int) -> tuple[int, float]:
    """Bytes and SNR of LAME at a constant rate."""
    data = calls.mp3(Sound(sound, rate), kilobits)
    return len(data), snr(sound, calls.sndfile_decoded(data).samples)


def sounds(paths: Sequence[Path], options: dict[str, str]) -> None:
    """A line for each sound, and means."""
    import soundfile

    codec, rows = lacodec.codec("audio.walloc", **options), []
    inner = registry.get("audio.walloc")
    for path in paths:
        sound, rate = soundfile.read(path, always_2d=True)
        value = Audio.from_samples(np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16), rate)
        clock = time.process_time()
        latents = inner(inner.Options(**options)).latents(value)
        clock = time.process_time() - clock
        coded, seconds = codec.encode(value), len(sound) / rate
        png, webp = packed(latents)
        line = [8e-3 * len(coded) / seconds, snr(sound, shown(codec, coded)), payloads(coded) / webp, payloads(coded) / png]
        line.append(seconds / clock)
        for kilobits in _RATES:
            size, there = mp3(sound, rate, kilobits)
            line += [fitting(value, sound, size, options), there]
        rows.append(line)
        print(path.name, " ".join(f"{value:.3f}" for value in line), flush=True)
    names = "kbit/s, SNR, payload / WebP, / PNG, x real time, SNR and MP3's at " + ", ".join(map(str, _RATES))
    print(f"mean: {names}:", " ".join(f"{v:.3f}" for v in np.mean(rows, axis=0)))


def fitting(value: Audio, sound: np.ndarray, size: int, options: dict[str, str]) -> float:
    """SNR with the finest step, from half the model's to 128 times it, whose file takes no more than `size` bytes."""
    low, high, found = 8, 2048, float("-inf")
    while low < high:
        middle = (low + high) // 2
        codec = lacodec.codec("audio.walloc", step=middle / 16, **options)
        coded = codec.encode(value)
        if len(coded) <= size:
            high, found = middle, snr(sound, shown(codec, coded))
        else:
            low = middle + 1
    return found


def shown(codec: Any, coded: bytes) -> np.ndarray:
    """Samples from -1 to 1."""
    return np.asarray(codec.decode(coded)) / 32768


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Compare the walloc codecs with JPEG, WebP and MP3.")
    parser.add_argument("kind", choices=["pictures", "sound"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--profile")
    args = parser.parse_args()
    options = {name: getattr(args, name) for name in ("model", "profile") if getattr(args, name)}
    paths = [file for path in args.paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    (pictures if args.kind == "pictures" else sounds)(paths, options)


if __name__ == "__main__":
    main()
