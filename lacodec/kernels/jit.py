"""The decorators for numba kernels: `@kernel` for what Python calls, and others for what kernels call.

    call --types of the arguments--> entry at hand? --no--> in the store? --no--> compiled (`compiling`) and stored
                                     --yes--> called (`native`)

numba is imported when something has to be compiled, not before: it takes longer than a small file. What is stored is named by
a hash of everything that decides the machine code (`fingerprint`, `_frozen`).
"""

import functools
import hashlib
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from lacodec.kernels import fingerprint as prints
from lacodec.kernels import native
from lacodec.kernels.store import file_name, store

_OFF = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
_OWN_CODE = sys.implementation.name == "cpython" and np.dtype(np.intp).itemsize == 8
_lock = threading.RLock()


class Kernel:
    """A function that is compiled at its first call for each combination of argument types."""

    __qualname__: str

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self._options = {"nogil": True, "error_model": "numpy", **options}
        self._entries: dict[tuple[Any, ...], Callable[[list[Any]], Any] | None] = {}
        self._count = function.__code__.co_argcount

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The function's result."""
        if named or len(args) != self._count:
            bound = inspect.signature(self.py_func).bind(*args, **named)
            bound.apply_defaults()
            args = bound.args
        key: list[Any] = []
        slots: list[Any] = []
        try:
            native.describe(args, key, slots)
        except native.UnsupportedCall:
            return self._boxed(*args)
        found = tuple(key)
        try:
            entry = self._entries[found]
        except KeyError:
            entry = self._open(found, args)
        return self._boxed(*args) if entry is None else entry(slots)

    def __reduce__(self) -> str:
        return self.__qualname__

    @property
    def _numba_type_(self) -> Any:
        """Where numba meets a kernel in the code of another one."""
        from numba import types

        return types.Dispatcher(self.dispatcher)

    @functools.cached_property
    def dispatcher(self) -> Any:
        """numba's own object, as other kernels call it: without wrappers, which they don't need."""
        import numba

        return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **self._options)(self.py_func)

    @functools.cached_property
    def _boxed(self) -> Any:
        """For arguments and results that only numba can pass; not kept from one process to the next."""
        if _OFF:
            return self.py_func
        import numba

        from lacodec.kernels import compiling  # noqa: F401  (it tells who listens of what numba compiles)

        return numba.njit(**self._options)(self.py_func)

    def assembly(self, *args: Any) -> str:
        """The machine code for these arguments, as a text."""
        from lacodec.kernels import compiling

        return compiling.assembly(self.dispatcher, args)

    def _open(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> Callable[[list[Any]], Any] | None:
        with _lock:
            if key in self._entries:
                return self._entries[key]
            machine = None if _OFF or not _OWN_CODE else self._machine(args)
            entry = None if machine is None else native.Entry(machine, native.slot_formats(args))
            self._entries[key] = entry
            return entry

    def _machine(self, args: tuple[Any, ...]) -> native.Machine | None:
        kept = store()
        folder = f"{self.__module__}-{_fingerprint(self.__module__)}"
        digest = hashlib.blake2b(repr(sorted(self._options.items())).encode(), digest_size=12)
        digest.update(native.type_names(args).encode())
        _frozen(self.py_func, digest, set())
        name = f"{folder}/{file_name(self.__qualname__)}-{digest.hexdigest()}"
        machine = native.Machine.from_bytes(kept.read(name)) if kept else None
        if machine is None:
            from lacodec.kernels import compiling

            machine = compiling.compiled(self.dispatcher, args, f"kernel_{digest.hexdigest()}")
            if machine is not None and kept:
                kept.write(name, machine.to_bytes())
        elif kept:
            kept.use(folder)
        return machine


class Intrinsic:
    """LLVM IR for kernels, as `numba.extending.intrinsic` makes it of the function, once numba is there."""

    def __init__(self, function: FunctionType) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.py_func = function

    @functools.cached_property
    def _numba_type_(self) -> Any:
        from numba.core.registry import cpu_target
        from numba.extending import intrinsic

        found = intrinsic(self.py_func)
        cpu_target.typing_context.refresh()
        return cpu_target.typing_context.resolve_value_type(found)


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with `nogil` and lacodec's own cache; compiles on first call.

    Use bare or with further `njit` options. `error_model="numpy"` is set: kernels never divide by zero. Arguments: arrays,
    numbers, None, and tuples of them; results: nothing, numbers, or a tuple of numbers. Others work, but numba compiles them
    in every process anew.
    """
    if function is None:
        return lambda f: kernel(f, **options)
    return Kernel(function, options)  # type: ignore[arg-type]


def flat_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that allocates nothing: numba's reference counting, which costs more than the work in small functions, is off.

    Arrays come from the caller; creating one inside does not compile.
    """
    return kernel(function, _nrt=False)


def inlined(function: Callable[..., Any]) -> Any:
    """A part of a `flat_kernel` in a function of its own, at no cost of calling."""
    return kernel(function, _nrt=False, forceinline=True)


def helper(function: Callable[..., Any]) -> Any:
    """A kernel that other kernels call."""
    return kernel(function)


def intrinsic(function: Callable[..., Any]) -> Any:
    """`numba.extending.intrinsic`, without importing numba: LLVM IR in a kernel."""
    return Intrinsic(function)  # type: ignore[arg-type]


def cache_dir() -> Path | None:
    """Folder of the compiled kernels, or None when nowhere is safe to keep them."""
    kept = store()
    return kept.path if kept else None


def _fingerprint(module: str) -> str:
    """`fingerprint`, with what is known of sources read before: their imports, by hash."""
    kept = store()
    if kept and not prints.known:
        prints.known.update(json.loads(kept.read("imports.json") or b"{}"))
    before = len(prints.known)
    found = prints.fingerprint(module)
    if kept and len(prints.known) > before:
        kept.write("imports.json", json.dumps(prints.known).encode())
    return found


def _frozen(function: FunctionType, digest: Any, seen: set[Any]) -> None:
    """Add to `digest` the values that a kernel and those it calls take from outside, wherever they come from (files, say)."""
    if function in seen:
        return
    seen.add(function)
    code = function.__code__
    digest.update(f"{code.co_filename.rpartition('/')[2]}:{code.co_qualname}:{code.co_firstlineno}".encode())
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    for value in [*(function.__globals__.get(name) for name in code.co_names), *cells]:
        _add_value(value, code.co_names, digest, seen)


def _add_value(value: Any, names: tuple[str, ...], digest: Any, seen: set[Any]) -> None:
    if isinstance(value, Kernel | Intrinsic):
        _frozen(value.py_func, digest, seen)
    elif isinstance(value, ModuleType):
        if value not in seen and value.__name__.partition(".")[0] not in ("numpy", "math", "numba"):
            seen.add(value)
            for name in names:
                _add_value(vars(value).get(name), names, digest, seen)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, tuple):
        for member in value:
            _add_value(member, names, digest, seen)
    elif isinstance(value, bool | int | float | str | np.generic):
        digest.update(repr(value).encode())
