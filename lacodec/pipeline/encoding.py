"""From a value to a container: value --codec.encode--> chunks --verified--> write_container."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from lacodec.codecs.base import Codec
from lacodec.codecs.session import Session
from lacodec.container import CRITICAL, Chunk, Header, Written, write_container
from lacodec.container.types import describe_covers
from lacodec.errors import BadInput, CorruptFile, LacodecError, LimitExceeded
from lacodec.io.progress import Progress, Work
from lacodec.io.source import Source
from lacodec.io.threads import ordered_map
from lacodec.pipeline.blame import blamed
from lacodec.pipeline.shared_sections import SharedSections


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
    told = identical == "bytes" and codec.content_size(value) in (None, size)
    header = Header(
        codec=codec.name,
        stream_version=codec.version_of(value),
        options=codec.options_dict(),
        name=name,
        identical=identical,
        format=codec.format_of(value),
        size=None if told else size,
        metadata=metadata,
        model_id=codec.model_id(),
        nested={name: version for name, version in codec.nested_in(value).items() if version},
    )
    chunks: Iterable[Chunk] = _chunks_of(codec, value, session)
    if verify:
        chunks = verified(codec, header, chunks, session)
    return write_container(header, _reported(chunks, work), out)


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


def _chunks_of(codec: Codec[Any], value: Any, session: Session) -> Iterator[Chunk]:
    with blamed(codec, "encoding"):
        yield from codec.encode(value, session)


def _reported(chunks: Iterable[Chunk], work: Work) -> Iterator[Chunk]:
    for chunk in chunks:
        yield chunk
        work.whole_chunk(chunk.decoded_size)
