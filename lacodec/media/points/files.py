"""Point clouds in and out: files of records, and arrays.

A parser gives the place and the columns of the records and nothing more: whatever is before and behind them stays in `source`,
so that a file is restored byte for byte.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.compare import first_difference
from lacodec.io.source import BytesSource, Part, Source
from lacodec.io.streams import IteratorSource, SpooledSource, seekable
from lacodec.media.base import Media
from lacodec.media.points import bins, las, lines, pcd, ply
from lacodec.media.points.forms import pieces_of
from lacodec.media.points.value import Columns, PointCloud

HEAD_SIZE = 256
"""First bytes of a file that tell its kind."""

_NPY = b"\x93NUMPY"
_ARROW = b"ARROW1\0\0"
_KINDS = (las, pcd, ply)


class PointMedia(Media[PointCloud]):
    """Point clouds."""

    name = "points"
    smallest = 1024
    quiet = True

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is a las, laz, pcd, ply or feather file, or one of records as KITTI and nuScenes have.

        Lines of numbers are points only where the name of the file says so.
        """
        known = head.startswith(_ARROW) or any(kind.sniff(head) for kind in _KINDS)
        return known or bins.columns_of(head) is not None or lines.sniff(head)

    def accepts(self, value: Any) -> bool:
        """Point clouds; arrays belong to codec `arrays`."""
        return isinstance(value, PointCloud)

    def from_source(self, source: Source) -> PointCloud:
        """The points of a file. One that nothing is known of is taken as records of four or five float32 values.

        Raises UnsupportedFile.
        """
        source = seekable(source)
        head = source.peek(HEAD_SIZE)
        for kind in _KINDS:
            if kind.sniff(head):
                return kind.read(source)
        if head.startswith(_ARROW):
            from lacodec.media.points import arrow

            return arrow.read(source)
        if lines.sniff(head):
            return lines.read(source)
        if head.startswith(_NPY):
            from lacodec.media.points.arrays import cloud_in

            return cloud_in(source)
        names = bins.columns_of(head)
        size = source.size or 0
        if names is None:
            names = bins.KITTI if size % 16 == 0 else bins.NUSCENES
        width = 4 * len(names)
        if size % width:
            raise UnsupportedFile(f"{source.name}: {size} bytes are no whole number of records of {len(names)} float32 values")
        return PointCloud(source, "bin", Columns(names, ("<f4",) * len(names)), 0, size // width)

    def from_object(self, value: Any) -> PointCloud:
        """A point cloud; an array of records or [n, k], as an .npy file; a Source or the bytes of a file; a list of frames."""
        if isinstance(value, PointCloud):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        from lacodec.media.points.arrays import cloud_of, sequence_of

        try:
            return sequence_of(value) if isinstance(value, list | tuple) else cloud_of(value)
        except UnsupportedFile as error:
            raise BadInput(str(error)) from error

    def to_object(self, value: PointCloud) -> PointCloud:
        """The point cloud, in memory."""
        if isinstance(value.source, SpooledSource):
            data = value.source.read(0, value.source.size or 0)
        elif isinstance(value.source, IteratorSource):
            data = b"".join(bytes(piece) for piece in value.source.pieces())
        else:
            return value
        return replace(value, source=BytesSource(data))

    def to_blocks(self, value: PointCloud, suffix: str = "") -> Iterator[bytes]:
        """The bytes of the file."""
        return pieces_of(value)

    def difference(self, original: Source, restored: Source) -> str | None:
        """Where a library packed the points again, or their order was given up: which points there are, and all besides them."""
        one, other = self.from_source(original), self.from_source(restored)
        if (one.format, one.columns, one.offset, one.count) != (other.format, other.columns, other.offset, other.count):
            return "it has other columns, or more or fewer points"
        for what, start, stop in (("before", 0, one.offset), ("behind", one.stop, max(one.source.size or 0, one.stop))):
            at = first_difference(Part(one.source, start, stop), Part(other.source, start, stop))
            if at is not None:
                return f"bytes {what} the points differ"
        if first_difference(Part(one.source, one.offset, one.stop), Part(other.source, one.offset, one.stop)) is None:
            return None
        return None if sorted_records(one) == sorted_records(other) else "some points differ"


def sorted_records(cloud: PointCloud) -> bytes:
    """All records, by their bytes."""
    import numpy as np

    records = cloud.records
    return np.sort(np.frombuffer(records.tobytes(), f"S{cloud.columns.size}")).tobytes()


POINTS = PointMedia()
"""The one instance."""
