"""pcd: a text header, then, where it says `DATA binary`, records."""

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.value import MOST_COLUMNS, MOST_POINTS, Columns, PointCloud

MOST_HEAD = 1 << 16
_KEYS = ("FIELDS", "SIZE", "TYPE", "COUNT")
_KINDS = {"F": "f", "I": "i", "U": "u"}


def sniff(head: bytes) -> bool:
    """Whether a file begins like a pcd file."""
    return head.startswith((b"# .PCD", b"VERSION .7", b"VERSION 0.7"))


def read(source: Source) -> PointCloud:
    """The points; raises UnsupportedFile."""
    text = source.read(0, MOST_HEAD)
    at = text.find(b"\nDATA ")
    end = text.find(b"\n", at + 1)
    if at < 0 or end < 0:
        raise UnsupportedFile(f"{source.name}: a pcd file without a line DATA")
    if text[at + 6 : end].strip() != b"binary":
        raise UnsupportedFile(f"{source.name}: a pcd file with {text[at + 6 : end].decode('latin-1')} data, not binary")
    lines = [line.split() for line in text[:at].decode("latin-1").splitlines() if line.strip() and not line.startswith("#")]
    found = {line[0]: line[1:] for line in lines}
    try:
        columns = _columns(*(found[key] for key in _KEYS))
        count = int(found["POINTS"][0])
    except (KeyError, ValueError, IndexError) as error:
        raise UnsupportedFile(f"{source.name}: its pcd header is incomplete ({error})") from error
    if not 0 <= count < MOST_POINTS or end + 1 + count * columns.size > (source.size or 0):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    return PointCloud(source, "pcd", columns, end + 1, count)


def _columns(fields: list[str], sizes: list[str], types: list[str], counts: list[str]) -> Columns:
    """Names are made unique; a field of several numbers becomes several columns. Raises ValueError."""
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
    return columns_from(names, kinds)


def columns_from(names: list[str], kinds: list[str]) -> Columns:
    """The columns; ValueError if they are impossible."""
    from lacodec.errors import CorruptFile

    try:
        return Columns(tuple(names), tuple(kinds))
    except CorruptFile as error:
        raise ValueError(str(error)) from error
