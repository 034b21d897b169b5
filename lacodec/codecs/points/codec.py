"""Codec `points`: point clouds, lossless; sweeps of sensors that it knows as the sensor measured them.

file --parser--> columns and place of the records --blocks of records--> payloads (`_payload`)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.points._options import Options
from lacodec.codecs.points._table import TABLE, Table, pack_table, table_of
from lacodec.codecs.references import Reference, is_description, needed
from lacodec.codecs.regions import Layout, Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.points.files import POINTS
from lacodec.media.points.value import ALL, Columns, PointCloud

if TYPE_CHECKING:
    from lacodec.codecs.points._payload import Encoding

_BASE = "base"
_MIB = 1 << 20
_CHUNK = 4 * _MIB


class PointsCodec(Codec[PointCloud]):
    """Point clouds: every bit, and the order, with an effort from 1 to 9; coordinates rounded, if asked for."""

    name = "points"
    stream_version = 2
    reads = frozenset({1})
    identical = "bytes"
    also_identical = ("none",)
    takes_views = True
    bytewise = True
    media = POINTS
    by_content = True
    reference_option = "reference"
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    Options = Options

    def metadata(self, value: PointCloud, session: Session = DEFAULT) -> dict[str, Any]:
        """Columns, the place of the records in the file, and which frame before it is needed."""
        table = {TABLE: pack_table(self._named(value))}
        before = self._reference(session)
        return table if before is None else {**table, _BASE: before.described()}

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The table for `lacodec info`."""
        table = table_of(header)
        columns = dict(zip(table.columns.names, table.columns.types, strict=True))
        base = header.metadata.get(_BASE)
        named = {"base": {**base, "hash": base["hash"].hex()}} if is_description(base) else {}
        return {**named, "points": table.count, "offset": table.offset, "columns": columns}

    def restores(self, value: PointCloud) -> str:
        """Bytes, unless coordinates may be rounded."""
        return "bytes" if self.options.step is None else "none"

    def options_dict(self) -> dict[str, Any]:
        """Those that were given, and the effort; the metadata describes the reference, and its path stays private."""
        found = {field.name: getattr(self.options, field.name) for field in fields(self.options)}
        return {key: value for key, value in found.items() if value is not None and key != self.reference_option}

    @classmethod
    def samples(cls) -> list[Any]:
        """Sweeps of both sensors, and points that no sensor is known of."""
        from lacodec.codecs.points.moving.imitation import nuscenes_sweep
        from lacodec.codecs.points.spinning.imitation import kitti_sweep

        sweeps = [kitti_sweep(seed=1, step=24).tobytes(), nuscenes_sweep(seed=1, columns=250, share=0.3)]
        return [*sweeps, kitti_sweep(seed=2, step=40).astype("<f8")]

    def chunk_size(self) -> int:
        """About 4 MiB."""
        return 2 * _CHUNK

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """A few copies of the bytes, and what the coders need."""
        from lacodec.codecs.columns import payload as columns
        from lacodec.codecs.points.spinning import payload as spinning

        most = max(columns.memory(size, None, self.options.effort if payload is None else 9), spinning.memory(size // 12))
        return 6 * size + most + 32 * _MIB

    def encode(self, value: PointCloud, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk for some records; the first one has what is before them, further ones what is behind."""
        value = self._named(value)
        if value.source.size is None:
            raise BadInput(f"{value.source.name}: its size must be known before it is encoded; save it to a file first")
        if self.options.step is not None:
            from lacodec.codecs.points._step import has_floats

            if not has_floats(value.columns):
                raise BadInput(f"{value.source.name}: only x, y and z that are floats can be rounded; leave out `step`")
        how = self._encoding(value, session)
        return ordered_map(lambda item: _chunk(*item, value.columns, how), _pieces(value), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> memoryview:
        """The bytes of the chunk."""
        from lacodec.codecs.points._payload import decode_payload

        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
            raise CorruptFile("its decoded size contradicts the range it covers")
        table, used = table_of(header), list[Reference]()

        def before() -> Any:
            used.append(needed(header.metadata.get(_BASE), session.references))
            return _records(used[0], table)

        try:
            found = decode_payload(
                chunk.payload,
                chunk.decoded_size,
                table.columns,
                lambda data, size: unembed("bytes", data, size, header, session),
                before,
            )
            if content_hash(found.data) != chunk.content_hash:
                raise CorruptFile("its bytes differ from those that were encoded")
        except CorruptFile:
            if used:
                used[0].check(header.metadata[_BASE])
            raise
        return found.data

    def assemble(self, header: Header, parts: Iterator[memoryview | Lost], session: Session = DEFAULT) -> PointCloud:
        """Points that are decoded while they are read; zeros stand for lost ranges that are known."""
        table = table_of(header)
        source = IteratorSource(chain.from_iterable(_bytes_of(part) for part in parts))
        return PointCloud(source, header.format or "", table.columns, table.offset, table.count)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """All records, and each column by its name."""
        table = table_of(header)
        dtype = table.columns.dtype
        names = {ALL: Layout((table.count,), dtype)}
        for name in table.columns.names:
            names.setdefault(name, Layout((table.count,), dtype[name]))
        return Layout(names=names, sole=ALL)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold records, or some of them."""
        _, place = _asked(header, key)
        return place.chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[memoryview], session: Session = DEFAULT
    ) -> Any:
        """The records, or a column of them."""
        import numpy as np

        name, place = _asked(header, key)
        data = bytearray().join(place.pieces(index, parts))
        if len(data) != place.size:
            raise CorruptFile(f"the chunks hold {len(data)} of the {place.size} bytes")
        records = np.frombuffer(data, table_of(header).columns.dtype)
        return records if name == ALL else np.ascontiguousarray(records[name])

    def _named(self, value: PointCloud) -> PointCloud:
        """The points with the columns that the options name."""
        if self.options.columns is None:
            return value
        columns = self.options.named_columns()
        if value.format != "bin":
            raise BadInput(f"{value.source.name}: a file with a header names its columns itself; leave out `columns`")
        size = value.source.size or 0
        if size % columns.size:
            raise BadInput(f"{value.source.name}: its {size} bytes are no whole number of records of {columns.size} bytes")
        return PointCloud(value.source, value.format, columns, 0, size // columns.size)

    def _encoding(self, value: PointCloud, session: Session) -> "Encoding":
        from lacodec.codecs.points._payload import Encoding

        reference = self._reference(session)
        before = None if reference is None else _records(reference, Table(value.columns, value.offset, value.count))
        return Encoding(
            self.options.effort,
            self.options.step,
            session,
            lambda data, effort: embed("bytes", data, session, effort=effort),
            before,
        )

    def _reference(self, session: Session) -> Reference | None:
        if self.options.reference is None:
            return None
        if len(session.references) != 1:
            raise BadInput(f"{self.options.reference}: is not a file; give one file of points as the reference")
        return session.references[0]


def _records(reference: Reference, table: Table) -> Any:
    """The records of the frame before, as many as a chunk may have, read as those of the file with this table."""
    import numpy as np

    width = table.columns.size
    data = bytes(reference.source.read(table.offset, _CHUNK // width * width))
    return np.frombuffer(data[: len(data) // width * width], table.columns.dtype)


def _bytes_of(part: memoryview | Lost) -> Iterator[Any]:
    return part.filled() if isinstance(part, Lost) else iter((part,))


def _asked(header: Header, key: Any) -> tuple[str, Range]:
    """(column or all of them, bytes of the file) that a name, or a name and a slice with step 1, ask for; raises BadInput."""
    table = table_of(header)
    name, *slices = key if isinstance(key, tuple) and key else (key,)
    if not isinstance(name, str) or len(slices) > 1:
        raise BadInput(f"{key!r} cannot select from points; use a slice, the name of a column, or both")
    if name != ALL and name not in table.columns.names:
        raise BadInput(f"no column {name!r} among {', '.join(table.columns.names)}")
    rows = Range.of(slices[0], table.count, "points") if slices else Range(0, table.count)
    width = table.columns.size
    return name, Range(table.offset + rows.start * width, table.offset + rows.stop * width)


def _pieces(value: PointCloud) -> Iterator[tuple[int, int, memoryview]]:
    """(offset, bytes before the records, bytes) of each chunk."""
    width = value.columns.size
    block = max(1, _CHUNK // width) * width
    start, lead = 0, value.offset
    while lead > _CHUNK:
        yield start, _CHUNK, _read(value, start, _CHUNK)
        start, lead = start + _CHUNK, lead - _CHUNK
    end = value.source.size or 0
    if not end:
        yield 0, 0, memoryview(b"")
    while start < end:
        size = min(lead + block, value.stop - start) if start < value.stop else min(_CHUNK, end - start)
        yield start, lead if start < value.stop else size, _read(value, start, size)
        start, lead = start + size, 0


def _read(value: PointCloud, start: int, size: int) -> memoryview:
    data = value.source.view(start, size)
    if len(data) != size:
        raise BadInput(f"{value.source.name}: changed while it was read; encode it again")
    return data


def _chunk(start: int, lead: int, data: memoryview, columns: Columns, how: "Encoding") -> Chunk:
    from lacodec.codecs.points._payload import encode_payload

    payload, restored = encode_payload(data, lead, columns, how)
    return Chunk(CRITICAL, ((start, start + len(data)),), payload, content_hash(restored), len(data))
