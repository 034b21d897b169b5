"""Lines: blocks that end with one, and those of a chunk that were looked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lines:
    """count: lines of a chunk; open_end: whether its last one has no line feed; found: (place, line) of those that match."""

    count: int
    open_end: bool
    found: Sequence[tuple[int, bytes]]


def whole_lines(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """The same bytes in blocks of at most `most`, each with the end of a line at its end; a line that is longer is cut."""
    kept = b""
    for block in blocks:
        data = kept + block if kept else block
        while len(data) > most:
            stop = data.rfind(b"\n", 0, most) + 1 or most
            yield data[:stop]
            data = data[stop:]
        kept = data
    if kept:
        yield kept
