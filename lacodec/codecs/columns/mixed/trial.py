"""Choosing a model for an array by coding samples of it: all models in brief, then the best ones thoroughly."""

from collections.abc import Callable, Iterator

import numpy as np

from lacodec.codecs.columns.mixed.profiles import PROFILES, Geometry
from lacodec.codecs.columns.mixed.setup import Settings
from lacodec.codecs.columns.mixed.state import PAD_MOST

_BRIEF, _THOROUGH = (1 << 10, 1 << 12, 64), (1 << 11, 1 << 14, 24)  # values of a sample: least, most, one in so many
_BRIEF_EFFORT = 7
_ROWS = 4  # of the last axis, at least
_MOST = 1 << 16  # values of a sample
_FINAL, _CLOSE = 3, 1.06  # models that are tried thoroughly: so many, if no larger than so many times the smallest
MOST_COLUMNS = 4096  # that are modelled apart
_LEAST_ROW = 5  # values for which a row above is of use
MOST_SHIFT = 44


def choose(latents: np.ndarray, effort: int, size_of: Callable[[np.ndarray, Settings], int]) -> Settings:
    """The settings with which a sample becomes smallest. latents: any shape, not empty."""
    brief, thorough = _sample(latents, _BRIEF), _sample(latents, _THOROUGH)
    tries: list[tuple[int, int, Settings]] = []
    for geometry in geometries(latents.shape):
        shift = unit_shift(latents, geometry.near)
        for profile in range(len(PROFILES)):
            settings = Settings(_BRIEF_EFFORT, profile, geometry, shift, first_value(brief))
            tries.append((size_of(brief, settings), len(tries), settings))
    final = []
    least = min(tries)[0]
    for size, order, found in sorted(tries)[:_FINAL]:
        if size > least * _CLOSE:
            break
        settings = Settings(effort, found.profile, found.geometry, found.shift, first_value(thorough))
        final.append((size_of(thorough, settings), order, settings))
    best = min(final)[2]
    return Settings(effort, best.profile, best.geometry, best.shift, first_value(latents))


def geometries(shape: tuple[int, ...]) -> Iterator[Geometry]:
    """Ways to see an array: its last axis as columns of their own, as the main axis, and no axes at all."""
    axes = [n for n in shape if n > 1]
    if len(axes) > 1:
        last, above = axes[-1], axes[-1] * axes[-2]
        if last <= MOST_COLUMNS:
            yield Geometry(last, above if len(axes) > 2 and 2 * last < above <= PAD_MOST else 0, last)
        if _LEAST_ROW <= last <= PAD_MOST:
            yield Geometry(1, last, 1)
    yield Geometry(1, 0, 1)


def first_value(latents: np.ndarray) -> int:
    """The first one, as the signed number of 64 bits that stands for it."""
    return int(latents.reshape(-1)[:1].astype(np.uint64).view(np.int64)[0])


def unit_shift(latents: np.ndarray, near: int) -> int:
    """log2 of about the usual difference between a value and the one before."""
    flat = _sample(latents, (_MOST, _MOST, 1))
    if flat.size <= near:
        return 0
    apart = (flat[near:] - flat[:-near]).view(f"i{flat.itemsize}")
    usual = float(np.median(np.abs(apart.astype(np.float64))))
    return min(max(int(np.frexp(usual)[1]) - 1, 0), MOST_SHIFT)


def _sample(latents: np.ndarray, sizes: tuple[int, int, int]) -> np.ndarray:
    """Values from the middle, from the start of a row on."""
    flat, last = latents.reshape(-1), latents.shape[-1] if latents.ndim > 1 else 1
    least, most, share = sizes
    size = min(max(flat.size // share, least, _ROWS * last), max(most, _ROWS * last), _MOST)
    if flat.size <= size:
        return flat
    begin = (flat.size - size) // 2
    return flat[begin - begin % last :][:size]
