"""How columns of las records become whole numbers for the model, as a payload has it.

head = for each column that the records have, in the order of the model: u8 0, its value if all are equal; or u8 1 and
       returns, classification: how many different values less one, these, u8 each, the most frequent first
       time: u8 power of ten by which all are whole numbers, 255 for the bits; number of steps, these, signed
       z, x, y: unit; base, signed, if the unit is not 1     intensity, colours: unit     others: nothing
"""

from dataclasses import dataclass, field

import numpy as np

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.las import _layout as at
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

PLACED = (at.RETURNS, at.CLASS)
COORDINATES = (at.Z, at.X, at.Y)
MEASURED = (at.INTENSITY, at.RED, at.GREEN, at.BLUE, at.INFRARED)
BITS, POWERS = 255, 10
"""Instead of a power of ten: times are taken as their bits. How many powers there may be."""
_CONSTANT, _CODED = range(2)
_MOST = 1 << 33  # of bases and units


@dataclass
class Head:
    """What is known of each column; a column is in one of `constants`, `places`, `units`, or needs nothing.

    constants: bytes of a value; places: u8, its different values; units: (unit, base); power: of times; steps: of times, i64.
    """

    coded: list[bool] = field(default_factory=lambda: [False] * at.COLUMNS)
    constants: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, np.ndarray] = field(default_factory=dict)
    units: dict[int, tuple[int, int]] = field(default_factory=dict)
    power: int = BITS
    steps: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def write(self, out: Writer, found: Columns) -> None:
        """Write it; found: the columns of the records."""
        for column, _ in columns_of(found):
            if not self.coded[column]:
                out.write(bytes([_CONSTANT]) + self.constants[column])
                continue
            out.write(bytes([_CODED]))
            if column in PLACED:
                out.number(len(self.places[column]) - 1)
                out.write(self.places[column].tobytes())
            elif column == at.TIME:
                out.write(bytes([self.power]))
                out.number(len(self.steps))
                for step in self.steps.tolist():
                    out.signed(step)
            elif column in self.units:
                unit, base = self.units[column]
                out.number(unit)
                if unit != 1 and column in COORDINATES:
                    out.signed(base)

    @classmethod
    def read(cls, reader: Reader, found: Columns) -> "Head":
        """The inverse; raises CorruptFile."""
        head = cls()
        for column, width in columns_of(found):
            how = reader.take(1)[0]
            if how == _CONSTANT:
                head.constants[column] = bytes(reader.take(width))
                continue
            if how != _CODED:
                raise CorruptFile("a column of its records is coded in an unknown way; if a newer lacodec wrote it, update")
            head.coded[column] = True
            if column in PLACED:
                several = reader.number() + 1
                if several > at.PLACES:
                    raise CorruptFile("a column of its records has more values than there are")
                head.places[column] = np.frombuffer(reader.take(several), np.uint8)
            elif column == at.TIME:
                head._read_times(reader)
            elif column in COORDINATES or column in MEASURED:
                unit = reader.number()
                base = reader.signed() if unit != 1 and column in COORDINATES else 0
                if not (0 < unit < _MOST and -_MOST < base < _MOST):
                    raise CorruptFile("a column of its records has an impossible unit")
                head.units[column] = unit, base
        return head

    def _read_times(self, reader: Reader) -> None:
        self.power, several = reader.take(1)[0], reader.number()
        if (self.power >= POWERS and self.power != BITS) or several >= at.MOST_STEPS:
            raise CorruptFile("the times of its records are impossible")
        self.steps = np.array([reader.signed() for _ in range(several)], np.int64)


def columns_of(found: Columns) -> list[tuple[int, int]]:
    """(column of the model, bytes of a value) of those that the records have, in the order of the model."""
    widths = {name: int(kind[2]) for name, kind in zip(found.names, found.types, strict=True)}
    return [(column, widths[name]) for column, name in enumerate(at.NAMES) if name in widths]


def others_of(found: Columns) -> Columns | None:
    """The columns that the model does not code; None if there are none."""
    kept = [i for i, name in enumerate(found.names) if name not in at.NAMES]
    return Columns(tuple(found.names[i] for i in kept), tuple(found.types[i] for i in kept)) if kept else None
