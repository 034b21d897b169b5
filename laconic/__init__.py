"""Lossless compression by context mixing and exact neural models, for the data that machine-learning people store.

data = laconic.encode(b"...")           laconic.decode(data)
data = laconic.encode("log.txt", effort=9)
laconic.open("log.txt.lac")[1000:2000]
coder = laconic.codec("bytes", effort=3)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["codec", "decode", "encode", "open"]

if TYPE_CHECKING:
    from laconic.api import codec, decode, encode, open


def __getattr__(name: str) -> Any:
    """The functions come from `laconic.api` when they are first used: importing laconic itself costs next to nothing."""
    if name in __all__:
        from laconic import api

        return getattr(api, name)
    raise AttributeError(f"module 'laconic' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
