"""Files of lines of numbers: xyz and its kin, a point in each line, and obj, whose vertices come first."""

import re

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.value import PointCloud
from lacodec.media.points.words import NUMBER

SUFFIXES = (".xyz", ".xyzn", ".xyzrgb", ".pts", ".asc", ".obj")
_HEAD = 1 << 16  # bytes in which the first vertex must come
_LEAST = 3  # numbers of a point
_POINT = re.compile(rb"(?:^|\n)(v[ \t]+)?" + rb"[ \t]*" + rb"[ \t,;]+".join([rb"(?:" + NUMBER + rb")"] * _LEAST) + rb"(?=[\s,;])")
_OBJ = re.compile(rb"(?:^|\n)(?:v[nt]?[ \t]+[-+.\d]|mtllib |usemtl |[go] )")
_OTHER = re.compile(rb"[^\t\n\r -~]")


def sniff(head: bytes) -> bool:
    """Whether a file begins with printable characters, and with a line of three numbers, or with lines of obj."""
    return not _OTHER.search(head) and bool(_POINT.match(head) or _OBJ.search(head))


def named(name: str) -> bool:
    """Whether the name of a file says that it holds points."""
    return name.lower().endswith(SUFFIXES)


def read(source: Source) -> PointCloud:
    """The points; raises UnsupportedFile."""
    head = source.read(0, _HEAD)
    from lacodec.media.points import text

    found = _POINT.search(head)
    if found is None:
        raise UnsupportedFile(f"{source.name}: has no lines of numbers at its start")
    at = found.start() + head[found.start() : found.start() + 1].count(b"\n")
    return text.read(source, "obj" if found[1] else "xyz", at, None, None)
