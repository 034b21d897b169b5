"""Lossless compression by context mixing and exact neural models, for the data that machine-learning people store.

data = lacodec.encode(b"...")           lacodec.decode(data)
data = lacodec.encode("log.txt", effort=9)
data = lacodec.encode({"a": array, "b": tensor})
lacodec.encode_file("log.txt", "log.txt.lac", effort=9)         lacodec.decode_file("log.txt.lac", "s3://bucket/log.txt")
lacodec.open("log.txt.lac")[1000:2000]
coder = lacodec.codec("bytes", effort=3)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Arrays",
    "Audio",
    "BadInput",
    "CorruptFile",
    "CutOff",
    "Image",
    "LacodecError",
    "LimitExceeded",
    "MissingDependency",
    "MissingModel",
    "PointCloud",
    "Tensors",
    "UnsupportedFile",
    "check",
    "codec",
    "decode",
    "decode_file",
    "encode",
    "encode_file",
    "info",
    "open",
    "register",
]

if TYPE_CHECKING:
    from lacodec.api import check, codec, decode, decode_file, encode, encode_file, info, open
    from lacodec.codecs.registry import register
    from lacodec.errors import (
        BadInput,
        CorruptFile,
        CutOff,
        LacodecError,
        LimitExceeded,
        MissingDependency,
        MissingModel,
        UnsupportedFile,
    )
    from lacodec.media.arrays.value import Arrays
    from lacodec.media.audio.value import Audio
    from lacodec.media.image.value import Image
    from lacodec.media.points.value import PointCloud
    from lacodec.media.tensors.value import Tensors

_ELSEWHERE = {
    "Arrays": "media.arrays.value",
    "Audio": "media.audio.value",
    "Image": "media.image.value",
    "PointCloud": "media.points.value",
    "Tensors": "media.tensors.value",
    "register": "codecs.registry",
}


def __getattr__(name: str) -> Any:
    """All names come from where they are defined when they are first used: importing lacodec itself costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'lacodec' has no attribute {name!r}")
    import importlib

    home = _ELSEWHERE.get(name, "errors" if name[0].isupper() else "api")
    found = getattr(importlib.import_module(f"lacodec.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
