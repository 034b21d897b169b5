"""The one decorator for numba kernels: `@kernel`.

numba's own on-disk cache does not notice an edit in a called function of another file, a change of bounds checking,
or a read-only home. So compiled kernels live in a folder of their own, named by a hash of everything that decides the machine
code, and numba itself is imported by the modules that define kernels, never by `import lacodec`.
"""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import event

from lacodec.kernels.events import compile_listeners

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def cache_dir() -> Path | None:
    """Folder for compiled kernels, or None when nowhere is writable (every process then compiles for itself).

    `LACODEC_CACHE_DIR` wins over `XDG_CACHE_HOME/lacodec`, `~/.cache/lacodec` and a per-user folder in the temporary directory.
    """
    key = _fingerprint()
    for base in _candidates():
        folder = base / f"kernels-{key}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue  # the next candidate is the answer to an unwritable folder
    return None


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with `nogil` and lacodec's own cache; compiles on first call.

    Use bare or with further `njit` options (`inline="always"`, ...). `error_model="numpy"` is set: kernels never divide by zero.
    """
    if function is None:
        return lambda f: kernel(f, **options)
    settings = {"nogil": True, "error_model": "numpy", **options}
    folder = cache_dir()
    dispatcher = numba.njit(**settings)(function)
    if folder is not None:
        # numba chooses the cache's place when caching is enabled; only our kernels may go to our folder.
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder)
        try:
            dispatcher.enable_caching()
        finally:
            numba.config.CACHE_DIR = previous
    return dispatcher


def flat_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that allocates nothing: numba's reference counting, which costs more than the work in small functions, is off.

    Arrays come from the caller; creating one inside does not compile.
    """
    return kernel(function, _nrt=False)


def inlined(function: Callable[..., Any]) -> Any:
    """A part of a `flat_kernel` in a function of its own, at no cost of calling."""
    return kernel(function, _nrt=False, forceinline=True)


def helper(function: Callable[..., Any]) -> Any:
    """A kernel that only other kernels call: without wrappers for Python and C it compiles faster."""
    return kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class _Announcer(event.Listener):
    """Tells `compile_listeners` when numba really compiles, which it does only for what the cache does not hold."""

    def on_start(self, event: Any) -> None:
        for listener in compile_listeners:
            listener()

    def on_end(self, event: Any) -> None:
        """Nothing to tell."""


event.register("numba:compile", _Announcer())


def _candidates() -> list[Path]:
    chosen = os.environ.get("LACODEC_CACHE_DIR")
    if chosen:
        return [Path(chosen)]
    bases = []
    if os.environ.get("XDG_CACHE_HOME"):
        bases.append(Path(os.environ["XDG_CACHE_HOME"]) / "lacodec")
    home = Path(os.path.expanduser("~"))
    if home.is_absolute():
        bases.append(home / ".cache" / "lacodec")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    bases.append(Path(tempfile.gettempdir()) / f"lacodec-{user}")
    return bases


def _fingerprint() -> str:
    digest = hashlib.sha256()
    digest.update(f"{numba.__version__} {llvmlite.__version__} {platform.python_version()} {platform.machine()}".encode())
    flags = {k: v for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR"}
    digest.update(repr(sorted(flags.items())).encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        text = path.read_bytes()
        if b"kernels.jit import" in text or b"import numba" in text or b"from numba" in text:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(text)
    return digest.hexdigest()[:16]
