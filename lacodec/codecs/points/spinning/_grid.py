"""Coordinates as float32 <-> whole units of a grid, and the points that are not on it."""

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.errors import CorruptFile

_FAR = 1 << 22  # units of a coordinate from which on a point is an exception
_MOST = 64  # one point in so many may be one
_FIRST = 16  # part of the points that is looked at first: often it has too many exceptions already


def to_grid(xyz: np.ndarray, units: float) -> tuple[np.ndarray, np.ndarray] | None:
    """(whole units i64[n, 3], positions of the points that are not on the grid) of f32[n, 3]; None if there are many of those.

    Those have the units of the point before.
    """
    first = xyz[: len(xyz) // _FIRST]
    if len(_to_grid(first, units)[1]) * _MOST > len(xyz):
        return None
    whole, off = _to_grid(xyz, units)
    if len(off) * _MOST > len(xyz):
        return None
    for i in off:
        whole[i] = whole[i - 1] if i else 0
    return whole, off


def _to_grid(xyz: np.ndarray, units: float) -> tuple[np.ndarray, np.ndarray]:
    wide = xyz.astype(np.float64) * units
    near = np.abs(wide) < _FAR  # false for what is no number
    whole = np.rint(np.where(near, wide, 0.0)).astype(np.int64)
    same = from_grid(whole, np.signbit(xyz), units).view(np.uint32) == np.ascontiguousarray(xyz).view(np.uint32)
    return whole, np.flatnonzero(~(same & near).all(axis=1))


def from_grid(whole: np.ndarray, minus: np.ndarray, units: float) -> np.ndarray:
    """f32[n, 3]: whole units, divided in double precision and rounded; minus: which of the zeros are negative."""
    out = (whole / units).astype(np.float32)
    return np.where((whole == 0) & (minus != 0), np.float32(-0.0), out)


def write_exceptions(out: Writer, off: np.ndarray, xyz: np.ndarray) -> None:
    """The positions of the points that are not on the grid, and their bits."""
    out.number(len(off))
    out.numbers(np.diff(off, prepend=0).tolist())
    out.write(np.ascontiguousarray(xyz[off], "<f4").tobytes())


def read_exceptions(reader: Reader, count: int) -> tuple[list[int], np.ndarray]:
    """(positions, f32[k, 3]) of the points beside the grid among `count`; raises CorruptFile."""
    several = reader.number()
    if several * _MOST > count:
        raise CorruptFile(f"it claims {several} points beside the grid")
    at, places = 0, []
    for _ in range(several):
        at += reader.number()
        if at >= count:
            raise CorruptFile("a point beside the grid is not among its points")
        places.append(at)
    return places, np.frombuffer(reader.take(12 * several), "<f4").reshape(several, 3)
