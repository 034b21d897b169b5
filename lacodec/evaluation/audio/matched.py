"""Two codecs at equal bytes: the setting of one with the largest file that is not larger than the other's."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from lacodec.errors import BadInput

T = TypeVar("T")


def largest_within(encode: Callable[[T], bytes], values: Sequence[T], size: int) -> tuple[T, bytes]:
    """(the value, its file) with at most `size` bytes, by bisection over `values`, whose files grow.

    Raises BadInput when already the first is larger. Where files do not quite grow, the result still fits.
    """
    low, high = 0, len(values) - 1
    best = values[0], encode(values[0])
    if len(best[1]) > size:
        raise BadInput(f"the smallest file has {len(best[1])} bytes, more than {size}")
    while low < high:
        middle = (low + high + 1) // 2
        data = encode(values[middle])
        if len(data) <= size:
            low, best = middle, (values[middle], data)
        else:
            high = middle - 1
    return best
