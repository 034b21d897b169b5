"""Pixels whose channels use few of the values between their least and their greatest: replaced by their ranks.

Data: for each channel the number of levels, the first one, then runs (step to the next level, how many such steps); the method of
the planes of ranks and their data.
"""

import numpy as np

from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import CorruptFile

_SAVING = 16  # samples per byte of the list of levels, at least: half a bit each
_FULL = 0.8  # of the levels in the middle half of all samples: more than this in use is no gap


def reduce(pixels: np.ndarray) -> tuple[bytes, np.ndarray, int] | None:
    """(list of levels, ranks of the shape and dtype of `pixels`, greatest rank); None where that does not pay."""
    channels = [pixels[:, :, c] for c in range(pixels.shape[2])]
    levels = [np.flatnonzero(np.bincount(channel.reshape(-1))) for channel in channels]
    if not any(_sparse(*pair) for pair in zip(channels, levels, strict=True)):
        return None
    out, ranks = Writer(), np.empty_like(pixels)
    for c, used in enumerate(levels):
        out.number(len(used))
        out.number(int(used[0]))
        steps = np.diff(used)
        begins = np.flatnonzero(np.diff(steps, prepend=-1))
        for begin, stop in zip(begins, np.append(begins, len(steps))[1:], strict=True):
            out.number(int(steps[begin]))
            out.number(int(stop - begin))
        place = np.zeros(int(used[-1]) + 1, pixels.dtype)
        place[used] = np.arange(len(used))
        ranks[:, :, c] = place[channels[c]]
    return (out.data, ranks, max(map(len, levels)) - 1) if len(out.data) * _SAVING <= pixels.size else None


def read_levels(data: bytes, channels: int, top: int) -> tuple[list[np.ndarray], bytes]:
    """(levels of each channel within 0..top, what follows them); raises CorruptFile."""
    reader, found = Reader(data, 0), []
    for _ in range(channels):
        count, level = reader.number(), reader.number()
        if not 1 <= count <= top + 1:
            raise CorruptFile("its list of levels is impossible")
        steps: list[int] = []
        while len(steps) < count - 1:
            step, run = reader.number(), reader.number()
            if not (1 <= step <= top and 1 <= run < count - len(steps)):
                raise CorruptFile("its list of levels is impossible")
            steps += [step] * run
        levels = np.cumsum([level, *steps])
        if level > top or levels[-1] > top:
            raise CorruptFile("its list of levels goes beyond its depth")
        found.append(levels)
    return found, reader.rest()


def expand(ranks: np.ndarray, levels: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """The pixels with these ranks, whole numbers from 0; raises CorruptFile for a rank without a level."""
    pixels = np.empty(ranks.shape, dtype)
    for c, used in enumerate(levels):
        places = ranks[:, :, c].astype(np.int64)
        if int(places.max()) >= len(used):
            raise CorruptFile("a pixel uses a level that is not listed")
        pixels[:, :, c] = used[places]
    return pixels


def _sparse(channel: np.ndarray, levels: np.ndarray) -> bool:
    """Whether many values are never used, where most samples are."""
    some = np.sort(channel.reshape(-1)[:: max(1, channel.size // 4096)])
    low, high = int(some[len(some) // 4]), int(some[3 * len(some) // 4])
    inside = int(np.searchsorted(levels, high, "right") - np.searchsorted(levels, low))
    return inside <= _FULL * (high - low + 1)
