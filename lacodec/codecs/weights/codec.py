"""Codec `weights`: files of tensors (safetensors, npy, npz, GGUF, PyTorch checkpoints), restored byte for byte.

A chunk covers a range of the file's bytes: pieces of tensors and the bytes between them. `_payload` defines its form; the
header's metadata holds the tensor table (`_tensor_table`), so that one tensor can be found, and decoded, alone (`_selection`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.references import Reference, is_description, needed
from lacodec.codecs.regions import Layout, Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.shares import coded_sizes
from lacodec.codecs.weights._chunks import CHUNK, Plan, Run
from lacodec.codecs.weights._items import Item, items_of, remade
from lacodec.codecs.weights._selection import TABLE, asked, has_rows, table_of
from lacodec.codecs.weights._tensor_table import pack_table
from lacodec.codecs.weights.filters import FROM_EFFORT
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.arrays.value import ONLY
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.two_values import holds_any
from lacodec.media.tensors.value import TensorEntry, Tensors, as_array

if TYPE_CHECKING:
    from lacodec.codecs.weights._payload import Surroundings
    from lacodec.codecs.weights._reference import LikeTensors

_BASE, _MADE_OF = "base", "object"
CALIBRATE_HELP = "lossy: a text to fit steps to, with --model; 64 thousand tokens or more are advised"
MODEL_HELP = "lossy: the model of these tensors, folder or GGUF file of a causal transformers model"
FILTERS_HELP = "tensors of two values: from the most similar row (tree), or from the row before (rows)"
_WITH_BLOCKS = 2  # the stream version of files with blocks of quantised values
_WITH_FILTERS = 3  # that of files with tensors of two values
_TREE, _ROWS = "tree", "rows"


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    base: str | PathLike[str] | Source | Reference | None = field(
        default=None, metadata={"help": "a file of tensors like these (before fine-tuning, say): store differences to it"}
    )
    bits: float | None = field(default=None, metadata={"help": "lossy: bits of the file for each weight, such as 3.5"})
    size: int | None = field(default=None, metadata={"help": "lossy: bytes of the file"})
    calibrate: str | PathLike[str] | None = field(default=None, metadata={"help": CALIBRATE_HELP})
    model: str | PathLike[str] | None = field(default=None, metadata={"help": MODEL_HELP})
    filters: str = field(default=_TREE, metadata={"help": FILTERS_HELP})
    layers: bool = field(default=False, metadata={"help": "lossy: any beginning of the file decodes, with more error"})

    def __post_init__(self) -> None:
        check_effort(self.effort)
        if self.filters not in (_TREE, _ROWS):
            raise BadInput(f"filters must be {_TREE!r} or {_ROWS!r}, not {self.filters!r}")
        if not isinstance(self.base, str | PathLike | Source | Reference | None):
            raise BadInput(f"base is a {type(self.base).__name__}; give the path of a file of tensors")
        if self.base is not None and (self.bits is not None or self.size is not None):
            raise BadInput("differences to a base are lossless; leave out --bits and --size, or --base")
        if (self.calibrate, self.model) != (None, None) and self.bits is None and self.size is None:
            raise BadInput("calibration is for lossy files: give --bits or --size, too")
        if self.layers and self.bits is None and self.size is None:
            raise BadInput("layers are for lossy files: give --bits or --size, too")


class Weights(Codec[Tensors]):
    """The tensors of a model, with an effort from 1 to 9."""

    name = "weights"
    stream_version = 1
    reads = frozenset({0, _WITH_BLOCKS, _WITH_FILTERS})
    identical = "bytes"
    takes_views = True
    bytewise = True
    on_device = True
    media = TENSORS
    by_content = True
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    reference_option: ClassVar[str | None] = "base"
    Options: ClassVar[type[Any]] = _Options

    @classmethod
    def suiting(cls, options: Any) -> Codec[Tensors]:
        """With a number of bits or a size, the lossy codec."""
        if options.bits is None and options.size is None:
            return cls(options)
        lossy = registry.get("weights.quantised")
        return lossy(lossy.Options(options.bits, options.size, options.calibrate, options.model, options.layers))

    def version_of(self, value: Tensors) -> int:
        """2 for GGUF, whose blocks version 1 does not know; 3 for files with tensors of two values."""
        if value.format == "gguf":
            return _WITH_BLOCKS
        return _WITH_FILTERS if self._finds_filters(value) else self.stream_version

    def metadata(self, value: Tensors, session: Session = DEFAULT) -> dict[str, Any]:
        """The tensor table, and which base is needed."""
        table: dict[str, Any] = {TABLE: pack_table(value.entries)}
        if value.made_of is not None:
            table[_MADE_OF] = dict(value.made_of)
        base = self._base(session)
        return table if base is None else {**table, _BASE: base.described()}

    def options_dict(self) -> dict[str, Any]:
        """Only the effort: the metadata describes the base, and its path stays private."""
        return {"effort": self.options.effort}

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The table for `lacodec info`: type, shape, bytes and coded bytes of each tensor.

        Tensors that share a chunk share its coded bytes by size; tied ones are counted where they come first.
        """
        tensors = {
            entry.name: {"dtype": entry.dtype, "shape": list(entry.shape), "size": entry.size, "coded": round(coded)}
            for entry, coded in coded_sizes(table_of(header), index)
        }
        base = header.metadata.get(_BASE)
        named = {"base": {**base, "hash": base["hash"].hex()}} if is_description(base) else {}
        return {**named, "tensors": tensors}

    @staticmethod
    def table(header: Header) -> tuple[TensorEntry, ...]:
        """The tensors, which the header lists."""
        return table_of(header)

    @staticmethod
    def made_of(header: Header) -> Mapping[str, Any] | None:
        """Which Python object the tensors were; raises CorruptFile."""
        found = header.metadata.get(_MADE_OF)
        if found is not None and not isinstance(found, dict):
            raise CorruptFile("the header does not name the object that held the tensors")
        return found

    @classmethod
    def samples(cls) -> list[Any]:
        """Floats of three widths, integers, and values that repeat."""
        import numpy as np

        spread = np.random.default_rng(1).normal(0, 0.02, (300, 256))
        wide = spread.astype(np.float32)
        whole = (spread * 1000).astype(np.int8)
        return [{"a": wide, "b": wide.astype(np.float16), "c": spread, "d": whole, "e": np.sign(wide), "f": wide.view(np.uint32)}]

    def chunk_size(self) -> int:
        """4 MiB."""
        return CHUNK

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """The bytes, codes and planes, each once or twice, and counts; for values that repeat also match tables, or a model."""
        if payload is None:
            return 44 * size + (64 << 20)
        from lacodec.codecs.weights._payload import memory_of_bytes

        return 6 * size + (32 << 20) + memory_of_bytes(payload, size)

    def encode(self, value: Tensors, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk for at most 4 MiB of the file."""
        base = self._base(session)
        like = None if base is None else _like(base, value.entries, session)
        items = items_of(value, self._finds_filters(value))
        if session.threads == 1:  # a chunk takes milliseconds: handing it to another thread would cost a good part of that
            return (self._chunk(item, like, session) for item in items)
        return ordered_map(lambda item: self._chunk(item, like, session), items, session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> memoryview:
        """The bytes of the chunk."""
        from lacodec.codecs.weights._payload import decode_payload, payload_of

        used: list[Reference] = []

        @cache
        def base() -> Any:
            used.append(needed(header.metadata.get(_BASE), session.references))
            return _like(used[0], table_of(header), session).read(chunk.covers[0][0], chunk.decoded_size)

        around = replace(self.surroundings(header, session), base=base)
        try:
            data = decode_payload(payload_of(chunk, shared), chunk.decoded_size, around).data
            if content_hash(data) != chunk.content_hash:
                raise CorruptFile("its bytes differ from those that were encoded")
        except CorruptFile:
            if used:
                used[0].check(header.metadata[_BASE])
            raise
        return data

    def quick(self, header: Header) -> bool:
        """Always, but for a few repeated values at effort 9."""
        return header.options.get("effort") != 9

    def surroundings(self, header: Header, session: Session) -> "Surroundings":
        """The context of payloads of this file, without a base."""
        from lacodec.codecs.weights._payload import Surroundings, no_base

        return Surroundings(
            remake=lambda metadata: remade(table_of(header), metadata),
            base=no_base,
            unembed=lambda data, size: unembed("bytes", data, size, header, session),
        )

    def decode_on_device(
        self, header: Header, chunks: Sequence[tuple[Chunk, Sequence[Chunk]]], device: Any, session: Session = DEFAULT
    ) -> list[Any]:
        """u8[...] on a CUDA device for each of these chunks, with the shared sections that it needs; see `gpu.decode_chunks`."""
        from lacodec.codecs.weights.gpu import decode_chunks

        return decode_chunks(self, header, chunks, device, session)

    def assemble(self, header: Header, parts: Iterator[memoryview | Lost], session: Session = DEFAULT) -> Tensors:
        """Tensors that are decoded while they are read; zeros stand for lost ranges that are known."""
        source = IteratorSource(chain.from_iterable(_bytes_of(part) for part in self.ranges(header, parts)))
        return Tensors(source, header.format or "", table_of(header), self.made_of(header))

    def ranges(self, header: Header, parts: Iterator[Any]) -> Iterator[memoryview | Lost]:
        """The bytes of ranges of the file, in order."""
        return parts

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """The tensors by name; a single array may be selected without its name."""
        from lacodec.media.tensors.forms import dtype_of, form_of, shape_of

        object_, names = self.made_of(header), {}
        for entry in table_of(header):
            form = form_of(object_, entry.name)
            names[entry.name] = Layout(shape_of(entry, form), dtype_of(entry, form), int(has_rows(entry) and "shape" not in form))
        sole = ONLY if header.format == "npy" or (object_ or {}).get("kind") == "one" else None
        return Layout(names=names, sole=sole if sole in names else None)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold a tensor (`key`: its name), or rows of it (name, slice)."""
        return asked(header, key)[0].chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[memoryview], session: Session = DEFAULT
    ) -> Any:
        """The tensor, or its rows, in its original form; from files as a numpy array (`as_array` lists the types)."""
        import numpy as np

        from lacodec.media.tensors.forms import form_of, restored

        wanted, entry, shape = asked(header, key)
        data = np.empty(wanted.size, np.uint8)
        for position, part in zip(wanted.chunks(index), parts, strict=True):
            begin = index[position].covers[0][0]
            both = wanted.within(begin, begin + len(part))
            data[both.start - wanted.start :][: both.size] = np.frombuffer(part, np.uint8)[both.start - begin :][: both.size]
        return restored(as_array(entry.dtype, shape, data, entry.order), entry, form_of(self.made_of(header), entry.name))

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of floats in memory that vary, for other codecs; those name `bytes` as nested, too.

        content: (their bytes, for each tensor (dtype, size in bytes, bytes of a row, 0 without rows)); no tensor is empty.
        """
        from lacodec.codecs.weights._payload import encode_payload

        data, runs = content
        plan = Plan(0, tuple(Run(dtype, size, row, varied=True) for dtype, size, row in runs))
        return encode_payload(data, plan, self.options.effort, lambda data, more: embed("bytes", data, session, effort=more))

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
        """The bytes, u8[expected]."""
        from lacodec.codecs.weights._payload import decode_payload

        return decode_payload(payload, expected, self.surroundings(header, session))

    def _finds_filters(self, value: Tensors) -> bool:
        return self.options.effort >= FROM_EFFORT and value.format != "gguf" and holds_any(value)

    def _base(self, session: Session) -> Reference | None:
        if self.options.base is None:
            return None
        if len(session.references) != 1:
            raise BadInput(f"{self.options.base}: is not a file; give one file of tensors as the base")
        return session.references[0]

    def _chunk(self, item: Item, reference: "LikeTensors | None", session: Session) -> Chunk:
        from lacodec.codecs.weights._payload import encode_payload

        data, digest = item.data, content_hash(item.data)
        covers = ((item.plan.start, item.plan.start + len(data)),)
        if item.shared is not None:
            return Chunk(CRITICAL, covers, b"", digest, len(data), (item.shared,))
        like = None  # shared sections are made without a base: they belong to several places
        if reference is not None and item.plan.twin < 0:
            like = reference.read(item.plan.start, len(data))
        effort = self.options.effort

        def embedded(data: bytes, more: int) -> bytes:
            return embed("bytes", data, session, effort=more)

        payload = encode_payload(data, item.plan, effort, embedded, item.head, like, self.options.filters == _TREE)
        return Chunk(CRITICAL, () if item.plan.twin >= 0 else covers, payload, digest, len(data))


def _like(base: Reference, entries: tuple[TensorEntry, ...], session: Session) -> "LikeTensors":
    """The bytes of a base in the order of these tensors; matched once in a session."""
    from lacodec.codecs.weights._reference import LikeTensors

    made: LikeTensors = session.once((LikeTensors, id(base), id(entries)), lambda: LikeTensors(base, entries))
    return made


def _bytes_of(part: memoryview | Lost) -> Iterator[Any]:
    return part.filled() if isinstance(part, Lost) else iter((part,))
