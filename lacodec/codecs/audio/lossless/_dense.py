"""Channels without what they do not use: copies of other channels, low bits that are always zero, levels that never occur.

int64[channels, n] --reduce--> a `Dense` per channel, int64[coded channels, n] --expand--> int64[channels, n]
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.fields import Reader, Writer
from lacodec.errors import CorruptFile

_FEW = 8  # samples per level below which a list of levels says more than it saves
_FULL = 0.8  # of the levels in the middle half of all samples: more than this in use is no gap
_MAX_LEVELS = 1 << 22
_BITMAP = 1 << 24  # spans of values up to which a map of those in use is quicker than sorting


@dataclass(frozen=True)
class Dense:
    """How a channel was reduced. copy_of: the channel that it equals. shift: zero bits taken off. levels: how many different
    values there are, 0 where they are all kept; `table` has their differences, `width` bytes each, from `first`."""

    copy_of: int | None = None
    shift: int = 0
    levels: int = 0
    first: int = 0
    width: int = 1
    table: bytes = b""

    @property
    def table_size(self) -> int:
        """Bytes of the table."""
        return max(0, self.levels - 1) * self.width

    def write(self, out: Writer) -> None:
        """All but the table."""
        out.number(self.shift if self.copy_of is None else 64 + self.copy_of)
        if self.copy_of is None:
            out.number(self.levels)
            if self.levels:
                out.signed(self.first)
                out.number(self.width)

    @classmethod
    def read(cls, reader: Reader, channel: int) -> "Dense":
        """The inverse of `write`, for the channel of this number."""
        shift = reader.number()
        if shift >= 64:
            if shift - 64 >= channel:
                raise CorruptFile("a channel copies one that does not precede it")
            return cls(copy_of=shift - 64)
        levels = reader.number()
        if shift > 32 or levels > _MAX_LEVELS:
            raise CorruptFile("invalid channel description")
        if not levels:
            return cls(shift=shift)
        first, width = reader.signed(), reader.number()
        if width not in (1, 2, 4) or abs(first) > 1 << 33:
            raise CorruptFile("invalid channel description")
        return cls(None, shift, levels, first, width)


def reduce(numbers: np.ndarray) -> tuple[list[Dense], np.ndarray]:
    """(how each channel was reduced, the channels that are left)."""
    forms: list[Dense] = []
    rows = []
    for c, row in enumerate(numbers):
        same = next((d for d in range(c) if forms[d].copy_of is None and np.array_equal(numbers[d], row)), None)
        if same is not None:
            forms.append(Dense(copy_of=same))
            continue
        used = int(np.bitwise_or.reduce(row))
        shift = (used & -used).bit_length() - 1 if used else 0
        form, row = _ranked(row >> shift if shift else row, shift)
        forms.append(form)
        rows.append(row)
    return forms, np.stack(rows) if rows else np.zeros((0, numbers.shape[1]), np.int64)


def expand(forms: list[Dense], rows: np.ndarray, table: bytes) -> np.ndarray:
    """The inverse of `reduce`; `table` holds the tables of all channels in order."""
    out: list[np.ndarray] = []
    at, used = 0, 0
    for form in forms:
        if form.copy_of is not None:
            out.append(out[form.copy_of])
            continue
        row = rows[used]
        used += 1
        if form.levels:
            steps = np.frombuffer(table[at : at + form.table_size], f"<u{form.width}").astype(np.int64)
            at += form.table_size
            levels = np.cumsum(np.concatenate([[form.first], steps]))
            if row.size and not (int(row.min()) >= 0 and int(row.max()) < form.levels):
                raise CorruptFile("a sample uses a level that is not listed")
            row = levels[row]
        out.append(row << form.shift)
    return np.stack(out)


def _ranked(row: np.ndarray, shift: int) -> tuple[Dense, np.ndarray]:
    """The row with its values replaced by their ranks, if enough of those between them are never used."""
    plain = Dense(shift=shift)
    n = row.size
    if n < 4096:
        return plain, row
    low, high = int(row.min()), int(row.max())
    if high - low < _BITMAP:
        seen = np.zeros(high - low + 1, np.bool_)
        seen[row - low] = True
        levels = np.flatnonzero(seen) + low
    else:
        levels = np.unique(row)
    some = np.sort(row[:: max(1, n // 4096)])
    middle = some[[some.size // 4, 3 * some.size // 4]]
    span = int(middle[1] - middle[0]) + 1
    inside = int(np.searchsorted(levels, middle[1], "right") - np.searchsorted(levels, middle[0]))
    if len(levels) * _FEW > n or len(levels) < 2 or inside > _FULL * span or len(levels) > _MAX_LEVELS:
        return plain, row
    steps = np.diff(levels)
    width = 1 if steps.max() < 1 << 8 else 2 if steps.max() < 1 << 16 else 4
    table = steps.astype(f"<u{width}").tobytes()
    return Dense(None, shift, len(levels), int(levels[0]), width, table), np.searchsorted(levels, row)
