"""Tokens in and out: arrays with one axis or two, and .npy files of one."""

from collections.abc import Iterator
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.arrays.given import plain_array, source_of
from lacodec.media.base import Media
from lacodec.media.tokens.value import Tokens

_AXES = "one axis or two"


class TokenMedia(Media[Tokens]):
    """Indices of a model."""

    name = "tokens"
    suffixes = {".npy": "npy"}  # noqa: RUF012  (frozen by use, as in other media)

    def from_source(self, source: Source) -> Tokens:
        """The tokens in an .npy file; raises UnsupportedFile."""
        from lacodec.media.arrays import npy

        source = seekable(source)
        if not source.peek(6).startswith(b"\x93NUMPY"):
            raise UnsupportedFile(f"{source.name}: is not an .npy file, as tokens come in")
        try:
            return Tokens(plain_array(npy.array_of(source), _AXES))
        except BadInput as error:
            raise UnsupportedFile(f"{source.name}: {error}") from error

    def from_object(self, value: Any) -> Tokens:
        """An array; the bytes or a Source of a file."""
        if isinstance(value, Tokens):
            return value
        source = source_of(value)
        return Tokens(plain_array(value, _AXES)) if source is None else self.from_source(source)

    def to_object(self, value: Tokens) -> Any:
        """The array."""
        return value.values

    def to_blocks(self, value: Tokens, suffix: str = "") -> Iterator[bytes]:
        """The .npy file."""
        from lacodec.media.arrays.npy import header

        yield header(value.values.dtype, value.values.shape, "C")
        yield value.values.tobytes()

    def difference(self, original: Source, restored: Source) -> str | None:
        """Of the tokens: heads of .npy files differ with the version of numpy that wrote them."""
        import numpy as np

        one, two = (self.from_source(source).values for source in (original, restored))
        return None if one.dtype == two.dtype and np.array_equal(one, two) else "the tokens differ"


TOKENS = TokenMedia()
"""The one instance."""
