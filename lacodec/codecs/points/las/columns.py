"""Columns of las records <-> whole numbers, i32[COLUMNS, n] and times i64[n], and the head that says how."""

import numpy as np

from lacodec.codecs.points.las import _layout as at
from lacodec.codecs.points.las._steps_kernel import SLOTS, count_steps
from lacodec.codecs.points.las.head import BITS, COORDINATES, MEASURED, PLACED, POWERS, Head, columns_of
from lacodec.codecs.points.numbers import fill, native
from lacodec.media.points.value import Columns

_LARGEST = 2.0**53  # of times as whole numbers
_MOST_STEP = 1 << 62
_FEW = 64  # records that are looked at first
_LEAST = 3  # times that a step comes to get a number


def shrink(records: np.ndarray, found: Columns) -> tuple[Head, np.ndarray, np.ndarray]:
    """The head, the whole numbers and the times of at least one record."""
    head, values, times = Head(), np.zeros((at.COLUMNS, len(records)), np.int32), np.zeros(len(records), np.int64)
    for column, width in columns_of(found):
        numbers = native(records[at.NAMES[column]])
        bits = numbers.view(f"<u{width}")
        if (bits == bits[0]).all():
            head.constants[column] = numbers[:1].tobytes()
            continue
        head.coded[column] = True
        if column in PLACED:
            head.places[column], values[column] = _places(numbers)
        elif column == at.TIME:
            head.power, times = _times(numbers)
            head.steps = _steps(times)
        elif column in COORDINATES:
            base = int(numbers[0])
            unit = _unit(numbers.astype(np.int64) - base)
            head.units[column] = (unit, base) if unit > 1 else (1, 0)
            values[column] = numbers if unit == 1 else (numbers.astype(np.int64) - base) // unit
        elif column in MEASURED:
            unit = _unit(numbers)
            head.units[column], values[column] = (unit, 0), numbers if unit == 1 else numbers // unit
        else:
            values[column] = numbers
    return head, values, times


def grow(head: Head, values: np.ndarray, times: np.ndarray, found: Columns, out: np.ndarray) -> None:
    """Fill the columns of structured records."""
    for column, width in columns_of(found):
        place = out[at.NAMES[column]]
        if not head.coded[column]:
            fill(place, np.broadcast_to(np.frombuffer(head.constants[column], f"<u{width}"), place.shape))
            continue
        numbers = values[column]
        if column in PLACED:
            all_of_them = np.zeros(at.PLACES, np.uint8)
            all_of_them[: len(head.places[column])] = head.places[column]
            place[...] = all_of_them[numbers]
        elif column == at.TIME:
            fill(place, times.view(np.float64) if head.power == BITS else _seconds(times, head.power))
        elif column in head.units and head.units[column] != (1, 0):
            unit, base = head.units[column]
            place[...] = base + unit * numbers.astype(np.int64)  # modulo the type, as below
        else:
            place[...] = numbers


def _places(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(different values, the most frequent first; the place of each value among them)."""
    counts = np.bincount(numbers, minlength=at.PLACES)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].astype(np.uint8)
    places = np.zeros(at.PLACES, np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return order, places[numbers]


def _unit(numbers: np.ndarray) -> int:
    """The largest number that divides all of them, which are not all 0."""
    unit = int(np.gcd.reduce(numbers[:_FEW]))
    if unit == 1 or (unit and not (numbers % unit).any()):
        return unit
    return int(np.gcd.reduce(numbers))


def _times(numbers: np.ndarray) -> tuple[int, np.ndarray]:
    """(power, times as whole numbers): decimal ones, or their bits."""
    few = (power for power in range(POWERS) if _decimal(numbers[:_FEW], power) is not None)
    power = next(few, BITS)
    times = None if power == BITS else _decimal(numbers, power)
    return (BITS, numbers.view(np.int64)) if times is None else (power, times)


def _decimal(times: np.ndarray, power: int) -> np.ndarray | None:
    """i64[n]: times in units of 10**-power; None if they are not exactly that."""
    with np.errstate(all="ignore"):
        whole = np.rint(times * 10.0**power)
        if not (np.abs(whole) < _LARGEST).all():
            return None
    found = whole.astype(np.int64)
    return found if (_seconds(found, power).view(np.int64) == times.view(np.int64)).all() else None


def _seconds(whole: np.ndarray, power: int) -> np.ndarray:
    return np.asarray(whole.astype(np.float64) / 10.0**power)


def _steps(times: np.ndarray) -> np.ndarray:
    """The steps of time that get numbers, the most frequent first."""
    keys, counts = np.zeros(SLOTS, np.int64), np.zeros(SLOTS, np.int64)
    count_steps(times, keys, counts)
    slots = np.flatnonzero((counts >= _LEAST) & (keys > -_MOST_STEP) & (keys < _MOST_STEP))
    return keys[slots[np.lexsort((keys[slots], -counts[slots]))]][: at.MOST_STEPS - 1]
