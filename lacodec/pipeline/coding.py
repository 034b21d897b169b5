"""The road of a value through codec and container, in both directions; everything in `lacodec.api` takes it.

value --codec.encode--> chunks --verified--> write_container        stream/salvage --> chunks --decode_chunk--> parts
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Damage, Header, Written, write_container
from lacodec.container.types import describe_covers
from lacodec.errors import BadInput, CorruptFile, LacodecError, LimitExceeded, UnsupportedFile
from lacodec.io.progress import Progress, Work
from lacodec.io.remote import is_url
from lacodec.io.source import FileSource, Source
from lacodec.io.streams import seekable
from lacodec.io.threads import Budget, ordered_map

DEFAULT_CODEC = "bytes"
_NEED_MORE = {"image.compressai": "which needs its model: lacodec.integrations.compressai.decode(model, data)"}
SALVAGE_HINT = "; --salvage decodes the others"
"""The end of messages about damage, if the rest of the file may be intact."""


def make_codec(name: str | None, options: Mapping[str, Any]) -> Codec[Any]:
    """The codec `name` (None: `bytes`) with these options; raises BadInput for unknown names and values."""
    codec_class = registry.get(name or DEFAULT_CODEC)
    known = list(codec_class.Options.__dataclass_fields__)
    for option in options:
        if option not in known:
            raise BadInput(f"codec {codec_class.name!r} has no option {option!r}; it has: {', '.join(known) or 'none'}")
    return codec_class(codec_class.Options(**options))


def default_codec(options: Mapping[str, Any]) -> Codec[Any]:
    """The codec for files that another one, chosen by content, does not suit; of that one's options, those that it has, too."""
    known = registry.get(DEFAULT_CODEC).Options.__dataclass_fields__
    return make_codec(None, {name: value for name, value in options.items() if name in known})


@dataclass(frozen=True)
class Job:
    """A file ready to be encoded: `source` holds its bytes, `remark` is a note for the user about the choice of codec, and
    `detail` one for users who want to know more."""

    codec: Codec[Any]
    value: Any
    source: Source
    remark: str | None = None
    detail: str | None = None


def prepare(source: Source, name: str | None, options: Mapping[str, Any]) -> Job:
    """The value in `source` and the codec `name` for it (None: lossless, chosen by content).

    A file that looks like one of a kind but cannot be restored exactly by that kind's codec goes to codec `bytes`.
    """
    remark = detail = kind = None
    if name is None:
        head = source.peek(registry.HEAD_SIZE)
        remark = registry.remark_on(head)
        for chosen in registry.by_content(head):
            if not chosen.media.streams:
                source = seekable(source)
            if not chosen.suits(source, options):
                continue
            codec = make_codec(chosen.name, _for_this(chosen, options))
            try:
                value = from_source(codec, source)
                if source.size is None or source.size >= codec.media.smallest:
                    return Job(codec, value, source, remark)
                kind = getattr(value, "format", None)
            except UnsupportedFile as error:
                remark = f"{str(error).removeprefix(f'{source.name}: ')}; codec {DEFAULT_CODEC} keeps its bytes"
                if chosen.media.quiet:
                    remark, detail = None, remark
            break
    codec = make_codec(name, options)
    if not codec.media.streams:
        source = seekable(source)
    value = from_source(codec, source)
    if kind is not None:
        value = replace(value, format=kind)
    return Job(codec, value, source, remark or getattr(value, "note", None), detail)


def _for_this(chosen: type[Codec[Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a codec that the content chose: of the common ones, such as the effort, only those that it has."""
    own, general = (codec.Options.__dataclass_fields__ for codec in (chosen, registry.get(DEFAULT_CODEC)))
    return {name: value for name, value in options.items() if name in own or name not in general}


def from_source(codec: Codec[Any], source: Source) -> Any:
    """The value that the codec's media finds in a file; an unexpected error of its code names the codec."""
    with blamed(codec, f"reading {source.name}"):
        return codec.media.from_source(source)


@contextmanager
def blamed(codec: Codec[Any], doing: str) -> Iterator[None]:
    """Turns unexpected errors of a codec from another package into one that names it; our own bugs are raised unchanged."""
    try:
        yield
    except (LacodecError, MemoryError):
        raise
    except Exception as error:
        if type(codec).__module__.startswith("lacodec."):
            raise
        where = f"{type(codec).__module__}.{type(codec).__qualname__}"
        raise LacodecError(
            f"codec {codec.name!r} ({where}) failed while {doing}: {type(error).__name__}: {error}; report it to its authors"
        ) from error


def _chunks_of(codec: Codec[Any], value: Any, session: Session) -> Iterator[Chunk]:
    with blamed(codec, "encoding"):
        yield from codec.encode(value, session)


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


def encode_value(
    codec: Codec[Any],
    value: Any,
    source: Source | None,
    out: BinaryIO,
    *,
    name: str | None = None,
    session: Session,
    verify: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Encode `value` (made from `source`, if any) to `out`, each chunk decoded again before it is written if `verify`."""
    size = source.size if source is not None else None
    chunk_size = codec.chunk_size() if size is None else min(size, codec.chunk_size())
    work = Work(progress, size, passes=2 if verify else 1, content=codec.content_size(value))
    threads = fit_threads(codec, chunk_size, session.threads, session.max_memory)
    session = replace(session, threads=threads, report=work.within_chunk)
    with blamed(codec, "describing what it encodes"):
        identical, metadata = codec.restores(value), codec.metadata(value, session)
    # Of codecs that restore bytes the chunks tell the size; repeating it would go stale when something is appended.
    header = Header(
        codec=codec.name,
        stream_version=codec.stream_version,
        options=codec.options_dict(),
        name=name,
        identical=identical,
        format=codec.format_of(value),
        size=None if identical == "bytes" else size,
        metadata=metadata,
        model_id=codec.model_id(),
        nested={name: version for name, version in codec.nested_in(value).items() if version},
    )
    chunks: Iterable[Chunk] = _chunks_of(codec, value, session)
    if verify:
        chunks = verified(codec, header, chunks, session)
    return write_container(header, _reported(chunks, work), out)


def stored_name(source: Source) -> str | None:
    """The name that the header keeps: a file's own, unless a header cannot hold it (control characters, undecodable bytes)."""
    name = source.path.name if isinstance(source, FileSource) else ""
    if is_url(source.name):
        name = PurePosixPath(unquote(urlsplit(source.name).path)).name
    return name if name and name.isprintable() else None


def fit_threads(codec: Codec[Any], chunk_size: int, threads: int, max_memory: int | None) -> int:
    """As many of `threads` as `max_memory` bytes allow; raises LimitExceeded when one is too many."""
    if threads < 1:
        raise BadInput(f"threads is {threads}; give 1 or more")
    if max_memory is None:
        return threads
    need = codec.memory(chunk_size)
    if need > max_memory:
        raise LimitExceeded(
            f"codec {codec.name!r} needs about {need >> 20} MiB of memory for this input, the limit is {max_memory >> 20} MiB; "
            "raise it, or encode with less effort"
        )
    return max(1, min(threads, max_memory // need))


def verified(codec: Codec[Any], header: Header, chunks: Iterable[Chunk], session: Session) -> Iterator[Chunk]:
    """The same chunks, each after it has been decoded and compared with its content hash."""
    shared = SharedSections()

    def check(chunk: Chunk) -> Chunk:
        if chunk.kind == CRITICAL and chunk.covers:
            try:
                codec.decode_chunk(header, chunk, shared.needed_by(chunk), session)
            except CorruptFile as error:
                raise LacodecError(
                    f"verification failed: range {describe_covers(chunk.covers)} does not decode to the original ({error}); "
                    "nothing was kept; this is a fault in lacodec or in this machine's memory"
                ) from error
        return chunk

    return ordered_map(check, shared.noticed(chunks), session.threads)


class SharedSections:
    """Keeps the shared sections that have come by, for the chunks that depend on them."""

    def __init__(self) -> None:
        self._found: dict[int, Chunk] = {}
        self._count = 0

    def noticed(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks of a stream that is being encoded, numbered because the container has not yet done so."""
        for chunk in chunks:
            self.notice(chunk, self._count)
            self._count += 1
            yield chunk

    def notice(self, chunk: Chunk, sequence: int) -> None:
        """Keep `chunk` if it is a shared section."""
        if chunk.kind == CRITICAL and not chunk.covers:
            self._found[sequence] = chunk

    def needed_by(self, chunk: Chunk) -> tuple[Chunk, ...]:
        """The chunks in `chunk.depends`; raises CorruptFile if one is lost."""
        try:
            return tuple(self._found[sequence] for sequence in chunk.depends)
        except KeyError as error:
            raise CorruptFile(f"it needs the shared section in chunk {error}, which is lost") from error


class Decoding:
    """Turns the chunks of one file into parts, over threads.

    Without `salvage` the first damage is an error; with it, each becomes a message in `damage` and a `Lost` among the parts.
    The references of the session are the bases that the content may be stored as differences to; the caller closes them.
    """

    def __init__(self, header: Header, name: str, session: Session, salvage: bool = False) -> None:
        self.header, self.codec, self.session = header, codec_of(header, name), session
        self.damage: list[str] = []
        self.done = 0  # bytes decoded so far
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
        for chunk in chunks:
            if isinstance(chunk, Damage):
                self._lose(chunk.message)
                if chunk.content:
                    yield chunk
                continue
            self.notice_shared(chunk)
            if chunk.kind == CRITICAL and chunk.covers:
                yield chunk

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


def _reported(chunks: Iterable[Chunk], work: Work) -> Iterator[Chunk]:
    for chunk in chunks:
        yield chunk
        work.whole_chunk(chunk.decoded_size)
