"""Memory for the coding of one chunk, kept for the next one: fresh pages cost as much time as the coding itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGN = 64
_KEPT, _LARGEST = 8, 32 << 20  # buffers that are kept, and bytes of one
_spare: list[NDArray[np.uint8]] = []  # of the process: the threads that code end with each file
_local = threading.local()


@contextmanager
def chunk_memory() -> Iterator[None]:
    """Around the work on one chunk: memory from `scratch` inside may be overwritten as soon as the block ends.

    Blocks nest: a chunk may be a difference to one that must be decoded first.
    """
    outer = getattr(_local, "buffer", None), getattr(_local, "used", 0)
    try:
        _local.buffer = _spare.pop()
    except IndexError:
        _local.buffer = np.empty(0, np.uint8)
    _local.used = 0
    try:
        yield
    finally:
        buffer = _local.buffer
        _local.buffer, _local.used = outer
        if len(_spare) < _KEPT and len(buffer) <= _LARGEST:
            _spare.append(buffer)


@contextmanager
def passing_memory() -> Iterator[None]:
    """Around a step within `chunk_memory`: memory from `scratch` inside is free again after it, and still in the caches."""
    buffer, used = getattr(_local, "buffer", None), getattr(_local, "used", 0)
    yield
    if getattr(_local, "buffer", None) is buffer:
        _local.used = used


def scratch(size: int) -> NDArray[np.uint8]:
    """u8[size] of undefined content, this thread's own until its `chunk_memory` ends; outside of one, fresh memory."""
    if getattr(_local, "buffer", None) is None:
        return np.empty(size, np.uint8)
    if _local.used + size > len(_local.buffer):
        # Memory in use stays alive through its views; the next chunk gets as much.
        _local.buffer = np.empty(max(2 * size, _local.used + size), np.uint8)
        _local.used = 0
    used = _local.used
    _local.used = used + -(-size // _ALIGN) * _ALIGN
    part: NDArray[np.uint8] = _local.buffer[used : used + size]
    return part


def scratch_array(n: int, dtype: Any) -> NDArray[Any]:
    """dtype[n] out of `scratch`."""
    return scratch(n * np.dtype(dtype).itemsize).view(dtype)
