"""`lacodec test`: decode `.lac` files without writing anything, and say which are whole."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from lacodec.cli import _coded_safetensors
from lacodec.cli._common import add_base_flag, add_resource_flags, check_device, is_lac, lac_files
from lacodec.cli._compiling import Compilations
from lacodec.cli._files import PIPE
from lacodec.cli._progress import Meter
from lacodec.cli._report import complain, describe, print_json, printable, speed_text
from lacodec.errors import LacodecError

if TYPE_CHECKING:
    from lacodec.api import TestResult

HELP = "check that .lac files are whole, without writing anything"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `test`."""
    parser.add_argument("inputs", nargs="+", metavar="FILE", help=".lac files, or folders with such files; - is standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON line per file")
    add_base_flag(parser)
    add_resource_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Test every file; 1 when one is not whole."""
    check_device(args)
    failed = 0
    names = lac_files(args.inputs)
    with Meter("testing", len(names), args.quiet) as meter, Compilations(meter.tell, meter.compiling):
        for name in names:
            meter.start_file(None)
            start = time.perf_counter()
            try:
                done = _test(name, args, meter)
                damage, size, chunks = list(done.damage), done.decoded_size, done.chunks
            except (LacodecError, OSError) as error:
                damage, size, chunks = [describe(error)], 0, 0
            seconds = time.perf_counter() - start
            meter.stop()
            failed += bool(damage)
            for message in damage:
                complain(message)
            if args.json:
                print_json({"input": name, "ok": not damage, "chunks": chunks, "size": size, "damage": damage})
            elif not args.quiet and not damage:
                kind = "tensor" if name != PIPE and not is_lac(name) else "chunk"
                parts = f"1 {kind}" if chunks == 1 else f"{chunks} {kind}s"
                print(f"{printable(name)}: ok, {size:,} bytes in {parts}, {speed_text(size, seconds)}", flush=True)
    return int(failed > 0)


def _test(name: str, args: argparse.Namespace, meter: Meter) -> "TestResult":
    from lacodec import api

    if name != PIPE and _coded_safetensors.is_safetensors(name):
        return _coded_safetensors.test(name, args.base)
    source = sys.stdin.buffer if name == PIPE else name
    return api.test(source, threads=args.threads, progress=meter.update, base=args.base)
