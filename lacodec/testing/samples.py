"""Sample inputs: pictures, sounds and texts made from fixed seeds."""

import random

import numpy as np

import lacodec


def photo(height: int, width: int, channels: int = 3, top: int = 255, seed: int = 1) -> np.ndarray:
    """uint8 or, for a `top` above 255, uint16[height, width, channels]: a smooth picture with edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 9.0
    base = np.sin(y)[:, :, None] + np.cos(x * 0.7)[:, :, None] + (x > y)[:, :, None] + np.arange(channels) * 0.1
    noisy = (base + 2) / 5.5 + rng.normal(0, 0.01, (height, width, channels))
    return np.clip(noisy * top, 0, top).astype(np.uint16 if top > 255 else np.uint8)


def pictures() -> dict[str, np.ndarray]:
    """uint8 or uint16[height, width, channels] of many sorts, small, by name."""
    rng = np.random.default_rng(5)
    drawn = np.repeat(np.repeat(rng.integers(0, 255, (6, 8, 3)), 7, 0), 5, 1).astype(np.uint8)
    return {
        "one pixel": np.array([[[7, 8, 9]]], np.uint8),
        "one row": photo(1, 70),
        "one column": photo(70, 1),
        "gray": photo(30, 41, 1),
        "gray and alpha": photo(20, 21, 2),
        "colour": photo(40, 33),
        "colour and alpha": photo(18, 50, 4),
        "flat alpha": np.concatenate([photo(18, 50), np.full((18, 50, 1), 255, np.uint8)], 2),
        "constant": np.full((30, 30, 3), 200, np.uint8),
        "noise": rng.integers(0, 256, (24, 25, 3), dtype=np.uint8),
        "noise of 16 bits": rng.integers(0, 65536, (24, 25, 3), dtype=np.uint16),
        "16 bits": photo(31, 30, 3, 65535),
        "few levels in 16 bits": photo(31, 30, 1, 900),
        "16 bits made of 8": photo(80, 90).astype(np.uint16) * 257,
        "stretched": (photo(90, 80, 3, 140) + 3) // 2 * 3,
        "16-bit gray and alpha": photo(15, 16, 2, 65535),
        "drawn": drawn,
        "extremes": (rng.integers(0, 2, (20, 20, 3)) * 255).astype(np.uint8),
        "wide": photo(2, 3000, 1),
    }


def tone(frames: int, channels: int, peak: float, seed: int = 1) -> np.ndarray:
    """float64[frames, channels]: three partials that fade, noise, and channels that resemble each other."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    spread = 1 + 0.1 * np.arange(channels)[None, :]
    sound = sum(np.sin(t * w * 0.01 + spread) * a for w, a in ((3, 0.5), (7.1, 0.3), (11.7, 0.1)))
    return np.asarray(peak * (sound * (0.6 + 0.4 * np.cos(t / 3000)) + 0.01 * rng.standard_normal((frames, channels))))


def wav_file(samples: np.ndarray, rate: int = 44100, layout: str = "i16le", tail: bytes = b"") -> bytes:
    """A WAV file of integers or floats [frames, channels]; `tail` are chunks after the samples."""
    from lacodec.media.audio import wav
    from lacodec.media.audio.samples import to_bytes

    numbers = samples.astype(np.float32).view(np.int32) if layout.startswith("f") else np.rint(samples)
    data = to_bytes(numbers.astype(np.int64).T, layout)
    return wav.header(len(samples), rate, samples.shape[1], layout) + data + b"\0" * (len(data) & 1) + tail


def texts(size: int = 20_000) -> dict[str, bytes]:
    """Bytes by name: empty and tiny, random, runs, text, tables, numbers, and some awkward cases."""
    rng = random.Random(size)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(1, 9))) for _ in range(300)]
    text = b" ".join(rng.choices(words, k=size // 5))[:size]
    table = b"".join(b"%06d,%d,2026-11-%02d,ok\n" % (i, rng.randint(0, 99), i % 30 + 1) for i in range(size // 23))
    return {
        "empty": b"",
        "one byte": b"x",
        "zero byte": b"\0",
        "two": b"ab",
        "seven": b"lacodec",
        "random": rng.randbytes(size),
        "short random": rng.randbytes(300),
        "huge run": bytes(10 * size),
        "text": text,
        "table": table,
        "16-bit ramp": b"".join((i * 3 & 0xFFFF).to_bytes(2, "little") for i in range(size // 2)),
        "noise then run": rng.randbytes(size // 2) + bytes([255]) * (size // 2),
        "repeat far apart": text + rng.randbytes(size) + text,
        "every byte": bytes(range(256)) * 3,
        "two symbols": bytes(rng.choices(b"ab", k=size)),
        "rare symbol": bytes(size // 2) + b"\1" + bytes(size // 2),
        "x86 calls": b"".join(
            b"\xe8" + (5000 - i & 0xFFFFFFFF).to_bytes(4, "little") + b"\x90" * (i % 7) for i in range(0, size // 8, 3)
        ),
        "periodic 3": b"abc" * (size // 3),
        "encoded": lacodec.encode(text, effort=1),
    }
