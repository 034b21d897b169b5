"""Proves a finished `.lac` file before it is kept: the output of a plain `decode` is compared with the original.

.lac --container--> chunks --codec--> value --media--> the file that decode writes  ==  the original?
"""

import tempfile
from typing import Any

import xxhash

from lacodec.codecs.session import Session
from lacodec.container import Limits, stream
from lacodec.errors import LacodecError
from lacodec.io.compare import first_difference
from lacodec.io.progress import Progress
from lacodec.io.source import OpenedSource, Source
from lacodec.io.streams import IteratorSource
from lacodec.pipeline.blame import blamed
from lacodec.pipeline.decoding import Decoding


class Watched(Source):
    """A source that is read forwards and keeps a hash of the bytes read: a pipe cannot be read again to compare."""

    def __init__(self, source: Source) -> None:
        self._source, self.size, self.name = source, source.size, source.name
        self._digest, self._read = xxhash.xxh3_128(), 0

    def read(self, offset: int, n: int) -> bytes:
        """As in Source, but only forwards."""
        data = self._source.read(offset, n)
        self._digest.update(data)
        self._read += len(data)
        return data

    def peek(self, n: int) -> bytes:
        """As in Source."""
        return self._source.peek(n)

    @property
    def seen(self) -> tuple[int, bytes]:
        """(bytes read, their hash)."""
        return self._read, self._digest.digest()


def lost_by_decoding(lac: Source, original: Source, session: Session, progress: Progress | None = None) -> str | None:
    """The part of `original` that a plain `decode` of the `.lac` file `lac` would lose; None if it loses nothing.

    original: the file itself, or the `Watched` pipe that was encoded. Of lossy codecs only that the file can be decoded and
    written. Nothing is held in memory that decoding does not hold.
    """
    name = lac.name
    try:
        header, chunks = stream(lac, Limits(None, session.max_memory))
        decoding = Decoding(header, name, session)
        value = decoding.whole(chunks, progress)
        media = decoding.codec.media
        with blamed(decoding.codec, f"writing {name}"):
            blocks = media.to_blocks(value)
            if header.identical == "bytes":
                return _other_bytes(IteratorSource(iter(blocks)), original)
            with tempfile.TemporaryFile() as file:
                for block in blocks:
                    file.write(block)
                file.flush()
                restored = OpenedSource(file, name)
                if header.identical == "none" or first_difference(original, restored) is None:
                    return None
                return media.difference(original, restored)
    except (LacodecError, OSError) as error:
        return f"it does not decode ({str(error).removeprefix(f'{name}: ')})"


def _other_bytes(restored: Any, original: Source) -> str | None:
    if isinstance(original, Watched):
        again = Watched(restored)
        for _ in again.blocks(1 << 20):
            pass
        return None if again.seen == original.seen else "the bytes differ"
    at = first_difference(original, restored)
    return None if at is None else f"the bytes differ from offset {at} on"
