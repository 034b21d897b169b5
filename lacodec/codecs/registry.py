"""Finds codecs by name: `get("bytes")` -> the class.

A codec `image.lossless` is the one `Codec` subclass defined in `lacodec/codecs/image/lossless/codec.py`; `bytes` is the one in
`lacodec/codecs/bytes/codec.py`. Other packages register through the entry-point group `lacodec.codecs`. Listing imports no codec.
"""

import importlib
import importlib.metadata
import inspect
from functools import cache
from pathlib import Path

from lacodec.codecs.base import Codec
from lacodec.errors import BadInput

_GROUP = "lacodec.codecs"


def names() -> list[str]:
    """Names of all codecs there are, sorted."""
    return sorted({*_own(), *_foreign()})


def get(name: str) -> type[Codec]:
    """The codec class called `name`; raises BadInput, listing what exists, when there is none."""
    own, foreign = _own(), _foreign()
    if name in own:
        return _codec_in(own[name])
    if name in foreign:
        codec = foreign[name].load()
        if not (inspect.isclass(codec) and issubclass(codec, Codec)):
            raise BadInput(
                f"codec {name!r}: its entry point {foreign[name].value} is not a lacodec Codec class; reinstall its package"
            )
        return codec
    raise BadInput(f"unknown codec {name!r}; there are: {', '.join(names())}")


@cache
def _own() -> dict[str, str]:
    """Codec name -> module name, by listing the folders."""
    found = {}
    root = Path(__file__).parent
    for path in (*root.glob("*/codec.py"), *root.glob("*/*/codec.py")):
        name = ".".join(path.parent.relative_to(root).parts)
        found[name] = f"lacodec.codecs.{name}.codec"
    return found


@cache
def _foreign() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=_GROUP)}


@cache
def _codec_in(module_name: str) -> type[Codec]:
    module = importlib.import_module(module_name)
    found = [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, Codec) and item.__module__ == module_name and not inspect.isabstract(item)
    ]
    if len(found) != 1:
        raise TypeError(f"{module_name} defines {len(found)} codecs; a codec module defines exactly one")
    return found[0]
