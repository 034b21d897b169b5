"""Which known points a stencil takes: offsets from the point, in strides of the level along each axis."""

AXES = 4
Offset = tuple[int, int, int, int]


def taps(axes: list[int], wide: list[int], rich: bool) -> list[Offset]:
    """For a class with points between others along `axes`, and with several along `wide`; those in its row come last."""
    found = [step(axis, sign * distance) for axis in axes for distance in (1, 3, 5) for sign in (-1, 1)]
    for k, axis in enumerate(axes):
        for other in axes[k + 1 :]:
            found += _pairs(axis, (1,), other, (1,))
            if rich:
                found += _pairs(axis, (1,), other, (3,)) + _pairs(axis, (3,), other, (1,))
        if len(axes) == 1:
            for other in wide:
                if other != axis:
                    found += _pairs(axis, (1, 3) if rich else (1,), other, (2,))
    found += [step(axis, distance) for axis in wide if axis != AXES - 1 for distance in ((-2, -4) if rich else (-2,))]
    return [*found, step(AXES - 1, -2), step(AXES - 1, -4)]


def step(axis: int, distance: int) -> Offset:
    """An offset along one axis."""
    return tuple(distance if k == axis else 0 for k in range(AXES))  # type: ignore[return-value]


def _pairs(axis: int, distances: tuple[int, ...], other: int, others: tuple[int, ...]) -> list[Offset]:
    """Offsets along two axes, in all directions."""
    return [
        tuple(a * s if k == axis else b * t if k == other else 0 for k in range(AXES))  # type: ignore[misc]
        for a in distances
        for b in others
        for s in (-1, 1)
        for t in (-1, 1)
    ]
