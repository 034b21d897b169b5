"""`lacodec warmup`: compile every kernel now, so that no later command has to wait for it."""

import argparse
import contextlib
import dataclasses
import sys
import time
from typing import Any

from lacodec.cli._compiling import Compilations
from lacodec.cli._report import note, print_json

HELP = "compile all kernels now, and say how long it took"
USAGE = "[flags]"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `warmup`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run every codec at every effort once, both ways, on small inputs of its own: whatever is not compiled yet gets compiled."""
    from lacodec.codecs import registry
    from lacodec.errors import MissingDependency
    from lacodec.kernels import jit

    start = time.perf_counter()
    show = _count if sys.stderr.isatty() and not args.quiet else None
    with Compilations(count=show) as compilations:
        for name in registry.names():
            with contextlib.suppress(MissingDependency):  # such a codec cannot run, so nothing of it has to be compiled
                _run(name)
    seconds = time.perf_counter() - start
    if show and compilations.count:
        print(file=sys.stderr)
    folder = jit.cache_dir()
    if args.json:
        print_json({"kernels": compilations.count, "seconds": round(seconds, 3), "cache": str(folder) if folder else None})
    elif not args.quiet:
        what = f"compiled {compilations.count} functions" if compilations.count else "all kernels were compiled already"
        print(f"{what} ({seconds:.1f} s); kept in {folder or 'memory only'}")
    if folder is None:
        note(args, "no writable cache folder: every process compiles for itself; set LACODEC_CACHE_DIR to one")
    return 0


def _run(name: str) -> None:
    """Both ways, at every effort."""
    import lacodec
    from lacodec.codecs import registry

    found = registry.get(name)
    for effort in _efforts(found.Options):
        coder = lacodec.codec(name, **effort, **found.sample_options)
        for sample in found.samples_at(effort["effort"]) if effort else found.samples():
            coder.decode(coder.encode(sample))


def _efforts(options: type[Any]) -> list[dict[str, int]]:
    """All efforts that a codec has, as options; a single one without options where it has none."""
    from lacodec.errors import BadInput

    found: list[dict[str, int]] = []
    for effort in range(1, 10) if any(field.name == "effort" for field in dataclasses.fields(options)) else ():
        with contextlib.suppress(BadInput):
            options(effort=effort)
            found.append({"effort": effort})
    return found or [{}]


def _count(count: int, seconds: float) -> None:
    print(f"\rcompiled {count} functions, {seconds:.0f} s", end="", file=sys.stderr, flush=True)
