"""The sections of a file that several of its chunks need."""

from collections.abc import Iterable, Iterator

from lacodec.container import CRITICAL, Chunk
from lacodec.errors import CorruptFile


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
