"""Blocks of a source, cut again so that each ends with a line."""

from collections.abc import Iterator


def whole_lines(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """The same bytes in blocks of at most `most`; a line that is longer is cut."""
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
