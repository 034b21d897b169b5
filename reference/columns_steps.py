"""Predictors of columns: steps (kind, lag, far), undone in reverse. Numbers wrap at their width.

0 SUBTRACT  value + out[i - lag]    1 EXCLUSIVE  value ^ out[i - lag]    2 MEDIAN  value + median of JPEG-LS at `lag` and `far`
Before the lag, the neighbour is the value just before; of MEDIAN, `far` if there is one, else `lag`, else the value just before.
After steps whose last is not EXCLUSIVE, residuals have half their range added.
"""

from reference.stream import need

SUBTRACT, EXCLUSIVE, MEDIAN = range(3)


def restored(residuals: list[int], steps: list[tuple[int, int, int]], width: int) -> list[int]:
    """The values of which these are the residuals."""
    values, size = residuals, 1 << width
    if steps and steps[-1][0] != EXCLUSIVE:
        values = [(value - size // 2) % size for value in values]
    for kind, lag, far in reversed(steps):
        need(
            kind <= MEDIAN and 1 <= lag <= len(values) and (kind != MEDIAN or 1 <= far <= len(values)), "an impossible predictor"
        )
        out: list[int] = []
        for i, value in enumerate(values):
            if i == 0:
                out.append(value)
            elif kind == MEDIAN:
                out.append((value + _guess(out, i, lag, far)) % size)
            else:
                last = out[i - (lag if i >= lag else 1)]
                out.append(value ^ last if kind == EXCLUSIVE else (value + last) % size)
        values = out
    return values


def _guess(out: list[int], i: int, lag: int, far: int) -> int:
    if i < lag + far:
        return out[i - (far if i >= far else lag if i >= lag else 1)]
    left, above, corner = out[i - lag], out[i - far], out[i - lag - far]
    return left + above - min(max(corner, min(left, above)), max(left, above))
