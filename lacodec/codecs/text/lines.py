"""Line ends: CR LF becomes LF where nearly all lines end so, with the places of the others.

coded = number of exceptions, then distances between them: LFs without a CR by their number among all LFs
"""

import numpy as np

from lacodec.errors import CorruptFile

CR, LF = 13, 10
_LEAST_SHARE = 16  # one exception in so many lines still pays


def split_ends(data: np.ndarray) -> tuple[np.ndarray, list[int]] | None:
    """(the block without the CR of each CR LF, the numbers of LFs without one), or None where that does not pay."""
    ends = np.flatnonzero(data == LF)
    if ends.size == 0:
        return None
    with_return = (ends > 0) & (data[ends - 1] == CR)
    bare = np.flatnonzero(~with_return)
    if bare.size * _LEAST_SHARE > ends.size:
        return None
    keep = np.ones(data.size, bool)
    keep[ends[with_return] - 1] = False
    return data[keep], bare.tolist()


def join_ends(data: np.ndarray, bare: list[int], size: int) -> np.ndarray:
    """The block of `size` bytes; raises `CorruptFile` if it would have another size."""
    ends = np.flatnonzero(data == LF)
    if data.size + ends.size - len(bare) != size or (bare and bare[-1] >= ends.size):
        raise CorruptFile("its line ends contradict its size")
    ends = np.delete(ends, bare)
    return np.insert(data, ends, CR).astype(np.uint8)
