"""How fine each tensor is quantised: its own step times one scale for all, which is bisected until the file has its size.

Every tensor has the same error relative to its mean square, whatever its scale: a layer's output suffers from that. With these
weights the steps are those of one Lagrangian, since the price of a bit is a fixed share of the squared step.
"""

from collections.abc import Callable

from lacodec.errors import BadInput

_CLOSE = 0.0015  # relative distance from the wanted size at which the search ends
_TRIES = 10
_LOWEST, _HIGHEST = -9.0, 6.0  # log2 of the scale


def scale_for(wanted: int, size_at: Callable[[float], int], guess_at: Callable[[float], int]) -> float:
    """log2 of the scale for a file of `wanted` bytes; raises BadInput if none comes close enough.

    size_at: bytes of the file; guess_at: an estimate of that by a part of the tensors, which may be off by a constant factor.
    """
    low, high = _LOWEST, _HIGHEST
    for _ in range(9):  # a scale that is nearly right
        middle = (low + high) / 2
        low, high = (middle, high) if guess_at(middle) > wanted else (low, middle)
    known: list[tuple[float, int]] = []
    at = (low + high) / 2
    for _ in range(_TRIES):
        size = size_at(at)
        known.append((at, size))
        if abs(size - wanted) <= _CLOSE * wanted:
            return at
        at = _next(known, wanted)
        if not _LOWEST <= at <= _HIGHEST:
            break
    best, size = min(known, key=lambda item: abs(item[1] - wanted))
    if abs(size - wanted) > 0.005 * wanted:
        raise BadInput(f"no quantisation gives a file of {wanted} bytes; the nearest found has {size}")
    return best


def _next(known: list[tuple[float, int]], wanted: int) -> float:
    """By the line through the nearest known scales; at first as if a doubled step saved a bit of three."""
    at, size = known[-1]
    above = [item for item in known if item[1] > wanted]
    below = [item for item in known if item[1] <= wanted]
    if above and below:
        (x, y), (u, v) = min(above, key=lambda item: item[1]), max(below, key=lambda item: item[1])
        return x + (u - x) * (y - wanted) / max(1, y - v)
    return at + 3.0 * (size / wanted - 1.0)
