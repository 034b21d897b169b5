"""Triton kernels in tests: on a CUDA device when there is one, else under Triton's interpreter."""

import importlib
import importlib.util
import os
from typing import Any

import numpy as np
import pytest


def _choose_the_interpreter() -> None:
    """Before Triton is imported, when its own functions are made: while tests are collected, since torch imports it in some."""
    if importlib.util.find_spec("torch"):
        import torch

        if not torch.cuda.is_available():
            os.environ["TRITON_INTERPRET"] = "1"


_choose_the_interpreter()


def device() -> str:
    """Where the kernels run."""
    torch = pytest.importorskip("torch", reason="torch is not installed: the GPU kernels cannot run")
    return "cuda" if torch.cuda.is_available() else "cpu"


def load(name: str) -> Any:
    """A module with kernels, ready for `device`; skips the test where they cannot run."""
    torch = pytest.importorskip("torch", reason="torch is not installed: the GPU kernels cannot run")
    if not importlib.util.find_spec("triton"):
        pytest.skip("Triton is not installed: the GPU kernels cannot run")
    if not torch.cuda.is_available():
        reason = _interpreter_fails(torch)
        if reason:
            pytest.skip(f"no CUDA device, and Triton's interpreter does not run here: {reason}")
    return importlib.import_module(name)


def _interpreter_fails(torch: Any) -> str:
    """Why the interpreter cannot run a plain loop with a length from memory, or nothing."""
    import triton
    import triton.language as tl

    @triton.jit
    def count_up(out):  # type: ignore[no-untyped-def]
        total = tl.load(out) * 0
        for _ in range(tl.load(out)):
            total += 1
        tl.store(out, total)

    try:
        count_up[(1,)](torch.full((1,), 3, dtype=torch.int32))
    except triton.runtime.errors.InterpreterError as error:
        return f"Triton {triton.__version__}, numpy {np.__version__}: {error}"
    return ""
