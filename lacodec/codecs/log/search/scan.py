"""Text -> the lines in it that match."""

import re
from collections.abc import Iterator

from lacodec.codecs.log.search.pattern import Pattern


def scan(text: bytes, pattern: Pattern) -> Iterator[tuple[int, bytes]]:
    """(place, line) of the lines that match; line feeds end lines and are not part of them."""
    if not pattern.literals:
        lines = text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        yield from ((i, line) for i, line in enumerate(lines) if pattern.matches(line))
        return
    import numpy as np  # opening a file does without

    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 10)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    shown = text.lower() if pattern.ignore_case else text
    starts = [match.start() for match in re.finditer(re.escape(pattern.literals[0]), shown)]
    for i in np.unique(np.searchsorted(ends, np.array(starts, np.int64))).tolist():
        line = text[int(ends[i - 1]) + 1 if i else 0 : int(ends[i])]
        if pattern.matches(line):
            yield i, line
