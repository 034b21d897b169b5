"""PNG's row filters, undone and chosen: kernels over blocks of rows."""

from typing import Any

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64


@inlined
def _paeth(a: int, b: int, c: int) -> int:
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    if pa <= pb and pa <= pc:
        return a
    return b if pb <= pc else c


@inlined
def _guess(kind: int, a: int, b: int, c: int) -> int:
    """The prediction of filter `kind` from left, upper and upper left byte."""
    if kind == 1:
        return a
    if kind == 2:
        return b
    if kind == 3:
        return (a + b) >> 1
    if kind == 4:
        return _paeth(a, b, c)
    return S64(0)


@flat_kernel
def unfilter(rows: np.ndarray, above: np.ndarray, step: int) -> bool:
    """Undo the filters of uint8[n, 1 + size] in place; `above` is the row before the first. False for an unknown filter."""
    size = U(above.size)
    shift = U(step)
    for y in range(U(rows.shape[0])):
        kind = S64(rows[y, U(0)])
        if kind > 4:
            return False
        for i in range(size):
            b = S64(rows[y - U(1), i + U(1)]) if y > 0 else S64(above[i])
            a, c = S64(0), S64(0)
            if i >= shift:
                a = S64(rows[y, i + U(1) - shift])
                c = S64(rows[y - U(1), i + U(1) - shift]) if y > 0 else S64(above[i - shift])
            rows[y, i + U(1)] = np.uint8(S64(rows[y, i + U(1)]) + _guess(kind, a, b, c))
    return True


@flat_kernel
def choose_filters(rows: np.ndarray, above: np.ndarray, step: int, plain: bool, out: np.ndarray) -> None:
    """Filter uint8[n, size] into uint8[n, 1 + size], each row by the filter with the smallest sum; not at all if `plain`."""
    size = U(above.size)
    shift = U(step)
    for y in range(U(rows.shape[0])):
        best, least = S64(0), S64(1) << 62
        for kind in range(5):
            total = S64(0)
            for i in range(size):
                v = S64(np.int8(_filtered(rows, above, y, i, shift, kind)))
                total += abs(v)
            if total < least:
                best, least = S64(kind), total
            if plain:
                break
        out[y, U(0)] = np.uint8(best)
        for i in range(size):
            out[y, i + U(1)] = _filtered(rows, above, y, i, shift, best)


@inlined
def _filtered(rows: np.ndarray, above: np.ndarray, y: int, i: int, shift: int, kind: int) -> np.uint8:
    b = S64(rows[y - U(1), i]) if y > 0 else S64(above[i])
    a, c = S64(0), S64(0)
    if i >= shift:
        a = S64(rows[y, i - shift])
        c = S64(rows[y - U(1), i - shift]) if y > 0 else S64(above[i - shift])
    return np.uint8(S64(rows[y, i]) - _guess(kind, a, b, c))
