"""Lossless compression by context mixing and exact neural models, for the data that machine-learning people store.

data = lacodec.encode(b"...")           lacodec.decode(data)
data = lacodec.encode("log.txt", effort=9)
lacodec.open("log.txt.lac")[1000:2000]
coder = lacodec.codec("bytes", effort=3)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["codec", "decode", "encode", "open"]

if TYPE_CHECKING:
    from lacodec.api import codec, decode, encode, open


def __getattr__(name: str) -> Any:
    """The functions come from `lacodec.api` when they are first used: importing lacodec itself costs next to nothing."""
    if name in __all__:
        from lacodec import api

        return getattr(api, name)
    raise AttributeError(f"module 'lacodec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
