"""Kernel that turns a matrix, tile by tile."""

import numpy as np

from lacodec.kernels.jit import kernel

_U = np.uint64
_TILE = _U(32)  # elements a side


@kernel
def turn(matrix, out):  # type: ignore[no-untyped-def]
    """out[j, i] = matrix[i, j]: unsigned integers [rows, columns].

    The innermost loop follows the array with the longer rows, since their starts share few places of a cache.
    """
    rows, columns = _U(matrix.shape[0]), _U(matrix.shape[1])
    for first in range(_U(0), rows, _TILE):
        last = min(first + _TILE, rows)
        for begin in range(_U(0), columns, _TILE):
            end = min(begin + _TILE, columns)
            if columns > rows:
                for i in range(first, last):
                    for j in range(begin, end):
                        out[j, i] = matrix[i, j]
            else:
                for j in range(begin, end):
                    for i in range(first, last):
                        out[j, i] = matrix[i, j]
