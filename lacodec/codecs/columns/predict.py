"""Predictors of unsigned integers: a few steps, each takes from a value what earlier ones say of it.

    steps = their number, then for each: u8 kind, lag [, second lag]      lags count elements of the flattened array

SUBTRACT takes values[i - lag]; EXCLUSIVE, its bits; MEDIAN, the median prediction of JPEG-LS from two lags. Two steps SUBTRACT
of lag 1 are a second difference, of lags 1 and of a row the Lorenzo predictor in two dimensions. Residuals are centred in their
range.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import _predict_kernel as kernel
from lacodec.codecs.columns._fields import Reader, Writer
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch_array

Latents = NDArray[np.unsignedinteger]

SUBTRACT, EXCLUSIVE, MEDIAN = range(3)
_MOST_STEPS = 8


@dataclass(frozen=True)
class Step:
    """One step; `far` is the second lag of MEDIAN."""

    kind: int
    lag: int
    far: int = 0


Steps = tuple[Step, ...]


def residuals(values: Latents, steps: Steps) -> Latents:
    """What the steps leave of `values`, n > 0; in `scratch`."""
    for step in steps:
        out = scratch_array(len(values), values.dtype)
        if step.kind == SUBTRACT:
            kernel.subtract(readonly(values), np.uint64(step.lag), out)
        elif step.kind == EXCLUSIVE:
            kernel.exclusive(readonly(values), np.uint64(step.lag), out)
        else:
            kernel.subtract_median(readonly(values), np.uint64(step.lag), np.uint64(step.far), out)
        values = out
    return np.add(values, _half(values.dtype), out=values) if _centred(steps) else values


def restored(left: Latents, steps: Steps) -> Latents:
    """The inverse of `residuals`; may overwrite `left`."""
    if _centred(steps):
        left -= _half(left.dtype)
    for step in reversed(steps):
        if step.kind == SUBTRACT:
            kernel.add(left, np.uint64(step.lag), left)
        elif step.kind == EXCLUSIVE:
            kernel.undo_exclusive(left, np.uint64(step.lag), left)
        else:
            kernel.add_median(left, np.uint64(step.lag), np.uint64(step.far), left)
    return left


class Sampled:
    """Residuals of many lists of steps at the same places, all of them at least `reach` from the start."""

    def __init__(self, values: Latents, places: NDArray[np.int64]) -> None:
        self._values, self._places = values, places
        self._taken: dict[int, Latents] = {}

    def residuals(self, steps: Steps) -> Latents:
        """What `residuals` has at the places. MEDIAN must be the only step, EXCLUSIVE the last one."""
        dtype = self._values.dtype
        if not steps:
            return self._at(0)
        if steps[0].kind == MEDIAN:
            near, far = steps[0].lag, steps[0].far
            left, above, corner = self._at(near), self._at(far), self._at(near + far)
            guess = left + above - np.clip(corner, np.minimum(left, above), np.maximum(left, above))
            return self._at(0) - guess + _half(dtype)
        if steps[-1].kind == EXCLUSIVE:
            return self._at(0) ^ self._at(steps[-1].lag)
        total = self._at(0)
        for lag, weight in _taps(steps).items():
            if lag:
                total = total + self._at(lag) * dtype.type(weight % (1 << 8 * dtype.itemsize))
        return total + _half(dtype)

    def _at(self, lag: int) -> Latents:
        if lag not in self._taken:
            self._taken[lag] = self._values[self._places - lag]
        return self._taken[lag]


@cache
def _taps(steps: Steps) -> dict[int, int]:
    """lag -> weight of the values that make a residual."""
    taps = {0: 1}
    for step in steps:
        shifted = {lag + step.lag: -weight for lag, weight in taps.items()}
        taps = {lag: taps.get(lag, 0) + shifted.get(lag, 0) for lag in {*taps, *shifted}}
    return taps


def reach(steps: Steps) -> int:
    """How far back the steps look."""
    return sum(step.lag + step.far for step in steps)


def write_steps(out: Writer, steps: Steps) -> None:
    """Append them."""
    out.number(len(steps))
    for step in steps:
        out.number(step.kind)
        out.number(step.lag)
        if step.kind == MEDIAN:
            out.number(step.far)


def read_steps(reader: Reader, n: int) -> Steps:
    """The inverse of `write_steps`, for n values; raises CorruptFile."""
    count = reader.number()
    if count > _MOST_STEPS:
        raise CorruptFile(f"{count} predictors are too many")
    steps = []
    for _ in range(count):
        kind, lag = reader.number(), reader.number()
        far = reader.number() if kind == MEDIAN else 0
        if kind > MEDIAN or not 1 <= lag <= max(n, 1) or (kind == MEDIAN and not 1 <= far <= max(n, 1)):
            raise CorruptFile("a predictor is unknown, or looks too far back")
        steps.append(Step(kind, lag, far))
    return tuple(steps)


def _centred(steps: Steps) -> bool:
    """Whether residuals are around zero, on both sides; those of EXCLUSIVE are from zero on."""
    return bool(steps) and steps[-1].kind != EXCLUSIVE


def _half(dtype: np.dtype[Any]) -> Any:
    return dtype.type(1 << (8 * dtype.itemsize - 1))
