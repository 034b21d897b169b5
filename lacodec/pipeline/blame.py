"""Unexpected errors name the codec of another package that raised them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lacodec.codecs.base import Codec
from lacodec.errors import LacodecError


@contextmanager
def blamed(codec: Codec[Any], doing: str) -> Iterator[None]:
    """Turns unexpected errors of a codec from another package into one that names it; our own bugs are raised unchanged."""
    try:
        yield
    except (LacodecError, MemoryError):
        raise
    except Exception as error:
        if type(codec).__module__.startswith("lacodec."):
            raise
        where = f"{type(codec).__module__}.{type(codec).__qualname__}"
        raise LacodecError(
            f"codec {codec.name!r} ({where}) failed while {doing}: {type(error).__name__}: {error}; report it to its authors"
        ) from error
