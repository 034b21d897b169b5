"""Codec `arrays`: arrays of numpy and the files that hold them (.npy, .npz), restored byte for byte, or within an error bound.

    file or object --media--> Arrays --plans--> blocks of rows --elements--> columns of numbers --`columns`--> payload

A chunk covers a range of the file's bytes: rows of an array and the bytes between arrays. `_payload` defines its form; the
header's metadata holds the table of arrays, so that rows can be found, and decoded, alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.arrays._asked import MISSING, SCALAR, TABLE, asked_for, is_scalar, table_of
from lacodec.codecs.arrays._options import Options
from lacodec.codecs.arrays._plan import JOINED, LARGEST, Plan, plans
from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.regions import Layout, Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.shares import coded_sizes
from lacodec.codecs.weights.filters import FROM_EFFORT
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.arrays.files import ARRAYS
from lacodec.media.arrays.table import pack_table
from lacodec.media.arrays.value import ONLY, Arrays
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.two_values import mostly_filters

if TYPE_CHECKING:
    from lacodec.codecs.arrays._payload import Encoding

_MIB = 1 << 20
_SLOW = 7  # effort from which on a chunk takes so long that Ctrl-C must not wait for it


class ArraysCodec(Codec[Arrays]):
    """Arrays of numbers, records, strings and times, with an effort from 1 to 9; floats, if asked for, within an error bound."""

    name = "arrays"
    stream_version = 1
    identical = "bytes"
    also_identical = ("none",)
    takes_views = True
    bytewise = True
    media = ARRAYS
    by_content = True
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    Options = Options

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """All but files of binarised filters, for which codec `weights` has a model from some effort on."""
        effort = options.get("effort", cls.Options().effort)
        if not isinstance(effort, int) or effort < FROM_EFFORT:
            return True
        try:
            return not mostly_filters(TENSORS.from_source(source))
        except UnsupportedFile:
            return True

    def metadata(self, value: Arrays, session: Session = DEFAULT) -> dict[str, Any]:
        """The table of arrays; whether the array is a scalar; the name of the first array that only the file has."""
        found: dict[str, Any] = {TABLE: pack_table(value.entries)}
        if value.scalar:
            found[SCALAR] = True
        if value.missing is not None:
            found[MISSING] = value.missing[:200].encode("utf-8", "replace").decode()
        return found

    def restores(self, value: Arrays) -> str:
        """Bytes, unless an error is allowed."""
        return "bytes" if self.options.bound is None else "none"

    def options_dict(self) -> dict[str, Any]:
        """Those that were given, and the effort."""
        return {key: value for key, value in super().options_dict().items() if value is not None}

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The table for `lacodec info`: type, shape, order, bytes and coded bytes of each array."""
        arrays = {
            entry.name: {
                "dtype": entry.descr.strip("'"),
                "shape": list(entry.shape),
                "order": entry.order,
                "size": entry.size,
                "coded": round(coded),
            }
            for entry, coded in coded_sizes(table_of(header), index)
        }
        return {**{key: value for key, value in header.metadata.items() if key != TABLE}, "arrays": arrays}

    @classmethod
    def samples(cls) -> list[Any]:
        """Integers and floats of all widths that are smooth, noisy, repeated or sparse; a record and a string."""
        import numpy as np

        rng = np.random.default_rng(1)
        places = np.arange(6000)
        walk = np.cumsum(rng.normal(0, 1, 6000))
        found: list[Any] = [walk.astype(kind) for kind in ("f8", "f4", "f2")]
        for kind in ("u1", "i2", "u4", "i8"):
            found += [(places * 3 + rng.integers(0, 9, 6000)).astype(kind), rng.integers(0, 5, 6000).astype(kind)]
        found.append(np.round(walk, 2))
        found.append(np.zeros(100, [("a", "<i4"), ("b", "S3")]))
        return found

    def chunk_size(self) -> int:
        """About 4 MiB, 16 MiB from effort 7; with the option `chunk` as much as its rows have."""
        return LARGEST if self.options.chunk is not None else self._usual_chunk() + JOINED

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """A few copies of the bytes, and what the largest column needs."""
        from lacodec.codecs.arrays._payload import most_memory
        from lacodec.codecs.columns import payload as columns

        if payload is None:
            return 6 * size + columns.memory(size, None, self.options.effort) + 4 * _MIB
        return 4 * size + most_memory(payload, size) + 16 * _MIB

    def encode(self, value: Arrays, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk for some rows of an array, or for several small arrays."""
        if value.source.size is None:
            raise BadInput(f"{value.source.name}: its size must be known before it is encoded; save it to a file first")
        self._check_types(value)
        how = self._encoding(session)
        items = _items(value, plans(value, self._usual_chunk(), self.options.chunk))
        if session.threads == 1 and self.options.effort < _SLOW:
            return (_chunk(plan, data, how) for plan, data in items)  # milliseconds: another thread would cost a part of that
        return ordered_map(lambda item: _chunk(*item, how), items, session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> memoryview:
        """The bytes of the chunk."""
        from lacodec.codecs.arrays._payload import decode_payload

        if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
            raise CorruptFile("its decoded size contradicts the range it covers")
        data = decode_payload(chunk.payload, chunk.decoded_size, _unembed(header, session)).data
        if content_hash(data) != chunk.content_hash:
            raise CorruptFile("its bytes differ from those that were encoded")
        return data

    def assemble(self, header: Header, parts: Iterator[memoryview | Lost], session: Session = DEFAULT) -> Arrays:
        """Arrays that are decoded while they are read; zeros stand for lost ranges that are known."""
        source = IteratorSource(chain.from_iterable(_bytes_of(part) for part in parts))
        missing = header.metadata.get(MISSING)
        if not isinstance(missing, str | None):
            raise CorruptFile("the header does not name the array that only the file has")
        return Arrays(source, header.format or "", table_of(header), is_scalar(header), missing)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """The arrays by name; a single array may be selected without its name."""
        from lacodec.media.arrays.dtypes import named

        names = {}
        for entry in table_of(header):
            axes = len(entry.shape) if entry.order == "F" else min(1, len(entry.shape))
            names[entry.name] = Layout(entry.shape, named(entry.descr), axes)
        return Layout(names=names, sole=ONLY if header.format == "npy" and ONLY in names else None)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold an array (`key`: its name), or a part of it (name, slices)."""
        return asked_for(header, key).place.chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[memoryview], session: Session = DEFAULT
    ) -> Any:
        """The array, or the part of it that was asked for; a scalar as such."""
        from lacodec.media.arrays.dtypes import as_array

        asked = asked_for(header, key)
        data = bytearray().join(asked.place.pieces(index, parts))
        if len(data) != asked.place.size:
            raise CorruptFile(f"the chunks hold {len(data)} of the {asked.place.size} bytes")
        array = as_array(asked.entry.descr, asked.shape, data, asked.entry.order)
        array = array[asked.rest] if asked.rest else array  # an empty key would make a scalar of an array without axes
        return array[()] if is_scalar(header) else array

    def quick(self, header: Header) -> bool:
        """Up to the effort from which on numbers are mixed."""
        effort = header.options.get("effort")
        return isinstance(effort, int) and effort < _SLOW

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of an array of numbers (`columns.payload.encode`), for other codecs; those name `bytes` as nested, too."""
        from lacodec.codecs.columns import payload as columns

        return columns.encode(content, effort=self.options.effort, session=session, bound=self.options.bound)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
        """The array; `expected`: its dtype and shape."""
        from lacodec.codecs.columns import payload as columns

        dtype, shape = expected
        return columns.decode(payload, dtype, shape, unembed=_unembed(header, session))

    def _usual_chunk(self) -> int:
        return (16 if self.options.effort >= _SLOW else 4) * _MIB

    def _encoding(self, session: Session) -> "Encoding":
        from lacodec.codecs.arrays._payload import Encoding

        header = Header(self.name, self.stream_version, {}, nested=dict(self.nested))
        return Encoding(
            self.options.effort,
            session,
            self.options.bound,
            lambda data, effort: embed("bytes", data, session, effort=effort),
            _unembed(header, session),
        )

    def _check_types(self, value: Arrays) -> None:
        """Raise BadInput if an error is allowed for an array that has no floats of 16 to 64 bits."""
        if self.options.bound is None:
            return
        from lacodec.media.arrays.dtypes import named

        for entry in value.entries:
            dtype = named(entry.descr)
            if dtype.kind != "f" or dtype.itemsize > 8:
                raise BadInput(
                    f"{value.source.name}: the array {entry.name[:200]!r} has elements of type {dtype}; max_error and "
                    "max_relative are for float16, float32 and float64"
                )


def _items(value: Arrays, found: Iterator[Plan]) -> Iterator[tuple[Plan, memoryview]]:
    for plan in found:
        data = value.source.view(plan.start, plan.size)
        if len(data) != plan.size:
            raise BadInput(f"{value.source.name}: changed while it was read; encode it again")
        yield plan, data


def _bytes_of(part: memoryview | Lost) -> Iterator[Any]:
    return part.filled() if isinstance(part, Lost) else iter((part,))


def _chunk(plan: Plan, data: memoryview, how: "Encoding") -> Chunk:
    from lacodec.codecs.arrays._payload import encode_payload

    payload, restored = encode_payload(data, plan.runs, how)
    return Chunk(CRITICAL, ((plan.start, plan.start + plan.size),), payload, content_hash(restored), plan.size)


def _unembed(header: Header, session: Session) -> Callable[[bytes, int], bytes]:
    return lambda data, size: unembed("bytes", data, size, header, session)
