"""The text header of pcd files."""

from dataclasses import dataclass

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.value import MOST_COLUMNS, MOST_POINTS, Columns

MOST_HEAD = 1 << 16
_KEYS = ("FIELDS", "SIZE", "TYPE", "COUNT")
_KINDS = {"F": "f", "I": "i", "U": "u"}


@dataclass(frozen=True)
class Head:
    """What a header says. size: its bytes; data: how its points are stored; widths: bytes of each field; rows: HEIGHT."""

    size: int
    data: str
    columns: Columns
    widths: tuple[int, ...]
    count: int
    rows: int


def read_head(source: Source) -> Head:
    """The header; raises UnsupportedFile."""
    text = source.read(0, MOST_HEAD)
    at = text.find(b"\nDATA ")
    end = text.find(b"\n", at + 1)
    if at < 0 or end < 0:
        raise UnsupportedFile(f"{source.name}: a pcd file without a line DATA")
    lines = [line.split() for line in text[:at].decode("latin-1").splitlines() if line.strip() and not line.startswith("#")]
    found = {line[0]: line[1:] for line in lines}
    found.setdefault("COUNT", ["1"] * len(found.get("FIELDS", [])))
    try:
        columns, widths = _columns(*(found[key] for key in _KEYS))
        count = int(found["POINTS"][0])
        rows = int(found.get("HEIGHT", ["1"])[0])
    except (KeyError, ValueError, IndexError) as error:
        raise UnsupportedFile(f"{source.name}: its pcd header is incomplete ({error})") from error
    if not 0 <= count < MOST_POINTS:
        raise UnsupportedFile(f"{source.name}: its header claims an impossible number of points")
    return Head(end + 1, text[at + 6 : end].strip().decode("latin-1"), columns, widths, count, rows)


def _columns(fields: list[str], sizes: list[str], types: list[str], counts: list[str]) -> tuple[Columns, tuple[int, ...]]:
    """Columns, and bytes of each field. Names are made unique; a field of several numbers becomes several columns.

    Raises ValueError.
    """
    names: list[str] = []
    kinds: list[str] = []
    for field, size, kind, count in zip(fields, sizes, types, counts, strict=True):
        if not 0 < int(count) <= MOST_COLUMNS - len(names):
            raise ValueError(f"a field of {count} numbers")
        for i in range(int(count)):
            name = field if count == "1" else f"{field}{i}"
            names.append(name if name not in names else f"{name}.{len(names)}")
            letter = _KINDS[kind]
            kinds.append(("|" if size == "1" else "<") + letter + size)
            if kinds[-1] in ("|f1", "<f1"):
                raise ValueError("floats of one byte")
    return columns_from(names, kinds), tuple(int(size) * int(count) for size, count in zip(sizes, counts, strict=True))


def columns_from(names: list[str], kinds: list[str]) -> Columns:
    """The columns; ValueError if they are impossible."""
    try:
        return Columns(tuple(names), tuple(kinds))
    except CorruptFile as error:
        raise ValueError(str(error)) from error
