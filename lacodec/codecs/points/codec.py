"""Codec `points`: point clouds, lossless; sweeps of sensors that it knows as the sensor measured them.

file --parser--> columns and place of the records --blocks of records--> payloads (`_payload`)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.points._asked import FRAME, asked
from lacodec.codecs.points._options import LEAST_MIXED, Options
from lacodec.codecs.points._pieces import CHUNK, pieces
from lacodec.codecs.points._table import TABLE, Table, pack_table, table_of
from lacodec.codecs.references import Reference, is_description, needed
from lacodec.codecs.regions import Layout, Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource, SpooledSource
from lacodec.io.threads import ordered_map
from lacodec.media.points import lines
from lacodec.media.points.files import HEAD_SIZE, POINTS
from lacodec.media.points.forms import EXACT, pieces_of
from lacodec.media.points.value import ALL, PLAIN, Columns, PointCloud

if TYPE_CHECKING:
    from lacodec.codecs.points._payload import Encoding

_BASE = "base"
_MIB = 1 << 20
_START = 1 << 19  # bytes of a file of lines that tell whether numbers are shorter than text


class PointsCodec(Codec[PointCloud]):
    """Point clouds: every bit, and the order, with an effort from 1 to 9; coordinates rounded, if asked for."""

    name = "points"
    stream_version = 6
    reads = frozenset({1, 2, 3, 4, 5})
    identical = "bytes"
    also_identical = ("points", "none")
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
        found: dict[str, Any] = {"points": table.count, "offset": table.offset, "columns": columns}
        base = header.metadata.get(_BASE)
        if is_description(base):
            found["base"] = {**base, "hash": base["hash"].hex()}
        if table.frames:
            found["frames"] = list(table.frames)
        if table.form.name:
            found["stored as"] = table.form.name
        if header.options.get("any_order"):
            found["order"] = "given up"
        return found

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """Lines of numbers only where the file's name says that they are points, and their start is shorter so than as text."""
        if not lines.sniff(source.peek(HEAD_SIZE)):
            return True
        return lines.named(source.name) and cls._pays(source.read(0, _START), options.get("effort", Options().effort))

    @classmethod
    def _pays(cls, start: bytes, effort: Any) -> bool:
        codec = cls(Options(effort=effort))
        try:
            value = codec.media.from_source(BytesSource(start))
        except UnsupportedFile:
            return False
        return sum(len(chunk.payload) for chunk in codec.encode(value)) < len(embed("bytes", start, DEFAULT, effort=effort))

    def restores(self, value: PointCloud) -> str:
        """Bytes, unless coordinates may be rounded, a library packs the points again, or their order is given up."""
        if self.options.step is not None:
            return "none"
        return "bytes" if value.form.name in EXACT and not self.options.any_order else "points"

    def covers_file(self, header: Header) -> bool:
        """Not where points are packed or text."""
        return not table_of(header).form.name

    def content_size(self, value: PointCloud) -> int | None:
        """Bytes with records in place of packed points or text."""
        return value.source.size if value.form.name else None

    def options_dict(self) -> dict[str, Any]:
        """Those that were given, and the effort; the metadata describes the reference, and its path stays private."""
        found = {field.name: getattr(self.options, field.name) for field in fields(self.options)}
        return {key: value for key, value in found.items() if value not in (None, False) and key != self.reference_option}

    @classmethod
    def samples(cls) -> list[Any]:
        """Sweeps of both sensors, points that no sensor is known of, and a flight."""
        from lacodec.codecs.points.las.imitation import las_file, las_records
        from lacodec.codecs.points.moving.imitation import nuscenes_sweep
        from lacodec.codecs.points.spinning.imitation import kitti_sweep
        from lacodec.media.points.lzf import packed_cloud

        sweep = kitti_sweep(seed=1, step=24)
        packed = b"".join(pieces_of(packed_cloud(sweep[:200, :3])))
        unknown = kitti_sweep(seed=2, step=40)[:4200].astype("<f8")  # enough of them for lanes to be looked for
        flight = las_file(3, las_records(3, 200, seed=4))
        return [sweep.tobytes(), packed, unknown, flight, nuscenes_sweep(1, 250, 0.3)]

    @classmethod
    def samples_at(cls, effort: int) -> list[Any]:
        """None where the effort before does the same; where the motion of the last two is fitted, which takes seconds, once."""
        if effort in (5, 6, 8):
            return []
        return cls.samples()[: 4 if effort < 4 else None if effort == 4 else 2]

    def chunk_size(self) -> int:
        """About 4 MiB."""
        return 2 * CHUNK

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """A few copies of the bytes, and what the coders need."""
        from lacodec.codecs.columns import payload as columns
        from lacodec.codecs.points.spinning import payload as spinning

        mixed = payload is not None or self.options.effort >= LEAST_MIXED
        most = max(columns.memory(size, None, 9 if mixed else self.options.effort), spinning.memory(size // 12))
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
        from lacodec.codecs.points._frames import MOST
        from lacodec.codecs.points._payload import follow_each_other

        how = self._encoding(value, session)
        if self.options.any_order:
            from lacodec.codecs.points._order import reordered
            from lacodec.codecs.points._payload import encode_payload

            value = reordered(value, lambda some: len(encode_payload(memoryview(some.tobytes()), 0, value.columns, how)[0]))
        first = next((i for i, count in enumerate(value.frames) if count), None)
        together = 1 if first is None or not follow_each_other(value.frame(first), value.columns, how) else MOST
        return ordered_map(lambda item: _chunk(*item, value.columns, how), pieces(value, together), session.threads)

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
        """Points that are decoded while they are read; zeros stand for lost ranges that are known.

        Points that are to be packed again are kept in a temporary file first; where some of them are lost, they stay unpacked.
        """
        table, lost = table_of(header), list[Lost]()
        source: Source = IteratorSource(chain.from_iterable(_bytes_of(part, lost) for part in parts))
        form = table.form
        if form.name:
            source = SpooledSource(source)
            form = PLAIN if lost else form
        return PointCloud(source, header.format or "", table.columns, table.offset, table.count, form, table.frames)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """All records, each column by its name, and the records of each frame of a sequence."""
        table = table_of(header)
        dtype = table.columns.dtype
        names = {ALL: Layout((table.count,), dtype)}
        for name in table.columns.names:
            names.setdefault(name, Layout((table.count,), dtype[name]))
        for i, count in enumerate(table.frames):
            names.setdefault(f"{FRAME}{i}", Layout((count,), dtype))
        return Layout(names=names, sole=ALL)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold records, or some of them."""
        _, place = asked(header, key)
        return place.chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[memoryview], session: Session = DEFAULT
    ) -> Any:
        """The records, or a column of them."""
        import numpy as np

        name, place = asked(header, key)
        data = bytearray().join(place.pieces(index, parts))
        if len(data) != place.size:
            raise CorruptFile(f"the chunks hold {len(data)} of the {place.size} bytes")
        records = np.frombuffer(data, table_of(header).columns.dtype)
        return records if name not in table_of(header).columns.names else np.ascontiguousarray(records[name])

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
    data = bytes(reference.source.read(table.offset, CHUNK // width * width))
    return np.frombuffer(data[: len(data) // width * width], table.columns.dtype)


def _bytes_of(part: memoryview | Lost, lost: list[Lost]) -> Iterator[Any]:
    if isinstance(part, Lost):
        lost.append(part)
        return part.filled()
    return iter((part,))


def _chunk(start: int, lead: int, data: memoryview, frames: tuple[int, ...], columns: Columns, how: "Encoding") -> Chunk:
    from lacodec.codecs.points._payload import encode_payload

    payload, restored = encode_payload(data, lead, columns, how, frames)
    return Chunk(CRITICAL, ((start, start + len(data)),), payload, content_hash(restored), len(data))
