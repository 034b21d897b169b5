"""Arrays made by formula, of 0.5 to 4 MB each: what a typed coder must see by itself. One seed per group."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

Named = tuple[str, np.ndarray]
ROWS = 250_000


def counters(_: Path) -> Iterator[Named]:
    """Row numbers, ids with gaps, bytes seen by a network card (which wrap at 2^32) and a request counter that restarts."""
    random = np.random.default_rng(1)
    yield "rows-u32", np.arange(17, 17 + 2 * ROWS, dtype=np.uint32)
    yield "ids-i64", 10_000_000_000 + np.cumsum(1 + (random.random(ROWS) < 0.02) * random.integers(1, 400, ROWS))
    sent = np.where(random.random(ROWS) < 0.3, 0, random.integers(1, 40, ROWS) * 1448 + random.integers(40, 1448, ROWS))
    yield "bytes-u32", np.cumsum(sent * 50).astype(np.uint32)
    requests = np.cumsum(random.poisson(3, ROWS))
    restarts = np.repeat(requests[:: ROWS // 10], ROWS // 10)
    yield "requests-u64", (requests - restarts).astype(np.uint64)


def timestamps(_: Path) -> Iterator[Named]:
    """Nanoseconds since 1970: a 1 kHz clock with jitter, events at random in microseconds, hourly rows, frames of a camera."""
    random = np.random.default_rng(2)
    start = 1_700_000_000_000_000_000
    yield "jitter-i64", start + np.arange(ROWS) * 1_000_000 + random.normal(0, 20_000, ROWS).astype(np.int64)
    yield "events-i64", start + np.cumsum(random.exponential(4_000, ROWS).astype(np.int64) + 1) * 1000
    yield "hours-i64", start + np.flatnonzero(random.random(ROWS // 2) > 0.001) * 3_600_000_000_000
    late = np.where(random.random(ROWS) < 0.01, 33_333_333, 0) + random.integers(-3, 4, ROWS) * 100
    yield "frames-i64", start + np.cumsum(33_333_333 + late)


def prices(_: Path) -> Iterator[Named]:
    """Random walks with two decimals as float64 and float32, trades at ticks of 0.25, and prices of a shop that end in .99."""
    random = np.random.default_rng(3)
    walk = 10_000 + np.cumsum(random.integers(-12, 13, ROWS))
    yield "walk-f64", np.maximum(walk, 100) / 100
    yield "walk-f32", (np.maximum(5_000 + np.cumsum(random.integers(-5, 6, ROWS)), 100) / 100).astype(np.float32)
    yield "ticks-f64", 4_200 + np.cumsum(random.choice([-1, 0, 0, 0, 1], ROWS)) * 0.25
    yield "shop-f64", np.floor(random.lognormal(3, 1, ROWS)) + 0.99


def sensors(_: Path) -> Iterator[Named]:
    """Readings of converters as float32: 12 bits with a gain, 1/16 degree, three axes of 16 bits, and a signal without steps."""
    random = np.random.default_rng(4)
    time = np.arange(ROWS)
    wave = 1800 * np.sin(time / 300) + 200 * np.sin(time / 17)
    gain = np.float32(3.3 / 4096)
    yield "volts-f32", np.clip(np.rint(2048 + wave + random.normal(0, 4, ROWS)), 0, 4095).astype(np.float32) * gain
    heat = 20 + 5 * np.sin(time / 20_000) + np.cumsum(random.normal(0, 0.003, ROWS))
    yield "celsius-f32", (np.rint(heat * 16) / 16).astype(np.float32)
    axes = np.stack([1000 * np.sin(time / (40 + 7 * axis)) + random.normal(0, 60, ROWS) for axis in range(3)], axis=1)
    axes[:, 2] += 16_384
    yield "axes-f32", np.rint(axes).astype(np.float32) * np.float32(9.80665 / 16_384)
    yield "analogue-f32", (wave + random.normal(0, 4, ROWS)).astype(np.float32)


def walks(_: Path) -> Iterator[Named]:
    """Random walks: integers with steps of a few hundred, int16 with small steps, and float64 with normal steps."""
    random = np.random.default_rng(5)
    yield "steps-i32", np.cumsum(random.normal(0, 300, 2 * ROWS)).astype(np.int32)
    yield "small-i16", np.cumsum(random.integers(-2, 3, 2 * ROWS)).astype(np.int16)
    yield "normal-f64", 100 + np.cumsum(random.normal(0, 0.01, ROWS))


def counts(_: Path) -> Iterator[Named]:
    """Counts that are mostly zero: independent ones, ones in bursts, and a table of words by documents."""
    random = np.random.default_rng(6)
    yield "poisson-u16", random.poisson(0.05, 4 * ROWS).astype(np.uint16)
    busy = np.repeat(random.random(ROWS // 50) < 0.1, 100)
    yield "bursts-u32", np.where(busy, random.geometric(0.02, len(busy)), 0).astype(np.uint32)
    words = 0.5 / np.arange(1, 1025) ** 0.8
    yield "words-u16", random.poisson(words * random.lognormal(0, 1, (1024, 1))).astype(np.uint16)
    yield (
        "heavy-u32",
        np.where(random.random(ROWS) < 0.2, np.floor(random.pareto(1.1, ROWS) + 1), 0).clip(0, 1e9).astype(np.uint32),
    )


def gradients(_: Path) -> Iterator[Named]:
    """Heavy-tailed values with a scale for each row, float32 and float16; rows of zeros, as of words that did not occur."""
    random = np.random.default_rng(7)
    scale = 1e-4 * random.lognormal(0, 1, (1024, 1))
    dense = (random.standard_t(3, (1024, 512)) * scale).astype(np.float32)
    yield "dense-f32", dense
    yield "rows-f32", np.where(random.random((1024, 1)) < 0.7, np.float32(0), dense)
    yield "dense-f16", (dense * 1024).astype(np.float16)
    yield "relu-f16", np.where(random.random(dense.shape) < 0.5, np.float16(0), (dense * 1024).astype(np.float16))


GROUPS = {
    "counters": counters,
    "timestamps": timestamps,
    "prices": prices,
    "sensors": sensors,
    "walks": walks,
    "counts": counts,
    "gradients": gradients,
}
