"""How much is tried: everything once, and part of it in the other run of the same tests (see the Makefile)."""

import os
from typing import Any

from hypothesis import settings

BOUNDS = os.environ.get("NUMBA_BOUNDSCHECK", "0") not in ("", "0")
"""Whether kernels check their bounds, which is a run of its own (see the Makefile)."""


def examples(count: int, **more: Any) -> settings:
    """`hypothesis.settings` for so many examples, or a third of them where bounds are checked.

    There is no deadline: the first example may compile a kernel, and machines may be busy.
    """
    return settings(max_examples=max(count // 3, min(count, 10)) if BOUNDS else count, deadline=None, **more)


def mutants(count: int) -> range:
    """Numbers of so many damaged files, or a quarter of them where nobody would see a read beyond an array's end."""
    return range(count if BOUNDS else count // 4)
