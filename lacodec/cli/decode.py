"""`lacodec decode`: `.lac` files -> the files they were made from."""

import argparse
import sys
import time

from lacodec.cli import _coded_safetensors
from lacodec.cli._common import add_base_flag, add_file_flags, check_device, is_lac, run_jobs
from lacodec.cli._files import PIPE, Job, decoded_name, make_plan, without
from lacodec.cli._progress import Meter
from lacodec.cli._report import IDENTICAL, complain, file_facts, note, print_json, say, speed_text
from lacodec.errors import BadInput

HELP = "bring files back: FILE.lac -> FILE"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `decode`."""
    add_file_flags(parser)
    add_base_flag(parser)
    parser.add_argument("--salvage", action="store_true", help="from a damaged file, write what is whole (lost ranges as zeros)")


def run(args: argparse.Namespace) -> int:
    """Decode everything that the arguments name; in folders, whatever is a `.lac` file by its content."""
    from lacodec import api

    check_device(args)
    if PIPE in args.inputs and sys.stdin.isatty():
        raise BadInput("standard input is a terminal; name a file, or send one through a pipe")
    plan = without(make_plan(args.inputs, args.output, decoded_name), args.inputs, lambda name: _no_lac(args, name))

    def from_lac(job: Job, meter: Meter) -> api.FileResult:
        return api.decode_file(
            sys.stdin.buffer if job.source == PIPE else job.source,
            sys.stdout.buffer if job.target == PIPE else job.target,
            threads=args.threads,
            force=args.force,
            salvage=args.salvage,
            progress=meter.update,
            max_memory=args.max_memory,
            base=args.base,
        )

    def from_coded(job: Job) -> api.FileResult:
        return _coded_safetensors.decode(job, args.force, args.salvage, args.base)

    def convert(job: Job, meter: Meter) -> bool:
        start = time.perf_counter()
        done = from_coded(job) if _is_safetensors(job) else from_lac(job, meter)
        seconds = time.perf_counter() - start
        meter.stop()
        for message in done.damage:
            complain(message)
        if done.remark:
            note(args, f"{job.target}: {done.remark}")
        if args.json:
            print_json({**file_facts(job, done, seconds), "damage": list(done.damage)})
        change = f"{done.encoded:,} -> {done.size:,} bytes, {speed_text(done.size, seconds)}"
        lost = "1 part is lost" if len(done.damage) == 1 else f"{len(done.damage)} parts are lost"
        kept = lost if done.damage else IDENTICAL[done.identical]
        say(args, job, f"{change}, codec {done.codec}, {kept}")
        return not done.damage

    return run_jobs(args, plan, "decoding", convert)


def _no_lac(args: argparse.Namespace, name: str) -> bool:
    """Whether a file in a folder is left out, and says so."""
    if is_lac(name) or _coded_safetensors.holds_coded(name):
        return False
    note(args, f"{name}: skipped, it is no .lac file")
    return True


def _is_safetensors(job: Job) -> bool:
    return job.source != PIPE and _coded_safetensors.is_safetensors(job.source)
