"""Finds codecs: by name (`get("bytes")` -> the class), and by the kind of a file or a value.

A codec `image.lossless` is the one `Codec` subclass defined in `lacodec/codecs/image/lossless/codec.py`; `bytes` is the one in
`lacodec/codecs/bytes/codec.py`; the package of one that is chosen by content names its media in `BY_CONTENT`. Other packages
register through two entry-point groups: `lacodec.codecs`, name -> the class, and, for codecs that are chosen by content,
`lacodec.media`, name -> the codec's `Media` instance, which must be cheap to import. `register` adds a class to
this process. Listing names imports no codec.
"""

import importlib
import importlib.metadata
import inspect
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lacodec.codecs.base import Codec
from lacodec.errors import BadInput
from lacodec.media.base import Media

HEAD_SIZE = 256
"""First bytes of a file that media get to recognise it; fewer when the file is shorter."""

DEFAULT = "bytes"
"""The codec for content that no other one recognises."""

_CODECS, _MEDIA = "lacodec.codecs", "lacodec.media"
_registered: dict[str, type[Codec[Any]]] = {}


def register(codec: type[Codec[Any]]) -> type[Codec[Any]]:
    """Add a codec class to this process, under its `name`; returns it, so that it serves as a decorator.

    Raises BadInput if it is not a complete codec class, or has the name of a lacodec codec.
    """
    if not (inspect.isclass(codec) and issubclass(codec, Codec)) or inspect.isabstract(codec):
        raise BadInput(f"{codec!r} cannot be registered: it is not a Codec class with all its methods")
    for attribute in ("name", "stream_version", "identical"):
        if not hasattr(codec, attribute):
            raise BadInput(f"{codec.__name__} cannot be registered: it has no {attribute!r}")
    if codec.name in _own():
        raise BadInput(f"{codec.__name__} cannot be registered: lacodec has its own codec {codec.name!r}")
    _registered[codec.name] = codec
    return codec


def names() -> list[str]:
    """Names of all installed codecs, sorted."""
    return sorted({*_own(), *_foreign(), *_registered})


def get(name: str) -> type[Codec[Any]]:
    """The codec class called `name`; raises BadInput, which lists the codecs, if there is none."""
    own, foreign = _own(), _foreign()
    if name in own:
        return _codec_in(own[name])
    if name in _registered:
        return _registered[name]
    if name in foreign:
        codec = foreign[name].load()
        if not (inspect.isclass(codec) and issubclass(codec, Codec)):
            raise BadInput(
                f"codec {name!r}: its entry point {foreign[name].value} is not a lacodec Codec class; reinstall its package"
            )
        return codec
    raise BadInput(f"unknown codec {name!r}; installed codecs: {', '.join(names())}")


def by_content(head: bytes, besides: Collection[str] = ()) -> Iterator[type[Codec[Any]]]:
    """The lossless codecs, less some, whose media recognise a file that begins with `head`; the first that suits is for it."""
    return (get(name) for name, media in _kinds() if name not in besides and media.sniff(head))


def remark_on(head: bytes) -> str | None:
    """A note for the user about a file that begins with `head` and goes to codec `bytes`; usually None."""
    return next((text for _, media in _kinds() if (text := media.remark(head))), None)


def for_value(value: Any) -> str:
    """The lossless codec for a value in memory, by its type."""
    return next((name for name, media in _kinds() if media.accepts(value)), DEFAULT)


def _kinds() -> Iterator[tuple[str, Media[Any]]]:
    """(codec, its media) of all codecs that are chosen by content: ours first, then those of this process and of packages."""
    yield from _own_kinds()
    for name, codec in _registered.items():
        if codec.by_content:
            yield name, codec.media
    for name, point in _points(_MEDIA).items():
        if name not in _registered and name in _foreign():
            media = point.load()
            if not isinstance(media, Media):
                raise BadInput(f"codec {name!r}: its entry point {point.value} is not a lacodec Media; reinstall its package")
            yield name, media


@cache
def _own_kinds() -> tuple[tuple[str, Media[Any]], ...]:
    """Those of ours, which stay: data sets ask for each of their small items."""
    found = []
    for name, module in _own().items():
        place = getattr(importlib.import_module(module.rpartition(".")[0]), "BY_CONTENT", None)
        if place is not None:
            home, _, media = place.partition(":")
            found.append((name, getattr(importlib.import_module(home), media)))
    return tuple(found)


@cache
def _own() -> dict[str, str]:
    """Codec name -> module name, by listing the folders."""
    found = {}
    root = Path(__file__).parent
    for path in sorted([*root.glob("*/codec.py"), *root.glob("*/*/codec.py")]):
        name = ".".join(path.parent.relative_to(root).parts)
        found[name] = f"lacodec.codecs.{name}.codec"
    return found


def _foreign() -> dict[str, importlib.metadata.EntryPoint]:
    return _points(_CODECS)


@cache
def _points(group: str) -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=group)}


@cache
def _codec_in(module_name: str) -> type[Codec[Any]]:
    module = importlib.import_module(module_name)
    found = [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, Codec) and item.__module__ == module_name and not inspect.isabstract(item)
    ]
    if len(found) != 1:
        raise TypeError(f"{module_name} defines {len(found)} codecs; a codec module defines exactly one")
    return found[0]
