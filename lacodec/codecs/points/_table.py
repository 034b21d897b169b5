"""Columns and place of the records, as the header keeps them.

table = number of records, offset of the first one, u8 kind     kind 0 KITTI   1 nuScenes (float32 both)   2 named:
        number of columns; of each u8 type, size of its name, its name in UTF-8     kind 3 packed: u8 form, size of its
        recipe, recipe, u8 kind as before     kind 4 frames: how many, points of each, u8 kind as before
        kind 5 las: u8 point format, bytes of a record

Numbers are LEB128.
"""

from dataclasses import dataclass

from lacodec.codecs.pieces import Reader, Writer
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.media.points import bins
from lacodec.media.points.forms import NAMES
from lacodec.media.points.las_head import columns_of, format_of
from lacodec.media.points.value import MOST_COLUMNS, MOST_POINTS, PLAIN, TYPES, Columns, Form, PointCloud

TABLE = "points"
"""Its name in the metadata."""

_KINDS = tuple(sorted(TYPES))
_NAMED, _PACKED, _FRAMES, _LAS = 2, 3, 4, 5
_MOST_FRAMES = 1 << 16
_USUAL = tuple(Columns(names, ("<f4",) * len(names)) for names in (bins.KITTI, bins.NUSCENES))


@dataclass(frozen=True)
class Table:
    """What a header says of the records."""

    columns: Columns
    offset: int
    count: int
    form: Form = PLAIN
    frames: tuple[int, ...] = ()


def pack_table(cloud: PointCloud) -> bytes:
    """The table of a point cloud."""
    out = Writer()
    out.numbers([cloud.count, cloud.offset])
    if cloud.form.name:
        out.write(bytes([_PACKED, NAMES.index(cloud.form.name)]))
        out.piece(cloud.form.recipe)
    if cloud.frames:
        out.write(bytes([_FRAMES]))
        out.numbers([len(cloud.frames), *cloud.frames])
    if cloud.columns in _USUAL:
        out.write(bytes([_USUAL.index(cloud.columns)]))
        return bytes(out.data)
    las = format_of(cloud.columns)
    if las is not None:
        out.write(bytes([_LAS, las]))
        out.number(cloud.columns.size)
        return bytes(out.data)
    out.write(bytes([_NAMED]))
    out.number(len(cloud.columns.names))
    for name, kind in zip(cloud.columns.names, cloud.columns.types, strict=True):
        out.write(bytes([_KINDS.index(kind)]))
        out.piece(name.encode("utf-8", "surrogatepass"))
    return bytes(out.data)


def table_of(header: Header) -> Table:
    """The table in a header; raises CorruptFile."""
    data = header.metadata.get(TABLE)
    if not isinstance(data, bytes):
        raise CorruptFile("the header has no table of its points")
    reader = Reader(data)
    count, offset = reader.number(), reader.number()
    kind, form = reader.take(1)[0], PLAIN
    if kind == _PACKED:
        number = reader.take(1)[0]
        if not 0 < number < len(NAMES):
            raise CorruptFile("its points are packed in an unknown way; if a newer lacodec wrote it, update")
        form = Form(NAMES[number], bytes(reader.piece()))
        kind = reader.take(1)[0]
    frames: tuple[int, ...] = ()
    if kind == _FRAMES:
        several = reader.number()
        if not 0 < several <= _MOST_FRAMES:
            raise CorruptFile(f"the header claims {several} frames; at most {_MOST_FRAMES} are possible")
        frames = tuple(reader.number() for _ in range(several))
        if sum(frames) != count:
            raise CorruptFile("the frames of the points do not have all of them")
        kind = reader.take(1)[0]
    if count >= MOST_POINTS or offset >= MOST_POINTS or (kind > _NAMED and kind != _LAS):
        raise CorruptFile("the header does not say where the points are")
    columns = _USUAL[kind] if kind < _NAMED else _of_las(reader) if kind == _LAS else _columns(reader)
    reader.finish()
    return Table(columns, offset, count, form, frames)


def _of_las(reader: Reader) -> Columns:
    columns = columns_of(reader.take(1)[0], reader.number())
    if columns is None:
        raise CorruptFile("the header has a point format of las that is unknown; if a newer lacodec wrote it, update")
    return columns


def _columns(reader: Reader) -> Columns:
    several = reader.number()
    if several > MOST_COLUMNS:
        raise CorruptFile(f"the header claims {several} columns; at most {MOST_COLUMNS} are possible")
    names, kinds = [], []
    for _ in range(several):
        kind = reader.take(1)[0]
        if kind >= len(_KINDS):
            raise CorruptFile("a column has an unknown type; if a newer lacodec wrote it, update")
        kinds.append(_KINDS[kind])
        try:
            names.append(bytes(reader.piece()).decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError as error:
            raise CorruptFile("the name of a column is no text") from error
    return Columns(tuple(names), tuple(kinds))
