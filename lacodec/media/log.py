"""Logs: bytes like all others, but found by their content: most lines have a time or a level near their start."""

import re

from lacodec.io.source import Source
from lacodec.media.raw import RawMedia

_MARK = re.compile(
    rb"\d{4}[-/.]\d\d[-/.]\d\d|\d\d:\d\d:\d\d|\b1[0-9]{9}\.\d|\b(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL)\b"
)
_NEAR = 80  # bytes of a line in which a mark must be
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SPOT = 1 << 13
_LEAST_LINES = 16


class LogMedia(RawMedia):
    """Any bytes; only logs are recognised."""

    name = "log"

    def sniff(self, head: bytes) -> bool:
        """A mark, and nothing binary."""
        return _MARK.search(head) is not None and _BINARY.search(head) is None and not head.lstrip().startswith(b"<")

    def confirms(self, source: Source) -> bool:
        """Whether three of four lines at the start, in the middle and towards the end have a mark."""
        size = source.size or 0  # of a stream only the start can be seen
        lines = []
        for begin in sorted({0, max(0, size - _SPOT) // 2, max(0, size - _SPOT)}):
            spot = source.peek(_SPOT) if begin == 0 else source.read(begin, _SPOT)
            if _BINARY.search(spot):
                return False
            lines += spot.split(b"\n")[int(begin > 0) : -1]
        marked = sum(_MARK.search(line[:_NEAR]) is not None for line in lines)
        return len(lines) >= _LEAST_LINES and 4 * marked >= 3 * len(lines)


LOGS = LogMedia()
"""The one instance."""
