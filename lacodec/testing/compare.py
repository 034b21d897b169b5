"""How checks compare values and say what failed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from lacodec.container import content_hash
from lacodec.io.source import Source
from lacodec.io.streams import IteratorSource


class about:
    """Puts the name of the check in front of the message of an AssertionError; turns any other error into one."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if isinstance(error, AssertionError):
            raise AssertionError(f"{self._what}: {error}") from error
        if isinstance(error, Exception):
            raise AssertionError(f"{self._what}: {type(error).__name__}: {error}") from error


def expect(condition: bool, message: str) -> None:
    """Raise AssertionError with this message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def as_array(value: Any) -> np.ndarray:
    """What `open(...)[...]` gave, as an array."""
    if isinstance(value, bytes | bytearray | memoryview):
        return np.frombuffer(value, np.uint8)
    if isinstance(value, int):
        return np.asarray(value, np.uint8)
    return np.asarray(value)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same in type, shape and content."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Source):
        return _content(one) == _content(other)
    if dataclasses.is_dataclass(one):
        fields = [field.name for field in dataclasses.fields(one) if field.compare]
        return all(alike(getattr(one, name), getattr(other, name)) for name in fields)
    if type(one).__module__.split(".")[0] == "torch":
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.equal(other))
    return bool(one == other)


def short(value: Any) -> str:
    """A value in at most 80 characters."""
    return " ".join(repr(value).split())[:80]


def _content(source: Source) -> int:
    pieces = source.pieces() if isinstance(source, IteratorSource) else source.blocks(1 << 20)
    return content_hash(b"".join(pieces))
