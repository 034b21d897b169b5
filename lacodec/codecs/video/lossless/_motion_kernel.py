"""Block motion search: for each block of a plane the place in another frame that looks like it."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import helper, kernel

U: Any = np.uint64
S64: Any = np.int64

_AROUND = ((0, -1), (-1, 0), (0, 1), (1, 0))
_STEP_COST, _CHANGE_COST = 16, 128  # of a vector that differs from its neighbours': without these, slow clips get larger


@kernel
def search(
    plane: np.ndarray, before: np.ndarray, block: int, reach: int, scale: int, known: np.ndarray, vectors: np.ndarray
) -> None:
    """Find `vectors` (int8[blocks down, blocks across, 2]: rows, columns), each at most `reach`, around what others suggest.

    plane: int32[height, width]; before: the other frame's with `reach` more at each side; differences count times 2**-scale;
    known: the vectors of another frame. Looking everywhere takes ten times as long and makes files larger.
    """
    height, width = plane.shape
    for by in range(vectors.shape[0]):
        for bx in range(vectors.shape[1]):
            y, x = by * block, bx * block
            rows, columns = min(block, height - y), min(block, width - x)
            my, mx = _expected(vectors, by, bx)
            best = (_difference(plane, before, y, x, rows, columns, y + reach + my, x + reach + mx, S64(1) << 60)) >> scale
            found_y, found_x = my, mx
            moved, step = True, 0
            while moved:
                moved = False
                centre_y, centre_x = found_y, found_x
                for k in range(4):
                    if step == 0:
                        dy, dx = _suggested(vectors, known, by, bx, k)
                    else:
                        dy, dx = centre_y + _AROUND[k][0], centre_x + _AROUND[k][1]
                    cost = _STEP_COST * (abs(dy - my) + abs(dx - mx)) + _CHANGE_COST
                    if cost >= best or abs(dy) > reach or abs(dx) > reach:
                        continue
                    most = (best - cost) << scale
                    total = _difference(plane, before, y, x, rows, columns, y + reach + dy, x + reach + dx, most) >> scale
                    if total + cost < best:
                        best, found_y, found_x, moved = total + cost, dy, dx, True
                if step == 0:
                    moved, step = True, 1
            vectors[by, bx, 0], vectors[by, bx, 1] = found_y, found_x


@helper
def _suggested(vectors, known, by, bx, k):  # type: ignore[no-untyped-def]
    """The k-th of four vectors that may fit: none, that of the block in another frame, those to the left and above."""
    if k == 1:
        return S64(known[by, bx, 0]), S64(known[by, bx, 1])
    if k == 2 and bx > 0:
        return S64(vectors[by, bx - 1, 0]), S64(vectors[by, bx - 1, 1])
    if k == 3 and by > 0:
        return S64(vectors[by - 1, bx, 0]), S64(vectors[by - 1, bx, 1])
    return S64(0), S64(0)


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
