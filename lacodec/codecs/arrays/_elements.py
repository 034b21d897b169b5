"""An element of an array as columns of numbers: the fields of records, the parts of complex numbers, the characters of strings.

dtype --element_of--> Element --column_view--> for each column an array over the bytes of a block, to read from or to fill

Columns cover every byte of an element once, padding included, so that any bits come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from lacodec.errors import CorruptFile

TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
"""Types of columns; payloads name them by their positions here."""
MAX_COLUMNS = 1 << 12
MAX_AXES = 8
"""Axes of an array within an element: subarrays in records in subarrays, and characters of strings."""

_LONG = ((0, "u8"), (8, "u2"), (10, "u2"), (12, "u4"))  # a long double of 80 bits: mantissa, exponent, padding


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers at one place of each element: at `offset`, and from there along `axes`, (count, bytes between two) each.

    kind: one of TYPES; swapped: big-endian.
    """

    offset: int
    kind: str
    swapped: bool = False
    axes: tuple[tuple[int, int], ...] = ()

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return int(self.kind[1])

    @property
    def counts(self) -> tuple[int, ...]:
        """How many numbers on each axis."""
        return tuple(count for count, _ in self.axes)

    @property
    def size(self) -> int:
        """Bytes of its numbers in one element."""
        return self.width * prod(self.counts)


@dataclass(frozen=True, slots=True)
class Element:
    """`size` bytes in columns."""

    size: int
    columns: tuple[Column, ...]

    def check(self) -> None:
        """Raise CorruptFile unless columns stay inside and are as large together as the element."""
        for column in self.columns:
            if column.offset + column.width + sum((count - 1) * step for count, step in column.axes) > self.size:
                raise CorruptFile("a column lies outside of its elements")
        if sum(column.size for column in self.columns) != self.size:
            raise CorruptFile("the columns do not cover their elements")


@lru_cache(maxsize=256)
def element_of(dtype: np.dtype[Any]) -> Element:
    """The columns of a type; of one with too many of them, or fields that overlap, a column of bytes."""
    try:
        columns = tuple(_columns(dtype, Column(0, "u1")))
        if len(columns) <= MAX_COLUMNS and all(len(column.axes) <= MAX_AXES for column in columns):
            return Element(dtype.itemsize, columns)
    except _OverlapError:
        pass
    return Element(dtype.itemsize, tuple(_bytes(Column(0, "u1"), dtype.itemsize)))


def column_view(data: Any, offset: int, shape: tuple[int, ...], size: int, column: Column) -> np.ndarray:
    """The numbers of a column, as unsigned integers[*shape, *counts], in elements of `size` bytes from `offset` in `data` on."""
    steps = [size * prod(shape[i + 1 :]) for i in range(len(shape))] + [step for _, step in column.axes]
    order = ">" if column.swapped else "<"
    return np.ndarray((*shape, *column.counts), f"{order}u{column.width}", data, offset + column.offset, steps)


class _OverlapError(Exception):
    """Fields of a record share bytes."""


def _columns(dtype: np.dtype[Any], at: Column) -> Iterator[Column]:
    """Those of a type whose elements begin where `at` is."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        steps = tuple((n, base.itemsize * prod(shape[i + 1 :])) for i, n in enumerate(shape))
        if prod(shape):
            yield from _columns(base, replace(at, axes=at.axes + tuple(item for item in steps if item[0] > 1)))
    elif dtype.fields is not None:
        yield from _fields(dtype, at)
    elif dtype.kind in "SV" or not dtype.itemsize:
        yield from _bytes(at, dtype.itemsize)
    else:
        swapped = dtype.str[0] == ">" and dtype.kind != "b"
        for offset, kind, count in _numbers(dtype):
            axes = at.axes + (((count, int(kind[1])),) if count > 1 else ())
            yield Column(at.offset + offset, kind, swapped and kind != "u1", axes)


def _numbers(dtype: np.dtype[Any]) -> list[tuple[int, str, int]]:
    """(offset, type, count) of the numbers in an element of one of numpy's types without fields."""
    kind, size = dtype.kind, dtype.itemsize
    if kind in "mM":
        return [(0, "i8", 1)]
    if kind == "U":
        return [(0, "u4", size // 4)]
    if kind in "bui" or (kind == "f" and size <= 8):
        return [(0, f"{'u' if kind == 'b' else kind}{size}", 1)]
    if kind == "c" and size <= 16:
        return [(0, f"f{size // 2}", 1), (size // 2, f"f{size // 2}", 1)]
    if kind in "fc" and size % 16 == 0 and dtype.str[0] != ">":
        return [(at + place, number, 1) for at in range(0, size, 16) for place, number in _LONG]
    return [(0, "u1", size)]


def _fields(dtype: np.dtype[Any], at: Column) -> Iterator[Column]:
    end = 0
    for place, field in _in_order(dtype):
        if place < end:
            raise _OverlapError
        yield from _bytes(replace(at, offset=at.offset + end), place - end)
        yield from _columns(field, replace(at, offset=at.offset + place))
        end = place + field.itemsize
    yield from _bytes(replace(at, offset=at.offset + end), dtype.itemsize - end)


def _in_order(dtype: np.dtype[Any]) -> list[tuple[int, np.dtype[Any]]]:
    """(offset, type) of the fields, by offset; names that are titles come only once."""
    fields: Any = dtype.fields or {}
    found = [(fields[name][1], fields[name][0]) for name in dtype.names or ()]
    return sorted(found, key=lambda item: (item[0], item[1].itemsize))


def _bytes(at: Column, count: int) -> Iterator[Column]:
    """A column of bytes; none for no bytes."""
    if count:
        yield replace(at, kind="u1", swapped=False, axes=at.axes + (((count, 1),) if count > 1 else ()))
