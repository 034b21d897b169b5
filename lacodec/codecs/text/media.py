"""Files of text, as `text` is chosen for them by content."""

import codecs

from lacodec.io.source import Source
from lacodec.media.raw import RawMedia

_PLACES = 8  # of a file that are looked at
_SAMPLE = 4096
_CONTROL = frozenset(range(32)) - set(b"\t\n\r\f\x1b")
_CUT = 3  # bytes of a character that a sample may begin with


class TextMedia(RawMedia):
    """Any bytes, recognised if they are text."""

    name = "text"

    def sniff(self, head: bytes) -> bool:
        """Whether the first bytes are text."""
        return is_text(head)


def is_text(data: bytes) -> bool:
    """Hardly any control bytes, and largely ASCII or else UTF-8. `data` may begin and end within a character."""
    if not data or sum(byte in _CONTROL for byte in data) * 100 > len(data):
        return False
    if sum(32 <= byte < 127 for byte in data) * 10 > len(data) * 7:
        return True
    start = next((i for i, byte in enumerate(data[:_CUT]) if byte & 0xC0 != 0x80), _CUT)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data[start:])
    except UnicodeDecodeError:
        return False
    return True


def looks_like_text(source: Source) -> bool:
    """Whether a file is text in several places."""
    size = source.size
    if size is None:
        return is_text(source.peek(_SAMPLE))
    places = {(size - _SAMPLE) * i // (_PLACES - 1) for i in range(_PLACES)} if size > _SAMPLE else {0}
    return all(is_text(source.read(at, min(_SAMPLE, size - at))) for at in sorted(places))


TEXTS = TextMedia()
"""The one instance."""
