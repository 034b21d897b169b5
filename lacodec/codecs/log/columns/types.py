"""Types of columns: how the values of a slot are spelled. The head of a payload has one for each column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns import _tokens_kernel as tk
from lacodec.codecs.log.columns import _values_kernel as vk
from lacodec.codecs.pieces import Reader, Writer
from lacodec.errors import CorruptFile

TEXT, DISTINCT, PLAIN, PADDED, FIXED, CLOCK, ADDRESS, NIBBLES, DASHED, NAMED = range(10)
"""Lines of text; different texts and the place of each value among them; a number; one with zeros up to a width; one with so many
places; a time of day; an IPv4 address; hexadecimal digits; a UUID; a month or a day of the week."""
TYPES = 10

MARK, NAMES = tk.MARK, tk.NAMES
"""The byte that is a slot in a template; months and days, three letters each."""

MOST_DIGITS = 64  # of `NIBBLES`, in a value
_WIDEST = 18


@dataclass(frozen=True)
class Type:
    """code: one of the above. first: width, places or digits; second: the separator of a fraction, or 1 for upper-case digits."""

    code: int
    first: int = 0
    second: int = 0

    def write(self, out: Writer) -> None:
        """The type in a head."""
        out.write(bytes([self.code, *(self.first, self.second)[: _PARAMETERS[self.code]]]))

    @property
    def packed(self) -> int:
        """Bytes of each value, if they are kept as hexadecimal digits, two in a byte; else 0."""
        return self.first // 2 if self.code == NIBBLES else 16 if self.code == DASHED else 0


_PARAMETERS = (0, 0, 0, 1, 1, 2, 0, 2, 2, 0)


def read_type(reader: Reader) -> Type:
    """The inverse of `Type.write`; raises CorruptFile."""
    code = reader.take(1)[0]
    if code >= TYPES:
        raise CorruptFile(f"a column has the unknown type {code}")
    found = Type(code, *reader.take(_PARAMETERS[code]))
    valid = {
        PADDED: 1 <= found.first <= _WIDEST,
        FIXED: 1 <= found.first <= _WIDEST,
        CLOCK: found.first <= 9 and found.second in ((44, 46) if found.first else (0,)),
        NIBBLES: found.first % 2 == 0 and 2 <= found.first <= MOST_DIGITS and found.second <= 1,
        DASHED: found.first == 36 and found.second <= 1,
    }
    if not valid.get(code, True):
        raise CorruptFile("a column has an impossible type")
    return found


def width_for(most: int) -> str:
    """The type of the array that holds numbers up to `most`."""
    return "<u1" if most < 1 << 8 else "<u2" if most < 1 << 16 else "<u4" if most < 1 << 32 else "<u8"


def type_of(data: NDArray[np.uint8], begins: NDArray[np.int32], ends: NDArray[np.int32], kind: int) -> Type:
    """The type that spells all these texts of one kind of token; TEXT if there is none."""
    if kind < tk.NUMERIC:
        return Type(TEXT)
    width, places, separator, padded, lower, upper = (int(x) for x in vk.measure(data, begins, ends))
    if kind == tk.NAME:
        return Type(NAMED)
    if kind == tk.IP:
        return Type(ADDRESS)
    if kind == tk.NUMBER:
        return Type(PLAIN) if not padded else Type(PADDED, width) if width > 0 else Type(TEXT)
    if kind == tk.DECIMAL:
        return Type(FIXED, places) if places > 0 and not padded else Type(TEXT)
    if kind == tk.TIME:
        return Type(CLOCK, places, separator) if places >= 0 and separator >= 0 else Type(TEXT)
    if (lower and upper) or width < 2 or width % 2 or width > MOST_DIGITS:
        return Type(TEXT)
    return Type(DASHED if kind == tk.UUID else NIBBLES, width, int(upper))
