"""Choosing a model for an array by coding a sample of it."""

from collections.abc import Callable, Iterator

import numpy as np

from lacodec.codecs.columns.mixed.profiles import PROFILES, Geometry
from lacodec.codecs.columns.mixed.setup import Settings
from lacodec.codecs.columns.mixed.state import PAD_MOST

_SAMPLE = 1 << 14  # values, whole rows where they are not longer
_MOST_CHANNELS = 64  # columns of the last axis that are modelled apart, besides those of a table
MOST_SHIFT = 48


def choose(latents: np.ndarray, effort: int, size_of: Callable[[np.ndarray, Settings], int]) -> Settings:
    """The settings with which a sample becomes smallest. latents: any shape, not empty."""
    sample = _sample(latents)
    best, least = None, 0.0
    for geometry in geometries(latents.shape):
        for profile in range(len(PROFILES)):
            settings = Settings(effort, profile, geometry, unit_shift(latents, geometry.near), first_value(sample))
            size = size_of(sample, settings)
            if best is None or size < least:
                best, least = settings, size
    assert best is not None
    return Settings(effort, best.profile, best.geometry, best.shift, first_value(latents))


def geometries(shape: tuple[int, ...]) -> Iterator[Geometry]:
    """Ways to see an array: its last axis as columns of their own, or as the main axis."""
    axes = [n for n in shape if n > 1] or [1]
    if len(axes) == 1:
        yield Geometry(1, 0, 1)
        return
    last = axes[-1]
    if last <= _MOST_CHANNELS * 64:
        above = last * axes[-2] if len(axes) > 2 else 0
        yield Geometry(last, above if 2 * last < above <= PAD_MOST else 0, last)
    if last > 4 and last <= PAD_MOST:
        yield Geometry(1, last, 1)
    yield Geometry(1, 0, 1)


def first_value(latents: np.ndarray) -> int:
    """The first one, as the signed number of 64 bits that stands for it."""
    return int(latents.reshape(-1)[:1].astype(np.uint64).view(np.int64)[0])


def unit_shift(latents: np.ndarray, near: int) -> int:
    """log2 of about the mean difference between a value and the one before."""
    flat = latents.reshape(-1)[: 4 * _SAMPLE]
    if flat.size <= near:
        return 0
    apart = (flat[near:] - flat[:-near]).view(f"i{flat.itemsize}")
    mean = float(np.median(np.abs(apart.astype(np.float64))))
    return min(max(int(np.frexp(mean)[1]) - 1, 0), MOST_SHIFT)


def _sample(latents: np.ndarray) -> np.ndarray:
    """A piece from the middle that starts with a row."""
    flat = latents.reshape(-1)
    if flat.size <= _SAMPLE:
        return flat
    row = latents[:1].size
    begin = (flat.size - _SAMPLE) // 2
    return flat[begin - begin % row :][:_SAMPLE] if row <= _SAMPLE else flat[begin // row * row :][: max(_SAMPLE, min(4*_SAMPLE, 8 * latents.shape[-1]))]
