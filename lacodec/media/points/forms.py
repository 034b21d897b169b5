"""Files whose points are packed or text: read as the bytes of a file with records in their stead, and written from these.

packed file --`read` of its module--> PointCloud with a `Form` --codec--> .lac --codec--> PointCloud --`pieces`--> packed file
"""

import importlib
from collections.abc import Iterator

from lacodec.errors import CorruptFile
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource, SpooledSource
from lacodec.media.points.value import PointCloud

NAMES = ("", "pcd compressed", "laz", "text", "arrow")
"""By the number that the header has for them; a part of the format."""

EXACT = frozenset({"", "pcd compressed", "text"})
"""Those whose files are written by our own code, byte for byte; of others the points and all that the file says are."""

_MODULES = {"pcd compressed": "lzf", "laz": "laz", "text": "text", "arrow": "arrow"}
_BLOCK = 1 << 20


def pieces_of(cloud: PointCloud) -> Iterator[bytes]:
    """The bytes of the file; raises CorruptFile if its recipe is senseless, MissingDependency."""
    source = cloud.source
    if not cloud.form.name:
        yield from source.pieces() if isinstance(source, IteratorSource) else source.blocks(_BLOCK)
        return
    if cloud.stop > (source.size or 0):
        raise CorruptFile(f"{source.name}: ends before its points do")
    module = importlib.import_module(f"lacodec.media.points.{_MODULES[cloud.form.name]}")
    yield from module.pieces(cloud)


def spooled(pieces: Iterator[bytes], name: str) -> Source:
    """The bytes of these pieces, in a temporary file."""
    return SpooledSource(IteratorSource(pieces, name))
