"""LLVM IR for intrinsics: what their builders need of numba and llvmlite, imported when the first one is built, and vectors."""

import importlib
from typing import Any

from llvmlite import ir

__all__ = ["cgutils", "ir", "types"]


class _Later:
    """A module that is imported when something in it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self._name), name)
        setattr(self, name, value)
        return value


types: Any = _Later("numba.types")
cgutils: Any = _Later("numba.core.cgutils")
