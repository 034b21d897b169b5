"""From the chunks of a container to a value: stream/salvage --> chunks --decode_chunk--> parts."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Damage, Header
from lacodec.container.types import Covers
from lacodec.errors import BadInput, CorruptFile, CutOff, LimitExceeded, UnsupportedFile
from lacodec.io.progress import Progress, Work
from lacodec.io.threads import Budget, ordered_map
from lacodec.pipeline.blame import blamed
from lacodec.pipeline.shared_sections import SharedSections

_NEED_MORE = {"image.compressai": "which needs its model: lacodec.integrations.compressai.decode(model, data)"}
SALVAGE_HINT = "; --salvage decodes the others"
"""The end of messages about damage, if the rest of the file may be intact."""


def codec_of(header: Header, name: str) -> Codec[Any]:
    """The codec that can decode the file called `name`; raises UnsupportedFile."""
    try:
        codec_class = registry.get(header.codec)
    except BadInput as error:
        todo = _NEED_MORE.get(header.codec, "which is not installed; update lacodec")
        raise UnsupportedFile(f"{name}: needs codec {header.codec!r}, {todo}") from error
    if not codec_class.decodes(header.stream_version):
        known = ", ".join(map(str, sorted({codec_class.stream_version, *codec_class.reads})))
        raise UnsupportedFile(
            f"{name}: stream version {header.stream_version} of codec {header.codec!r} is not supported (supported: {known}); "
            "update lacodec"
        )
    possible = (codec_class.identical, *codec_class.also_identical)
    if header.identical not in possible:
        raise CorruptFile(
            f"{name}: claims identical {header.identical!r}, but codec {header.codec!r} gives {' or '.join(map(repr, possible))}"
        )
    return codec_class()


class Decoding:
    """Turns the chunks of one file into parts, over threads.

    Without `salvage` the first damage is an error; with it, each becomes a message in `damage` and a `Lost` among the parts.
    The references of the session are the bases that the content may be stored as differences to; the caller closes them.
    """

    def __init__(self, header: Header, name: str, session: Session, salvage: bool = False) -> None:
        self.header, self.codec, self.session = header, codec_of(header, name), session
        self.damage: list[str] = []
        self.done = 0  # bytes decoded so far
        self.cut: str | None = None  # what the codec says of a file that was cut off and yet can be decoded
        self._name, self._salvage, self._budget = name, salvage, Budget(session.max_memory)
        self._shared = SharedSections()
        self._lock = threading.Lock()

    def whole(self, chunks: Iterable[Chunk | Damage], progress: Progress | None = None) -> Any:
        """The value; raises CorruptFile or LimitExceeded that name the file."""
        try:
            with blamed(self.codec, f"putting {self._name} together"):
                return self.codec.assemble(self.header, self.parts(chunks, progress), self.session)
        except (CorruptFile, LimitExceeded) as error:
            if str(error).startswith(f"{self._name}: "):  # about a chunk, which names both
                raise
            raise type(error)(f"{self._name}: {error}") from error

    def parts(self, chunks: Iterable[Chunk | Damage], progress: Progress | None = None) -> Iterator[Any]:
        """Parts in order; chunks that carry no part (ancillary, shared) are left out."""
        work = Work(progress)
        session = replace(self.session, report=work.within_chunk)
        relevant, decode = self._relevant(chunks), partial(self._part, session=session)
        inline = session.threads == 1 and self.codec.quick(self.header)
        for size, part in map(decode, relevant) if inline else ordered_map(decode, relevant, session.threads):
            self.done += size
            work.whole_chunk(size)
            yield part

    def part(self, chunk: Chunk, session: Session | None = None, decode: Callable[..., Any] | None = None) -> Any:
        """One decoded chunk; raises CorruptFile that names it. decode: in place of the codec's `decode_chunk`."""
        place = f"{self._name}: {chunk.describe()}"
        try:
            with (
                self._budget.use(lambda: len(chunk.payload) + self.codec.memory(chunk.decoded_size, chunk.payload)),
                blamed(self.codec, f"decoding {place}"),
            ):
                decode = decode or self.codec.decode_chunk
                return decode(self.header, chunk, self._shared.needed_by(chunk), session or self.session)
        except CorruptFile as error:
            raise CorruptFile(f"{place} is damaged: {error}{SALVAGE_HINT}") from error
        except LimitExceeded as error:
            raise LimitExceeded(f"{place}: {error}") from error
        except BadInput as error:  # a base that was not given, or another one
            raise BadInput(f"{self._name}: {error}") from error
        except MemoryError as error:
            raise LimitExceeded(f"{place}: out of memory while decoding {chunk.decoded_size} bytes") from error

    def notice_shared(self, chunk: Chunk) -> None:
        """Keep a shared section for the chunks that come after it."""
        self._shared.notice(chunk, chunk.sequence)

    def needed_by(self, chunk: Chunk) -> tuple[Chunk, ...]:
        """The shared sections that a chunk needs, of those that came before; raises CorruptFile when one is lost."""
        return self._shared.needed_by(chunk)

    def _relevant(self, chunks: Iterable[Chunk | Damage]) -> Iterator[Chunk | Damage]:
        for chunk in self._to_the_cut(chunks):
            if isinstance(chunk, Damage):
                self._lose(chunk.message)
                if chunk.content:
                    yield chunk
                continue
            self.notice_shared(chunk)
            if chunk.kind == CRITICAL and chunk.covers:
                yield chunk

    def _to_the_cut(self, chunks: Iterable[Chunk | Damage]) -> Iterator[Chunk | Damage]:
        """The chunks; a file that ends too early just ends, if the codec can do with what is left."""
        covers: list[Covers] = []
        try:
            for chunk in chunks:
                if isinstance(chunk, Chunk):
                    covers.append(chunk.covers)
                yield chunk
        except CutOff as error:
            begun = error.chunk
            self.cut = self.codec.beginning(self.header, begun) if begun is not None else None
            if begun is not None and self.cut is not None:
                yield begun
                return
            self.cut = self.codec.cut_after(self.header, covers)
            if self.cut is None:
                raise

    def _part(self, chunk: Chunk | Damage, session: Session) -> tuple[int, Any]:
        if isinstance(chunk, Damage):
            return 0, Lost(chunk.covers)
        try:
            return chunk.decoded_size, self.part(chunk, session)
        except CorruptFile as error:
            if not self._salvage:
                raise
            self._lose(str(error))
            return 0, Lost(chunk.covers)

    def _lose(self, message: str) -> None:
        with self._lock:
            self.damage.append(message.removesuffix(SALVAGE_HINT))
