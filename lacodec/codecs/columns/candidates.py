"""Which predictors are tried for arrays of a shape."""

from functools import cache
from itertools import combinations

from lacodec.codecs.columns.predict import EXCLUSIVE, MEDIAN, SUBTRACT, Step, Steps

_SIMPLE = 3  # the first candidates: those of efforts that try few
_MOST_AXES = 4
_PERIODS = (2, 3, 4, 6, 8)


@cache
def candidates(shape: tuple[int, ...], simple: bool) -> tuple[Steps, ...]:
    """Lists of steps, the cheapest first."""
    lags = _lags(shape)
    found: list[Steps] = [(), *((Step(SUBTRACT, lag),) for lag in lags)]
    if simple:
        return tuple(found[:_SIMPLE])
    found += [(Step(SUBTRACT, lag), Step(SUBTRACT, lag)) for lag in lags]
    found += [(Step(SUBTRACT, far), Step(SUBTRACT, near)) for near, far in combinations(lags, 2)]
    found += [(Step(MEDIAN, near, far),) for near, far in combinations(lags, 2)]
    found += [(Step(EXCLUSIVE, lag),) for lag in lags[:1]]
    found += [tuple(Step(SUBTRACT, lag) for lag in reversed(three)) for three in combinations(lags, 3)]
    if len(lags) == 1:
        found += [(Step(SUBTRACT, 1),) * 3, *((Step(SUBTRACT, lag),) for lag in _PERIODS)]
    return tuple(found)


@cache
def signless(shape: tuple[int, ...]) -> tuple[Steps, ...]:
    """For the bits of floats, sign first: rows that are multiples of each other differ by a constant, whatever their signs."""
    lags = _lags(shape)
    found: list[Steps] = [(Step(EXCLUSIVE, lag),) for lag in lags]
    found += [(Step(SUBTRACT, far), Step(SUBTRACT, near)) for near, far in combinations(lags, 2)]
    found += [(Step(MEDIAN, near, far),) for near, far in combinations(lags, 2)]
    return tuple(found)


def _lags(shape: tuple[int, ...]) -> list[int]:
    """Distances between neighbours on each axis, the nearest first."""
    lags, stride = [], 1
    for size in reversed(shape):
        if size > 1:
            lags.append(stride)
        stride *= size
    return lags[:_MOST_AXES] or [1]
