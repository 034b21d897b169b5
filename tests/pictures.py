"""Pictures for tests: arrays of pixels made here, by name."""

import numpy as np


def photo(height, width, channels=3, top=255, seed=1):
    """Something smooth with edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 9.0
    base = np.sin(y)[:, :, None] + np.cos(x * 0.7)[:, :, None] + (x > y)[:, :, None] + np.arange(channels) * 0.1
    noisy = (base + 2) / 5.5 + rng.normal(0, 0.01, (height, width, channels))
    return np.clip(noisy * top, 0, top).astype(np.uint16 if top > 255 else np.uint8)


def kinds():
    """Pixels[height, width, channels] of every sort, small."""
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
