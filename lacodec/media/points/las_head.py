"""The header of las and laz files, versions 1.0 to 1.4.

The record formats are those of the ASPRS LAS specification 1.4-R15.
"""

from dataclasses import dataclass

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.value import MOST_COLUMNS, MOST_POINTS, Columns

_POSITION = (("x", "<i4"), ("y", "<i4"), ("z", "<i4"), ("intensity", "<u2"))
_OLD = (
    *_POSITION,
    ("returns", "|u1"),
    ("classification", "|u1"),
    ("scan_angle", "|i1"),
    ("user_data", "|u1"),
    ("point_source_id", "<u2"),
)
_NEW = (
    *_POSITION,
    ("returns", "|u1"),
    ("flags", "|u1"),
    ("classification", "|u1"),
    ("user_data", "|u1"),
    ("scan_angle", "<i2"),
    ("point_source_id", "<u2"),
    ("time", "<f8"),
)
_TIME = (("time", "<f8"),)
_COLOUR = (("red", "<u2"), ("green", "<u2"), ("blue", "<u2"))
_WAVE = (
    ("wave_descriptor", "|u1"),
    ("wave_offset", "<u8"),
    ("wave_size", "<u4"),
    ("wave_place", "<f4"),
    ("wave_x", "<f4"),
    ("wave_y", "<f4"),
    ("wave_z", "<f4"),
)
_FORMATS = (
    _OLD,
    _OLD + _TIME,
    _OLD + _COLOUR,
    _OLD + _TIME + _COLOUR,
    _OLD + _TIME + _WAVE,
    _OLD + _TIME + _COLOUR + _WAVE,
    _NEW,
    _NEW + _COLOUR,
    (*_NEW, *_COLOUR, ("infrared", "<u2")),
    _NEW + _WAVE,
    (*_NEW, *_COLOUR, ("infrared", "<u2"), *_WAVE),
)
_HEAD = 227  # bytes of the oldest header
_LONG_HEAD = 375  # from version 1.4 on
_BEHIND = ((227, 3), (235, 4))  # offsets of waveforms and of records behind the points, from these versions on


PACKED = 128
"""Bit in the point format of files with packed points."""


@dataclass(frozen=True)
class Head:
    """What a header says. offset: of the points; places: of numbers in it that are offsets behind the points, u64 each."""

    offset: int
    columns: Columns
    count: int
    packed: bool
    places: tuple[int, ...]


def sniff(head: bytes) -> bool:
    """Whether a file begins like a las or laz file."""
    return head.startswith(b"LASF") and len(head) > 104 and head[104] & ~PACKED < len(_FORMATS)


def read_head(source: Source) -> Head:
    """The header; raises UnsupportedFile."""
    head = source.read(0, _LONG_HEAD)
    if len(head) < _HEAD or not sniff(head):
        raise UnsupportedFile(f"{source.name}: not a las file of a known point format")
    offset, size = int.from_bytes(head[96:100], "little"), int.from_bytes(head[105:107], "little")
    count = int.from_bytes(head[107:111], "little")
    if head[25] >= 4 and len(head) == _LONG_HEAD:
        count = int.from_bytes(head[247:255], "little") or count
    columns = columns_of(head[104] & ~PACKED, size)
    if columns is None:
        raise UnsupportedFile(f"{source.name}: records of {size} bytes do not fit point format {head[104] & ~PACKED}")
    if offset < _HEAD or count >= MOST_POINTS or offset > (source.size or 0):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    places = [place for place, version in _BEHIND if head[25] >= version and len(head) >= place + 8]
    return Head(offset, columns, count, bool(head[104] & PACKED), tuple(places))


def columns_of(point_format: int, size: int) -> Columns | None:
    """The columns of records of a format that have `size` bytes: its own, then extra bytes; None if there are none."""
    fields = list(_FORMATS[point_format]) if 0 <= point_format < len(_FORMATS) else []
    extra = size - sum(int(kind[2]) for _, kind in fields)
    if not fields or not 0 <= extra <= MOST_COLUMNS - len(fields):
        return None
    names, kinds = zip(*fields, *((f"extra{i}", "|u1") for i in range(extra)), strict=True)
    return Columns(names, kinds)


def format_of(columns: Columns) -> int | None:
    """The point format that has these columns, and extra bytes behind them if there are more; None if none has."""
    return next((i for i in range(len(_FORMATS)) if columns_of(i, columns.size) == columns), None)
