"""pcd: a text header, then, as its line DATA says, records, packed records (`lzf`), or text (`text`)."""

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.points.pcd_head import read_head
from lacodec.media.points.value import PointCloud


def sniff(head: bytes) -> bool:
    """Whether a file begins like a pcd file."""
    return head.startswith((b"# .PCD", b"VERSION .7", b"VERSION 0.7"))


def read(source: Source) -> PointCloud:
    """The points; raises UnsupportedFile."""
    head = read_head(source)
    if head.data == "binary_compressed":
        from lacodec.media.points import lzf

        return lzf.read(source, head)
    if head.data == "ascii":
        from lacodec.media.points import text

        return text.read(source, "pcd", head.size, head.count, head.columns)
    if head.data != "binary":
        raise UnsupportedFile(f"{source.name}: a pcd file with {head.data} data, which is unknown")
    if head.size + head.count * head.columns.size > (source.size or 0):
        raise UnsupportedFile(f"{source.name}: is shorter than its header says")
    return PointCloud(source, "pcd", head.columns, head.size, head.count)
