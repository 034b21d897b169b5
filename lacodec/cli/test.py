"""`lacodec test`: decode `.lac` files without writing anything, and report which are intact."""

import argparse
import sys

from lacodec.cli import _streams as streams
from lacodec.cli._common import Running, add_base_flag, add_resource_flags, device_of, our_files
from lacodec.cli._compiling import Compilations
from lacodec.cli._files import PIPE
from lacodec.cli._progress import Meter
from lacodec.cli._report import complain, describe, fail, print_json, printable, put

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
    from lacodec import api
    from lacodec.api import CheckResult

    device = device_of(args)
    left_out: list[str] = []
    failed = 0
    names = our_files(args.inputs, left_out)
    if PIPE in names:
        streams.check("stdin")
    with Meter("testing", len(names), args.quiet) as meter, Compilations(meter.tell, meter.compiling) as compilations:
        for name in names:
            running = Running(meter, compilations)
            try:
                source = sys.stdin.buffer if name == PIPE else name
                done = api.check(source, threads=args.threads, progress=meter.update, base=args.base, device=device)
            except Exception as error:  # the others can still be tested
                running.stop()
                fail(args, error, "" if name == PIPE else name)
                done = CheckResult(0, 0, (describe(error),))
            else:
                running.stop()
                for message in done.damage:
                    complain(message)
            failed += not done.ok
            if args.json:
                facts = {"chunks": done.chunks, "size": done.decoded_size, "damage": list(done.damage)}
                print_json({"input": name, "ok": done.ok, **facts})
            elif not args.quiet and done.ok:
                kind = "tensor" if done.container == "safetensors" else "chunk"
                parts = f"1 {kind}" if done.chunks == 1 else f"{done.chunks} {kind}s"
                put(f"{printable(name)}: ok, {done.decoded_size:,} bytes in {parts}{running.speed(done.decoded_size)}")
    for sentence in left_out:
        complain(sentence)
    return int(failed > 0 or bool(left_out))
