"""Memory for what lives while one chunk is coded, kept for the next one: fresh pages cost as much time as the coding itself."""

import threading

import numpy as np
from numpy.typing import NDArray

_ALIGN = 64
_local = threading.local()


def start_chunk() -> None:
    """Everything that `scratch` gave to this thread before may be overwritten from now on."""
    _local.used = 0


def scratch(size: int) -> NDArray[np.uint8]:
    """u8[size] of undefined content, this thread's own until its next `start_chunk`."""
    used = getattr(_local, "used", 0)
    buffer = getattr(_local, "buffer", None)
    if buffer is None or used + size > len(buffer):
        # What was given out stays alive through its views; the next chunk finds room for as much.
        buffer = _local.buffer = np.empty(max(2 * size, used + size), np.uint8)
        used = 0
    _local.used = used + -(-size // _ALIGN) * _ALIGN
    part: NDArray[np.uint8] = buffer[used : used + size]
    return part
