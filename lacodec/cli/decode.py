"""`lacodec decode`: `.lac` files -> the files they were made from."""

import argparse
import sys

from lacodec.cli._common import Running, add_base_flag, add_file_flags, device_of, run_jobs
from lacodec.cli._files import PIPE, Job, decoded_name, make_plan, without
from lacodec.cli._report import IDENTICAL, complain, file_facts, note, print_json, say
from lacodec.errors import BadInput
from lacodec.io.source import Source

HELP = "bring files back: FILE.lac -> FILE"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `decode`."""
    add_file_flags(parser)
    add_base_flag(parser)
    parser.add_argument("--salvage", action="store_true", help="write the intact parts of a damaged file (zeros for lost ranges)")


def run(args: argparse.Namespace) -> int:
    """Decode everything that the arguments name; in folders, the files that are `.lac` files by content."""
    from lacodec import api

    device = device_of(args)
    if PIPE in args.inputs and sys.stdin.isatty():
        raise BadInput("standard input is a terminal; name a file, or send one through a pipe")
    plan = without(make_plan(args.inputs, args.output, decoded_name), args.inputs, lambda name: _not_ours(args, name))

    def convert(job: Job, source: Source, running: Running) -> bool:
        done = api.decode_file(
            source,
            sys.stdout.buffer if job.target == PIPE else job.target,
            threads=running.threads,
            force=args.force,
            salvage=args.salvage,
            progress=running.meter.update,
            max_memory=args.max_memory,
            base=args.base,
            device=device,
        )
        running.stop()
        for message in done.damage:
            complain(message)
        if done.remark:
            note(args, f"{job.target}: {done.remark}")
        if args.json:
            print_json({**file_facts(job, done, running.seconds), "damage": list(done.damage)})
        change = f"{done.encoded:,} -> {done.size:,} bytes{running.speed(done.size)}"
        lost = "1 part is damaged or lost" if len(done.damage) == 1 else f"{len(done.damage)} parts are damaged or lost"
        kept = lost if done.damage else IDENTICAL[done.identical]
        say(args, job, f"{change}, codec {done.codec}, {kept}")
        return not done.damage

    return run_jobs(args, plan, "decoding", convert)


def _not_ours(args: argparse.Namespace, name: str) -> bool:
    """Whether a file in a folder is skipped; prints a note about it."""
    from lacodec.pipeline.containers import is_encoded

    if is_encoded(name):
        return False
    note(args, f"{name}: skipped: not a .lac file")
    return True
