"""Block motion search: for each block of a plane the place in another frame that looks like it."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import helper, kernel

U: Any = np.uint64
S64: Any = np.int64

_STEP_COST, _CHANGE_COST = 16, 128  # of a vector that differs from its neighbours': without these, slow clips get larger


@kernel
def search(plane: np.ndarray, before: np.ndarray, block: int, reach: int, scale: int, vectors: np.ndarray) -> None:
    """Find `vectors` (int8[blocks down, blocks across, 2]: rows, columns), each at most `reach`.

    plane: int32[height, width]; before: the other frame's with `reach` more at each side; differences count times 2**-scale.
    """
    height, width = plane.shape
    for by in range(vectors.shape[0]):
        for bx in range(vectors.shape[1]):
            y, x = by * block, bx * block
            rows, columns = min(block, height - y), min(block, width - x)
            my, mx = _expected(vectors, by, bx)
            best = (_difference(plane, before, y, x, rows, columns, y + reach + my, x + reach + mx, S64(1) << 60)) >> scale
            found_y, found_x = my, mx
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    cost = _STEP_COST * (abs(dy - my) + abs(dx - mx)) + _CHANGE_COST
                    if cost >= best:
                        continue
                    most = (best - cost) << scale
                    total = _difference(plane, before, y, x, rows, columns, y + reach + dy, x + reach + dx, most) >> scale
                    if total + cost < best:
                        best, found_y, found_x = total + cost, dy, dx
            vectors[by, bx, 0], vectors[by, bx, 1] = found_y, found_x


@helper
def _expected(vectors, by, bx):  # type: ignore[no-untyped-def]
    """The median of the vectors to the left, above, and above to the right; the first two are used alone at borders."""
    if by > 0 and bx > 0 and bx + 1 < vectors.shape[1]:
        y = _median(S64(vectors[by, bx - 1, 0]), S64(vectors[by - 1, bx, 0]), S64(vectors[by - 1, bx + 1, 0]))
        x = _median(S64(vectors[by, bx - 1, 1]), S64(vectors[by - 1, bx, 1]), S64(vectors[by - 1, bx + 1, 1]))
        return y, x
    if bx > 0:
        return S64(vectors[by, bx - 1, 0]), S64(vectors[by, bx - 1, 1])
    if by > 0:
        return S64(vectors[by - 1, bx, 0]), S64(vectors[by - 1, bx, 1])
    return S64(0), S64(0)


@helper
def _median(a, b, c):  # type: ignore[no-untyped-def]
    return max(min(a, b), min(max(a, b), c))


@helper
def _difference(plane, before, y, x, rows, columns, other_y, other_x, most):  # type: ignore[no-untyped-def]
    """Sum of absolute differences of a block and one of the other frame; the rest is left out once it exceeds `most`."""
    total = S64(0)
    for i in range(rows):
        line = np.int32(0)
        for j in range(columns):
            line += abs(plane[y + i, x + j] - before[other_y + i, other_x + j])
        total += S64(line)
        if total >= most:
            break
    return total
