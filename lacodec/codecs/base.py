"""The contract between a codec and everything around it.

value --encode--> chunks --container--> .lac --container--> chunks --decode_chunk--> parts --assemble--> value
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from lacodec.codecs.references import Base
from lacodec.container.types import Chunk, ChunkHead, Covers, Header
from lacodec.errors import BadInput

V = TypeVar("V")


@dataclass(frozen=True)
class Lost:
    """Stands in `assemble`'s parts for a chunk that could not be decoded; `covers` is None where even that is unknown."""

    covers: Covers | None


@dataclass(frozen=True)
class NoOptions:
    """For codecs without any options."""


def _nobody(_: int) -> None:
    """Takes reports of work that nobody wants."""


class Codec(ABC, Generic[V]):
    """Turns values into independent chunks and back. One module per codec; the registry finds it by its place.

    A codec sees values and sources and never opens files. Chunks must decode alone (but for the shared sections they depend on),
    and the stream must be the same with any number of threads, on any machine.

    Class attributes: `name`; `stream_version`, raised whenever old readers could not read new streams; `identical`, what is
    restored exactly ("bytes", "pixels", "samples", "none"); `also_identical`, what else `restores` may say; `appends`, whether
    the content of more files can be added behind; `takes_views`, whether a payload may be a memoryview; `media`, the module that
    turns files into values and back;
    `Options`, a frozen dataclass of plain values, validated in `__post_init__` with BadInput, each field with metadata
    {"help": ...}: the command derives its flags from it.

    An option called `base` names a file that content may be stored as differences to. Whoever runs the codec opens it: codecs
    find it in `bases`.

    Decoding must take what it needs from the chunk (or `header`), never from `self.options`: those are the encoder's.
    """

    name: ClassVar[str]
    stream_version: ClassVar[int]
    identical: ClassVar[str]
    also_identical: ClassVar[tuple[str, ...]] = ()
    appends: ClassVar[bool] = False
    takes_views: ClassVar[bool] = False
    media: ClassVar[str] = "lacodec.media.raw"

    Options: ClassVar[type[Any]] = NoOptions

    def __init__(self, options: Any = None) -> None:
        self.options = self.Options() if options is None else options
        #: Called with bytes of content handled since the last call, by codecs whose chunks take seconds: moves the progress bar.
        self.on_work: Callable[[int], None] = _nobody
        #: Opened: the option `base` of an encoder; for decoding, all that the user gave (`bases.needed` chooses).
        self.bases: Sequence[Base] = ()

    @abstractmethod
    def encode(self, value: V, threads: int = 1) -> Iterator[Chunk]:
        """Chunks of `value` in order, lazily, with bounded memory; `kind` CRITICAL, or ANCILLARY for what decoding can miss."""

    def metadata(self, value: V) -> dict[str, Any]:
        """What the header tells about `value`, as plain numbers, strings, lists and dicts."""
        return {}

    def restores(self, value: V) -> str:
        """What is restored exactly of this value: `identical`, or one of `also_identical`."""
        return self.identical

    def model_id(self) -> bytes | None:
        """SHA-256 of the trained weights that decoding needs, of codecs that need any."""
        return None

    def format_of(self, value: V) -> str | None:
        """The format of the file that `value` came from, as the header keeps it."""
        return getattr(value, "format", None)

    @abstractmethod
    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = ()) -> Any:
        """The part of the value in `chunk`, checked against its content hash; raises CorruptFile on anything wrong.

        `shared` are the chunks named in `chunk.depends`. Called from several threads at once. Any payload may arrive here:
        no crash, no hang, no more memory than `memory` says.
        """

    @abstractmethod
    def assemble(self, header: Header, parts: Iterator[Any]) -> V:
        """The value from its parts in order; when salvaging, `Lost` stands in place of a missing one."""

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Positions in `index` of the chunks that `lacodec.open(path)[key]` needs, in order; BadInput for a senseless key."""
        raise BadInput(f"codec {self.name!r} cannot be opened in the middle; decode the whole file")

    def extract(self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any]) -> Any:
        """What `key` asks for, out of the parts of the chunks that `select` named."""
        raise BadInput(f"codec {self.name!r} cannot be opened in the middle; decode the whole file")

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codec) and type(other) is type(self) and bool(self.options == other.options)

    def __hash__(self) -> int:
        return hash((self.name, self.options))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options})"

    def options_dict(self) -> dict[str, Any]:
        """The options as the header stores them."""
        return dataclasses.asdict(self.options)
