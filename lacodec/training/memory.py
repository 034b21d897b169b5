"""Settings of the libraries below torch for training on a CPU; to be made before torch is imported."""

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt, in glibc's malloc.h


def wait_politely() -> None:
    """Let OpenMP's threads sleep while they wait for each other, unless the user has set how they wait.

    By default they spin, and where other programs want the processors, a training comes to a standstill.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def keep_freed_memory() -> None:
    """Let the process keep freed memory: a step of a training asks for the same buffers again.

    By default glibc returns large buffers to the system, which then clears all their pages again. Does nothing on other systems,
    or if the library has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc: musl, macOS, Windows
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, -1)  # never
