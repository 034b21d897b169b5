"""`laconic warmup`: compile every kernel now, so that no later command has to wait for it."""

import argparse
import dataclasses
import time

from laconic.cli._compiling import Compilations
from laconic.cli._report import note, print_json
from laconic.errors import BadInput

HELP = "compile all kernels now, and say how long it took"
USAGE = "[flags]"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `warmup`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run every codec at every effort once, both ways, on a small input: whatever is not compiled yet gets compiled."""
    import laconic
    from laconic.codecs import registry
    from laconic.entropy import _jit

    start = time.perf_counter()
    with Compilations() as compilations:
        for name in registry.names():
            has_effort = any(field.name == "effort" for field in dataclasses.fields(registry.get(name).Options))
            for options in [{"effort": effort} for effort in range(1, 10)] if has_effort else [{}]:
                coder = laconic.codec(name, **options)
                for sample in _samples():
                    if bytes(coder.decode(coder.encode(sample))) != sample:
                        raise BadInput(f"codec {name} {options}: its sample did not come back identical; please report this")
    seconds = time.perf_counter() - start
    folder = _jit.cache_dir()
    if args.json:
        print_json({"kernels": compilations.count, "seconds": round(seconds, 3), "cache": str(folder) if folder else None})
    elif not args.quiet:
        what = f"compiled {compilations.count} kernels" if compilations.count else "all kernels were compiled already"
        print(f"{what} ({seconds:.1f} s); kept in {folder or 'memory only'}")
    if folder is None:
        note(args, "no writable cache folder: every process compiles for itself; set LACONIC_CACHE_DIR to one")
    return 0


def _samples() -> list[bytes]:
    """Text, records and code-like bytes: small, but each calls on other parts of the models."""
    text = "".join(f"{i} green bottles hanging on the wall, and if one falls there are {i - 1}.\n" for i in range(99, 0, -1))
    records = b"".join(i.to_bytes(4, "little") + (i * i % 65536).to_bytes(2, "little") + b"\0\0" for i in range(1000))
    code = b"".join(
        b"\x55\x48\x89\xe5\xe8" + (4096 - 16 * i & 0xFFFFFFFF).to_bytes(4, "little") + b"\x5d\xc3" for i in range(400)
    )
    return [text.encode(), records, code]
