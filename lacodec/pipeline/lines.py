"""Lines in the middle of a `.lac` file: those that match a pattern, and those with certain numbers.

index --chunks--> Codec.find_lines, or all decoded --> lines with their numbers
"""

from collections.abc import Iterator
from typing import Any

from lacodec.codecs.log.lines import Lines
from lacodec.codecs.log.search.pattern import Pattern
from lacodec.codecs.log.search.scan import scan
from lacodec.container import CRITICAL, Chunk, Reader
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.threads import ordered_map
from lacodec.pipeline.decoding import Decoding


def matching(reader: Reader, decoding: Decoding, pattern: Pattern, threads: int = 1) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its line feed) of the lines that match, in order. Raises UnsupportedFile, CorruptFile."""
    positions = _positions(reader, decoding)

    def searched(position: int) -> tuple[Lines | None, Chunk]:
        chunk = reader.chunk(position)
        return decoding.part(chunk, decode=lambda *parts: _find(decoding, parts[0], parts[1], pattern, parts[3])), chunk

    number = 1
    begun: list[bytes] = []  # parts of a line that the chunks before have begun
    last = positions[-1] if positions else -1
    for position, (lines, chunk) in zip(positions, ordered_map(searched, positions, threads), strict=True):
        if lines is not None and not begun and (position == last or not lines.open_end):
            yield from ((number + place, line) for place, line in lines.found)
            number += lines.count
            continue
        data = decoding.part(chunk)
        head, feed, rest = bytes(data).partition(b"\n")
        begun.append(head)
        if not feed:
            continue
        line = b"".join(begun)
        if pattern.matches(line):
            yield number, line
        whole, feed, tail = rest.rpartition(b"\n")
        yield from ((number + 1 + place, line) for place, line in scan(whole + feed, pattern))
        number += 1 + whole.count(b"\n") + len(feed)
        begun = [tail] if tail else []
    if begun and pattern.matches(b"".join(begun)):
        yield number, b"".join(begun)


def numbered(reader: Reader, decoding: Decoding, start: int, stop: int | None) -> Iterator[bytes]:
    """The lines from number `start` (from 0) to before `stop`, with their line feeds. Raises BadInput, CorruptFile."""
    if start < 0 or (stop is not None and stop < start):
        raise BadInput(f"there are no lines from {start} to {stop}; count from 0")
    number, begun = 0, b""
    positions = _positions(reader, decoding)
    for position in positions:
        if stop is not None and number >= stop:
            return
        chunk = reader.chunk(position)
        lines = decoding.part(chunk, decode=lambda *parts: _find(decoding, parts[0], parts[1], None, parts[3]))
        if lines is not None and not begun and not lines.open_end and number + lines.count <= start:
            number += lines.count
            continue
        for line in _split(begun, decoding.part(chunk)):
            if not line.endswith(b"\n"):
                begun = line
                break
            if number >= start and (stop is None or number < stop):
                yield line
            number += 1
        else:
            begun = b""
    if begun and number >= start and (stop is None or number < stop):
        yield begun


def _split(begun: bytes, data: Any) -> list[bytes]:
    lines = (begun + bytes(data)).split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _positions(reader: Reader, decoding: Decoding) -> list[int]:
    if not decoding.codec.covers_file(reader.header):
        raise UnsupportedFile(f"codec {reader.header.codec!r} keeps no lines; decode the file and search in it")
    return [i for i, head in enumerate(reader.index) if head.kind == CRITICAL and head.covers]


def _find(decoding: Decoding, header: Any, chunk: Chunk, pattern: Pattern | None, session: Any) -> Lines | None:
    found: Lines | None = decoding.codec.find_lines(header, chunk, pattern, session)
    return found
