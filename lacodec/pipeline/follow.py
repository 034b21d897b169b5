"""A log that grows -> a `.lac` file that grows with it: `Follower`.

log --what has come, up to the end of a line--> chunks --> end of the `.lac` file

Chunks that are smaller than a block are made again as one when there are `_SMALL` of them: the file is then written anew beside
the old one and takes its place.
"""

import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from lacodec.codecs.base import Codec
from lacodec.codecs.session import Session
from lacodec.container import Chunk, Header, Reader, shift_chunks, write_container
from lacodec.container.types import ChunkHead, content_hash
from lacodec.errors import BadInput
from lacodec.io.output import atomic_file
from lacodec.io.source import FileSource, Part, Source
from lacodec.pipeline.choice import from_source, make_codec, stored_name
from lacodec.pipeline.encoding import encode_value, verified
from lacodec.pipeline.files import FileResult, add_chunks, coder_for_more

_SMALL = 16
"""Chunks at the end that are small, from which on they are made one."""
_LONGEST_LINE = 1 << 20
"""Bytes that are searched for the end of a line."""


class Follower:
    """The state of one log. `place`: bytes of the log that the `.lac` file has.

    Closed by `close` or `with`.
    """

    def __init__(
        self,
        log: str | os.PathLike[str],
        target: str | os.PathLike[str],
        codec: str,
        options: dict[str, Any],
        session: Session,
        verify: bool = True,
    ) -> None:
        """Open the log. A `target` that exists keeps its codec and options; BadInput if it does not hold the log's beginning."""
        self._target, self._session, self._verify = Path(os.path.realpath(target)), session, verify
        self.place = 0
        self._log = FileSource(log)
        try:
            self._codec = self._resumed() if os.path.lexists(self._target) else make_codec(codec, options)
            if not self._codec.appends:
                raise BadInput(f"codec {self._codec.name!r} cannot append, so it cannot follow a log; use log or bytes")
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the log; what has come since the last `take` stays out."""
        self._log.close()

    @property
    def block(self) -> int:
        """Bytes that make a chunk of full size."""
        return self._codec.chunk_size()

    def waiting(self) -> int:
        """Bytes that have come and are not yet in the `.lac` file; negative if the log was cut."""
        self._log.refresh()
        return self._log.size - self.place

    def replaced(self) -> bool:
        """Whether the log's name belongs to another file now, or to none."""
        try:
            now = os.stat(self._log.path)
        except FileNotFoundError:
            return True
        return self._log.facts is None or not os.path.samestat(self._log.facts, now)

    def take(self, everything: bool = False) -> int:
        """Put in what has come, up to the end of the last whole line, or everything; returns how many bytes these are."""
        more = max(0, self.waiting())
        stop = self.place + more
        if not everything:
            begin = max(self.place, stop - _LONGEST_LINE)
            feed = self._log.read(begin, stop - begin).rfind(b"\n")
            stop = begin + feed + 1 if feed >= 0 else self.place if more < self.block else stop
        if stop > self.place or not os.path.lexists(self._target):
            self._extend(stop)
        more, self.place = stop - self.place, stop
        return more

    def result(self) -> FileResult:
        """What there is now."""
        return FileResult(self.place, os.path.getsize(self._target), self._codec.name, self._codec.identical)

    def _extend(self, stop: int) -> None:
        if not os.path.lexists(self._target):
            part = Part(self._log, 0, stop)
            value = from_source(self._codec, part)
            with atomic_file(self._target, like=self._log) as out:
                encode_value(
                    self._codec,
                    value,
                    part,
                    out,
                    name=stored_name(self._log),
                    session=self._session,
                    verify=self._verify,
                )
            return
        with FileSource(self._target) as old:
            reader = Reader(old)
            kept = self._kept(reader.index, stop)
            begin = reader.index[kept].covers[0][0] if kept < len(reader.index) else self.place
            chunks = self._encoded(reader.header, Part(self._log, begin, stop))
            if kept == len(reader.index) and not reader.compact:
                add_chunks(self._target, old, chunks)
            else:
                for head in reader.index[kept:]:
                    _compare(self._log, head, self._target)
                both = chain((reader.chunk(i) for i in range(kept)), shift_chunks(chunks, begin, kept))
                with atomic_file(self._target, force=True) as out:
                    write_container(reader.header, both, out)

    def _kept(self, index: tuple[ChunkHead, ...], stop: int) -> int:
        """How many chunks stay as they are: all, unless many at the end fit into one block with what has come."""
        kept = len(index)
        while kept and stop - index[kept - 1].covers[0][0] <= self.block:
            kept -= 1
        return kept if len(index) - kept >= _SMALL else len(index)

    def _encoded(self, header: Header, more: Source) -> Iterator[Chunk]:
        chunks = self._codec.encode(from_source(self._codec, more), self._session)
        return verified(self._codec, header, chunks, self._session) if self._verify else chunks

    def _resumed(self) -> Codec[Any]:
        with FileSource(self._target) as old:
            reader = Reader(old)
            codec = coder_for_more(reader, self._target)
            for head in reader.index[-1:]:
                _compare(self._log, head, self._target)
                self.place = head.covers[0][1]
        return codec


def follow(follower: Follower, every: float, stopped: Callable[[float], bool], told: Callable[[int], None]) -> str:
    """Take in what comes, until `stopped` or the log is replaced; returns "stopped", "replaced" or "cut".

    A block is taken when it is full, less after `every` seconds. stopped: waits so many seconds, and says whether to stop. told:
    gets the bytes of each portion.
    """
    since = 0.0
    told(follower.take())
    while True:
        pause = min(1.0, every)
        ending = "stopped" if stopped(pause) else "replaced" if follower.replaced() else ""
        waiting, since = follower.waiting(), since + pause
        if waiting < 0:
            return "cut"
        if ending:
            told(follower.take(everything=True))
            return ending
        if waiting and (waiting >= follower.block or since >= every):
            told(follower.take())
            since = 0.0


def _compare(log: Source, head: ChunkHead, target: Path) -> None:
    start, stop = head.covers[0]
    if content_hash(log.read(start, stop - start)) != head.content_hash:
        raise BadInput(f"{target}: does not hold the beginning of {log.name}; choose another output with -o")
