"""What a module's compiled kernels depend on, as one hash: its source and that of every module it imports, however far away.

    module --imports--> modules --...--> their sources, hashed      and: Python, numpy, numba, llvmlite, the CPU, NUMBA_* settings

Followed are lacodec, the module's own package, modules outside of `site-packages`, and packages there that import lacodec. The
standard library and other packages are not: kernels cannot freeze what numba does not know, and numba's version counts.
"""

import ast
import hashlib
import os
import platform
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numpy as np

_KNOWN = frozenset({"numpy", "numba", "llvmlite", "torch", "scipy", "triton", "PIL", "msgspec"})
_OURS = __name__.partition(".")[0]


@cache
def fingerprint(module: str) -> str:
    """Hash of all that decides the machine code of the kernels in an imported module."""
    digest = hashlib.blake2b(machine().encode(), digest_size=16)
    for name, source in sorted(_reachable(module).items()):
        digest.update(f"\n{name} {source}".encode())
    return digest.hexdigest()


def sources(module: str) -> list[str]:
    """Names of the modules whose sources decide the fingerprint of `module`."""
    return sorted(_reachable(module))


@cache
def machine() -> str:
    """This processor, the versions of what compiles for it, and their settings."""
    flags = sorted((k, v) for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR")
    numba = PathFinder.find_spec("numba")
    version = Path(numba.origin).with_name("_version.py").read_bytes() if numba and numba.origin else b""
    versions = platform.python_version(), np.__version__, llvmlite.__version__, _hash(version)
    llvm = llvmlite.binding
    return repr((versions, llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), flags))


def _reachable(module: str) -> dict[str, str]:
    """Modules that count, with the hash of their source, from `module` on."""
    own = module.partition(".")[0]
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _source(name)
        if path is None or not (name == module or _counts(name, path, own)):
            continue
        source, imported = _read(name, path)
        found[name] = source
        waiting += imported
    return found


def _counts(name: str, path: str, own: str) -> bool:
    top = name.partition(".")[0]
    if top in (_OURS, own):
        return True
    if "site-packages" not in path and "dist-packages" not in path:
        return True
    return _OURS in (name.partition(".")[0] for name in _read(name, path)[1])


@cache
def _source(name: str) -> str | None:
    """File of a module, found without importing it; None for what has none or isn't followed."""
    top, _, rest = name.partition(".")
    if top in _KNOWN or top in sys.stdlib_module_names:
        return None
    loaded = sys.modules.get(name)
    if loaded is not None:
        path = getattr(loaded, "__file__", None)
    elif not rest:
        spec = PathFinder.find_spec(name)
        path = spec.origin if spec else None
    else:
        path = _submodule(name)
    return path if path and path.endswith(".py") else None


def _submodule(name: str) -> str | None:
    parent, _, last = name.rpartition(".")
    above = _source(parent)
    if above is None or os.path.basename(above) != "__init__.py":
        return None
    folder = os.path.dirname(above)
    for path in (os.path.join(folder, last + ".py"), os.path.join(folder, last, "__init__.py")):
        if os.path.isfile(path):
            return path
    return None


@cache
def _read(name: str, path: str) -> tuple[str, list[str]]:
    """(hash of the source, names of the modules that it imports anywhere in it)."""
    with open(path, "rb") as file:
        text = file.read()
    key = _hash(text)
    statements = known.get(key)
    if statements is None:
        statements = known[key] = _statements(text)
    package = name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]
    imported: dict[str, None] = {}
    for level, source, names in statements:
        base = source
        if level:
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - level + 1], *([source] if source else [])])
        if names is None:  # import a.b: whatever is reached through a counts
            places = base.split(".")
            imported |= dict.fromkeys(".".join(places[: i + 1]) for i in range(len(places)))
        for member in names or ():
            inner = f"{base}.{member}" if member else base
            imported[inner if member == "" or _source(inner) else base] = None
    return key, list(imported)


def _statements(text: bytes) -> list[tuple[int, str, list[str] | None]]:
    """(dots, module, names or None for a plain import) of every import; `import a.b as c` is [""] of a.b."""
    found: list[tuple[int, str, list[str] | None]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, [""] if alias.asname else None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or "", sorted({"" if a.name == "*" else a.name for a in node.names})))
    return found


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


known: dict[str, list[Any]] = {}
"""Imports of sources by their hash: (dots, module, names) as `_statements` finds them."""
