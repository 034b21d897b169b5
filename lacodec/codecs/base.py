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
from lacodec.container.types import Chunk, ChunkHead, Header
from lacodec.errors import BadInput
from lacodec.media.base import Media
from lacodec.media.raw import RAW

V = TypeVar("V")


@dataclass(frozen=True)
class NoOptions:
    """For codecs without any options."""


class Codec(ABC, Generic[V]):
    """Turns values into independent chunks and back. Frozen: options only; what it runs with is the `Session`.

    A codec sees values and sources and never opens files. Chunks must decode alone (apart from the shared sections they depend
    on), and the stream must be the same with any number of threads, on any machine.

    Class attributes:

    - `name`; `stream_version`, which new files get, raised whenever old readers could not read new streams; `reads`, the versions
      that are decoded beside it: `header.stream_version` says which (old decoders live in a folder `legacy/`).
    - `nested`: codec -> stream version of the payloads of other codecs inside (`codecs/embedded.py`).
    - `identical`: what is restored exactly ("bytes", "pixels", "samples", "points", "frames", "none"); `also_identical`, what
      else `restores` may say.
    - `media`, which turns files and objects into values and back; `by_content`, whether files that it recognises get this codec
      when the user names none (lossless codecs only).
    - `appends`, whether the content of more files can be added behind; `takes_views`, whether a payload may be a memoryview.
    - `bytewise`, whether each part is the bytes of the range of the restored file that its chunk covers, so that any range of the
      file can be had; `on_device`, whether `decode_on_device` is there.
    - `reference_option`: the option that names a file which content may be stored as differences to; whoever runs the codec opens
      it, and `session.references` holds it.
    - `Options`, a frozen dataclass of plain values, validated in `__post_init__` with BadInput, each field with metadata
      {"help": ...}: the command derives its flags from it.

    Decoding must take what it needs from the chunk (or `header`), never from `self.options`: those are the encoder's.
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

    @abstractmethod
    def encode(self, value: V, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of `value` in order, lazily, with bounded memory; `kind` CRITICAL, or ANCILLARY for what decoding can miss."""

    def metadata(self, value: V, session: Session = DEFAULT) -> dict[str, Any]:
        """What the header tells about `value`, as plain numbers, strings, lists and dicts."""
        return {}

    def restores(self, value: V) -> str:
        """What is restored exactly of this value: `identical`, or one of `also_identical`."""
        return self.identical

    def nested_in(self, value: V) -> Mapping[str, int]:
        """Those of `nested` that a file of this value may hold."""
        return self.nested

    def model_id(self) -> bytes | None:
        """SHA-256 of the trained weights that decoding needs, of codecs that need any."""
        return None

    def format_of(self, value: V) -> str | None:
        """The format of the file that `value` came from, as the header keeps it."""
        return getattr(value, "format", None)

    @abstractmethod
    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Any:
        """The part of the value in `chunk`, checked against its content hash; raises CorruptFile on anything wrong.

        `shared` are the chunks named in `chunk.depends`. Called from several threads at once. Any payload may arrive here:
        no crash, no hang, no more memory than `memory` says.
        """

    def decode_on_device(
        self, header: Header, chunks: Sequence[tuple[Chunk, Sequence[Chunk]]], device: Any, session: Session = DEFAULT
    ) -> list[Any]:
        """u8[...] of torch on a CUDA device for each of these chunks, given with the shared sections that it needs."""
        raise BadInput(f"codec {self.name!r} cannot decode on a device; decode on the CPU")

    @abstractmethod
    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> V:
        """The value from its parts in order; when salvaging, `regions.Lost` stands in place of a missing one."""

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Positions in `index` of the chunks that `lacodec.open(path)[key]` needs, in order; BadInput for a senseless key."""
        raise BadInput(f"codec {self.name!r} cannot read a part of a file; decode the whole file")

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """What `key` asks for, out of the parts of the chunks that `select` named."""
        raise BadInput(f"codec {self.name!r} cannot read a part of a file; decode the whole file")

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout | None:
        """What an open file is to a caller; None where only this codec knows what keys mean.

        Of codecs that have one, `select` and `extract` see a slice with step 1 for each of its `axes`, behind the name if there
        are names; all else that keys may say is done to what `extract` gives. `part(position)` decodes a chunk.
        """
        return None

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it, where the codec packs it or knows more from the index."""
        return header.metadata

    @staticmethod
    def table(header: Header) -> Sequence[Any] | None:
        """What lies where in the restored bytes, as entries of the media, where the header keeps it; None where it does not."""
        return None

    @staticmethod
    def made_of(header: Header) -> Mapping[str, Any] | None:
        """What is to be known of these entries beside their places, such as their types in a program; None for nothing."""
        return None

    @classmethod
    def samples(cls) -> list[Any]:
        """Small values as `lacodec.encode` takes them that between them need every kernel: what `lacodec warmup` encodes."""
        return []

    def chunk_size(self) -> int:
        """Bytes of content that the encoder puts into one chunk at most: decides how much is in memory at a time."""
        return 64 << 20

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Bytes needed to encode one chunk of `size` bytes of content, or to decode `payload` to that many; all included."""
        return 4 * size

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of `content` inside another codec's (`codecs/embedded.py`)."""
        raise BadInput(f"codec {self.name!r} cannot be embedded in another codec")

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
        """What `embed` was given; raises CorruptFile. `header.nested` says which stream version it is.

        expected: what the outer codec knows about it, such as its size.
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
