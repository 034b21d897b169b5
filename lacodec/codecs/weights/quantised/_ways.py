"""How each tensor of a file is quantised at scale 1: steps, exponents of columns or a rotation, or what a text tells."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised._allocate import steps_of
from lacodec.codecs.weights.quantised._calibration import Calibration
from lacodec.codecs.weights.quantised._chunk import Quantising
from lacodec.codecs.weights.quantised._columns import column_exponents
from lacodec.codecs.weights.quantised._names import of_words
from lacodec.codecs.weights.quantised._pieces import MATRICES, columns_of
from lacodec.codecs.weights.quantised._rotation import pays
from lacodec.codecs.weights.quantised._subjects import Subject, Subjects
from lacodec.io.threads import ordered_map

_AT_ONCE = 1 << 20  # values
_ROTATED_SAMPLE = 1 << 16  # values of a tensor that tell whether rotation pays
_LONGEST_NORM = 1 << 20  # values


def ways_of(subjects: Subjects, threads: int, calibration: Calibration | None) -> list[Quantising]:
    """Of each tensor; step 0 for what is kept as it is."""
    names = [item.entry.name for item in subjects.items]
    squares = list(ordered_map(partial(_squares, subjects), iter(subjects.items), threads))
    roots = [
        0.0 if square is None or not columns_of(item.entry) else float(np.sqrt(square.mean()))
        for square, item in zip(squares, subjects.items, strict=True)
    ]
    steps = steps_of(names, roots)
    told = calibration.tensors if calibration else {}
    if calibration:
        steps = calibration.steps(steps)
    columns = column_exponents(names, squares)
    ways = []
    turns = ordered_map(
        lambda number: 0 if columns[number] is not None or number in told else _rotation(subjects, number, roots[number]),
        iter(range(len(names))),
        threads,
    )
    for number, turn in enumerate(turns):
        ways.append(Quantising(steps[number], turn, of_words(names[number]), columns[number], told.get(number)))
    return ways


def _squares(subjects: Subjects, item: Subject) -> NDArray[np.float64] | None:
    """f64[columns], mean squares of the columns of a matrix or squares of a vector.

    None for what has nothing but zeros or is not finite, and for other tensors.
    """
    columns = columns_of(item.entry)
    count = int(np.prod(item.entry.shape, dtype=np.int64))
    if not columns:
        if len(item.entry.shape) != 1 or not 0 < count <= _LONGEST_NORM or item.entry.dtype not in MATRICES:
            return None
        columns = count
    total, rows = np.zeros(columns), max(1, _AT_ONCE // columns)
    with np.errstate(all="ignore"):
        for at in range(0, count, rows * columns):
            values = item.read(subjects.source, at, min(count - at, rows * columns)).reshape(-1, columns)
            total += np.square(values, dtype=np.float64).sum(0)
        mean = total * (columns / count)
        root = float(np.sqrt(mean.mean()))
    return mean if 1e-30 < root < 1e30 else None


def _rotation(subjects: Subjects, number: int, root: float) -> int:
    """log2 of the columns of a tensor that are rotated together."""
    item = subjects.items[number]
    columns = columns_of(item.entry)
    rows = max(1, min(item.entry.shape[0], _ROTATED_SAMPLE // max(1, columns))) if columns else 0
    if not root or rows * columns > 16 * _ROTATED_SAMPLE:
        return 0
    first = (item.entry.shape[0] - rows) // 2 * columns
    sample = item.read(subjects.source, first, rows * columns).reshape(rows, columns)
    return pays(sample / np.float32(root))
