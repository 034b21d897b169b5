"""`Raw`: any bytes, as they are. Files, pipes and bytes-like objects become a `Raw` and a `Raw` becomes bytes again.

A media module has these four functions, for the kind of value that it is about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource, IteratorSource, Source

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Raw:
    """The bytes of `source`."""

    source: Source


def from_source(source: Source) -> Raw:
    """The value in a file or pipe."""
    return Raw(source)


def from_object(value: Any) -> Raw:
    """The value for what a caller of the Python interface passes: a Raw, a Source, or anything bytes-like and contiguous."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, Source):
        return Raw(value)
    try:
        return Raw(BytesSource(value))
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"a {type(value).__name__} is neither bytes nor a path ({error}); pass bytes, a contiguous array or a Path"
        ) from error


def to_object(value: Raw) -> bytes:
    """The inverse of `from_object`: bytes in memory."""
    return b"".join(to_blocks(value))


def to_blocks(value: Raw, suffix: str = "") -> Iterator[bytes]:
    """The bytes of the file that `value` stands for, piece by piece.

    `suffix` (".wav", in lower case) is how the file's name will end. Media that convert to the format it names have SUFFIXES,
    suffix -> format, and `written(value, suffix)`, the format that this function writes.
    """
    if isinstance(value.source, IteratorSource):
        return value.source.pieces()
    return value.source.blocks(_BLOCK)
