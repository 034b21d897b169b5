"""How the C library treats memory that a training on a CPU gives back."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt, in glibc's malloc.h


def keep_freed_memory() -> None:
    """Let the process keep what it frees: a step of a training asks for the same buffers again.

    By default glibc returns large buffers to the system, which then clears every page of them anew. Nothing happens elsewhere, or
    where the library has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc: musl, macOS, Windows
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, -1)  # never
