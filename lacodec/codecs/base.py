"""The contract between a codec and everything around it.

value --encode--> chunks --container--> .lac --container--> chunks --decode_chunk--> parts --assemble--> value
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from lacodec.codecs.regions import Layout
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Chunk, ChunkHead, Covers, Header
from lacodec.errors import BadInput
from lacodec.io.source import Source
from lacodec.media.base import Media
from lacodec.media.raw import RAW

V = TypeVar("V")


@dataclass(frozen=True)
class NoOptions:
    """For codecs without any options."""


class Codec(ABC, Generic[V]):
    """Turns values into independent chunks and back. Frozen: it holds only options; the `Session` holds everything it runs with.

    A codec sees values and sources and never opens files. Chunks must decode alone (apart from the shared sections they depend
    on), and the stream must be the same with any number of threads, on any machine.

    Class attributes:

    - `name`; `stream_version`, the version of new files, raised whenever old readers could not read new streams; `reads`, the
      other versions that are decoded: `header.stream_version` gives the one (old decoders live in a folder `legacy/`).
    - `nested`: codec -> stream version of the payloads of other codecs in its streams (`codecs/embedded.py`).
    - `identical`: the part that is restored exactly ("bytes", "pixels", "samples", "points", "frames", "none");
      `also_identical`, other results of `restores`.
    - `media`, which turns files and objects into values and back; `by_content`, whether files that it recognises get this codec
      by default (lossless codecs only).
    - `appends`, whether the content of more files can be appended; `takes_views`, whether a payload may be a memoryview.
    - `bytewise`, whether each part is the bytes of the range of the restored file that its chunk covers, so that any range of the
      file can be read (`covers_file` if only of some files); `on_device`, whether the codec has `decode_on_device`.
    - `reference_option`: the option that names a base, a file that content may be stored as differences to; the caller of the
      codec opens it and passes it in `session.references`.
    - `Options`, a frozen dataclass of plain values, validated in `__post_init__` with BadInput, each field with metadata
      {"help": ...}: the command derives its flags from it. `sample_options`: those that encoding `samples` needs.

    Decoding must use only the chunk and `header`, never `self.options`, which belong to the encoder.
    """

    name: ClassVar[str]
    stream_version: ClassVar[int]
    reads: ClassVar[frozenset[int]] = frozenset()
    nested: ClassVar[Mapping[str, int]] = {}
    identical: ClassVar[str]
    also_identical: ClassVar[tuple[str, ...]] = ()
    media: ClassVar[Media[Any]] = RAW
    by_content: ClassVar[bool] = False
    appends: ClassVar[bool] = False
    takes_views: ClassVar[bool] = False
    bytewise: ClassVar[bool] = False
    on_device: ClassVar[bool] = False
    reference_option: ClassVar[str | None] = None
    sample_options: ClassVar[Mapping[str, Any]] = {}

    Options: ClassVar[type[Any]] = NoOptions

    options: Any

    def __init__(self, options: Any = None) -> None:
        object.__setattr__(self, "options", self.Options() if options is None else options)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"codec {self.name!r} is frozen; {name!r} belongs in its options or in a Session")

    @classmethod
    def decodes(cls, version: int) -> bool:
        """Whether streams of this version can be decoded."""
        return version == cls.stream_version or version in cls.reads

    @classmethod
    def suits(cls, source: Source, options: Mapping[str, Any]) -> bool:
        """Whether a file that `media` recognised by its first bytes gets this codec, with these options; else others may."""
        return True

    def version_of(self, value: V) -> int:
        """The stream version of the file for this value: `stream_version`, or one of `reads` that only such values need."""
        return self.stream_version

    @classmethod
    def suiting(cls, options: Any) -> "Codec[Any]":
        """The codec for these options: this one with them, or another that some of them call for."""
        return cls(options)

    def suited(self, value: V) -> "Codec[V]":
        """The codec for this value: this one, or another for the same kind of values that makes it smaller."""
        return self

    @abstractmethod
    def encode(self, value: V, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of `value` in order, lazily, with bounded memory; `kind` ANCILLARY if decoding does not need a chunk."""

    def metadata(self, value: V, session: Session = DEFAULT) -> dict[str, Any]:
        """The description of `value` for the header, as plain numbers, strings, lists and dicts."""
        return {}

    def restores(self, value: V) -> str:
        """The part of this value that is restored exactly: `identical`, or one of `also_identical`."""
        return self.identical

    def nested_in(self, value: V) -> Mapping[str, int]:
        """Those of `nested` that a file of this value may hold."""
        return self.nested

    def model_id(self) -> bytes | None:
        """SHA-256 of the trained weights that decoding needs; None for codecs without weights."""
        return None

    def machine_bound(self) -> str | None:
        """The machine, in words, if only machines like this one can decode what the encoder writes; None for all others.

        Such files are always verified. The header should name the machine, and decoders elsewhere raise UnsupportedFile.
        """
        return None

    def format_of(self, value: V) -> str | None:
        """The format of the file that `value` came from, as the header keeps it."""
        return getattr(value, "format", None)

    @abstractmethod
    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Any:
        """The part of the value in `chunk`, checked against its content hash; raises CorruptFile on any error.

        `shared` are the chunks named in `chunk.depends`. Called from several threads at once. Any payload may be passed:
        it must not crash, hang, or take more memory than `memory` returns.
        """

    def cut_after(self, header: Header, covers: Sequence[Covers]) -> str | None:
        """What is left of a file that was cut off after the chunks with these covers, in words; None if it cannot be decoded."""
        return None

    def beginning(self, header: Header, chunk: Chunk) -> str | None:
        """What the beginning of a payload, that of `chunk`, holds, in words; None where it cannot be decoded.

        Where this is not None, `decode_chunk` gets the chunk with `cut` set: its content hash cannot be checked.
        """
        return None

    def decode_on_device(
        self, header: Header, chunks: Sequence[tuple[Chunk, Sequence[Chunk]]], device: Any, session: Session = DEFAULT
    ) -> list[Any]:
        """A torch u8[...] on a CUDA device for each of these chunks; each comes with the shared sections that it needs."""
        raise BadInput(f"codec {self.name!r} cannot decode on a device; decode on the CPU")

    @abstractmethod
    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> V:
        """The value from its parts in order; when salvaging, `regions.Lost` replaces each missing one."""

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Positions in `index` of the chunks that `lacodec.open(path)[key]` needs, in order; BadInput for an invalid key."""
        raise BadInput(f"codec {self.name!r} cannot read a part of a file; decode the whole file")

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """The content that `key` selects, from the parts of the chunks that `select` returned."""
        raise BadInput(f"codec {self.name!r} cannot read a part of a file; decode the whole file")

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout | None:
        """The form in which a caller sees an open file; None if only this codec understands the keys.

        With a layout, `select` and `extract` get a slice with step 1 for each of its `axes`, after the name if it has names; the
        rest of a key is applied to the result of `extract`. `part(position)` decodes a chunk.
        """
        return None

    def find_lines(self, header: Header, chunk: Chunk, pattern: Any, session: Session = DEFAULT) -> Any:
        """The lines of a chunk that a `codecs.log.search.Pattern` matches, as `Lines`; None where all must be decoded."""
        return None

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it, if the codec packs it or knows more from the index."""
        return header.metadata

    @staticmethod
    def table(header: Header) -> Sequence[Any] | None:
        """The places in the restored bytes, as entries of the media, if the header holds them; else None."""
        return None

    @staticmethod
    def made_of(header: Header) -> Mapping[str, Any] | None:
        """Further facts about these entries, such as their types in a program; None if the header has none."""
        return None

    @classmethod
    def samples(cls) -> list[Any]:
        """Small values for `lacodec.encode` that together use every kernel; `lacodec warmup` encodes them."""
        return []

    @classmethod
    def samples_at(cls, effort: int) -> list[Any]:
        """Those of `samples` that `lacodec warmup` encodes with this effort; all, where no other effort has the same kernels."""
        return cls.samples()

    def chunk_size(self) -> int:
        """Maximum bytes of content in one chunk of the encoder; it determines the memory in use at a time."""
        return 64 << 20

    def covers_file(self, header: Header) -> bool:
        """Whether the parts of this file are the bytes of ranges of the restored file."""
        return self.bytewise

    def content_size(self, value: V) -> int | None:
        """Bytes of content in the chunks of `value` together; None if that is the size of its file, or unknown."""
        return None

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Bytes needed to encode one chunk of `size` bytes of content, or to decode `payload` to that many, in all."""
        return 4 * size

    def quick(self, header: Header) -> bool:
        """Whether a chunk of this file decodes in milliseconds, so that one thread need not be another than the caller's."""
        return False

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of `content` inside another codec's (`codecs/embedded.py`)."""
        raise BadInput(f"codec {self.name!r} cannot be embedded in another codec")

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
        """The content that was passed to `embed`; raises CorruptFile. `header.nested` gives its stream version.

        expected: facts that the outer codec knows about it, such as its size.
        """
        raise BadInput(f"codec {self.name!r} cannot be embedded in another codec")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codec) and type(other) is type(self) and bool(self.options == other.options)

    def __hash__(self) -> int:
        return hash((self.name, self.options))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options})"

    def options_dict(self) -> dict[str, Any]:
        """The options as the header stores them."""
        return dataclasses.asdict(self.options)
