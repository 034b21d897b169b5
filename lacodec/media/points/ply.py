"""ply: a text header, then records of vertices, or lines of them (`text`), which faces and others follow."""

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.pcd_head import MOST_HEAD, columns_from
from lacodec.media.points.value import MOST_POINTS, PointCloud

_KINDS = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "<"}
_END = b"end_header"


def sniff(head: bytes) -> bool:
    """Whether a file begins like a ply file."""
    return head.startswith((b"ply\n", b"ply\r\n"))


def read(source: Source) -> PointCloud:
    """The vertices, if they come first; raises UnsupportedFile."""
    text = source.read(0, MOST_HEAD)
    at = text.find(b"\n" + _END)
    end = text.find(b"\n", at + 1)
    if at < 0 or end < 0:
        raise UnsupportedFile(f"{source.name}: a ply file without the end of its header")
    lines = [line.split() for line in text[:at].decode("latin-1").splitlines()]
    order = next((_ORDERS.get(line[1]) for line in lines if line[:1] == ["format"] and len(line) > 1), None)
    if order is None:
        raise UnsupportedFile(f"{source.name}: a ply file of an unknown format")
    elements = [i for i, line in enumerate(lines) if line[:1] == ["element"]]
    first = lines[elements[0]] if elements else []
    if len(first) != 3 or first[1] != "vertex" or not first[2].isdigit() or len(first[2]) > 15:
        raise UnsupportedFile(f"{source.name}: a ply file whose first elements are not vertices")
    stop = elements[1] if len(elements) > 1 else len(lines)
    properties = [line for line in lines[elements[0] + 1 : stop] if line[:1] == ["property"]]
    try:
        kinds = [_KINDS[line[1]] for line in properties]
        columns = columns_from([line[2] for line in properties], [("|" if kind[1] == "1" else order) + kind for kind in kinds])
    except (KeyError, IndexError, ValueError) as error:
        raise UnsupportedFile(f"{source.name}: a ply file with vertices of another kind ({error})") from error
    count = int(first[2])
    if count < MOST_POINTS and ["format", "ascii"] in [line[:2] for line in lines]:
        from lacodec.media.points import text as lines_of_text

        return lines_of_text.read(source, "ply", end + 1, count, columns)
    if count >= MOST_POINTS or end + 1 + count * columns.size > (source.size or 0):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    return PointCloud(source, "ply", columns, end + 1, count)
