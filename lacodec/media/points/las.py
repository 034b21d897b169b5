"""las 1.0 to 1.4: a binary header, records of variable length, points, and what follows them. Packed points: `laz`."""

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.las_head import read_head, sniff
from lacodec.media.points.value import PointCloud

__all__ = ["read", "sniff"]


def read(source: Source) -> PointCloud:
    """The points; extra bytes are columns of bytes. Raises UnsupportedFile."""
    head = read_head(source)
    if head.packed:
        from lacodec.media.points import laz

        return laz.read(source, head)
    if head.offset + head.count * head.columns.size > (source.size or 0):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    return PointCloud(source, "las", head.columns, head.offset, head.count)
