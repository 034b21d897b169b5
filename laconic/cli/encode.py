"""`laconic encode`: files -> `.lac` files."""

import argparse
import os
import sys
import time

from laconic.cli import _coded_safetensors
from laconic.cli._codec_options import add_codec_flags, given_options, peek_codec
from laconic.cli._common import add_file_flags, check_device, run_jobs
from laconic.cli._files import PIPE, Job, UsageError, encoded_name, make_plan
from laconic.cli._progress import Meter
from laconic.cli._report import IDENTICAL, change_text, file_facts, note, print_json, say, speed_text
from laconic.errors import LaconicError

HELP = "make files small: FILE -> FILE.lac"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `encode`, among them those of the codec that `--codec` in `argv` names."""
    add_file_flags(parser)
    parser.add_argument("--codec", metavar="NAME", help="codec to use (default: lossless, chosen by content; see laconic list)")
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="decode and compare before keeping a file (default: yes)",
    )
    name = peek_codec(argv)
    if name is None:
        parser.add_argument("--effort", dest="codec_option_effort", type=int, metavar="1..9", help="1 is fast, 9 is small")
        parser.epilog = "Each codec has options of its own: laconic encode --codec NAME --help lists them."
        return
    from laconic.codecs import registry

    try:
        options_class = registry.get(name).Options
    except LaconicError as error:
        raise UsageError(str(error)) from error
    add_codec_flags(parser, name, options_class)


def run(args: argparse.Namespace) -> int:
    """Encode everything that the arguments name."""
    from laconic import api

    check_device(args)
    options = given_options(args)
    plan = make_plan(args.inputs, args.output, encoded_name)

    def as_lac(job: Job, meter: Meter) -> api.FileResult:
        return api.encode_file(
            sys.stdin.buffer if job.source == PIPE else job.source,
            sys.stdout.buffer if job.target == PIPE else job.target,
            codec=args.codec,
            options=options,
            threads=args.threads,
            verify=args.verify,
            force=args.force,
            progress=meter.update,
            max_memory=args.max_memory,
        )

    def convert(job: Job, meter: Meter) -> bool:
        coded = _coded_safetensors.wanted(job, args.codec)
        start = time.perf_counter()
        meter.update(0, None if job.source == PIPE else os.path.getsize(job.source) or None)
        done = _coded_safetensors.encode(job, args.threads, args.force, options) if coded else as_lac(job, meter)
        seconds = time.perf_counter() - start
        meter.stop()
        if args.json:
            print_json({**file_facts(job, done, seconds), "verified": args.verify or coded})
        if done.remark:
            note(args, f"{job.source}: {done.remark}")
        proof = "verified" if args.verify or coded else "not verified"
        change = f"{change_text(done.size, done.encoded)}, {speed_text(done.size, seconds)}"
        say(args, job, f"{change}, codec {done.codec}, {IDENTICAL[done.identical]} ({proof})")
        return True

    return run_jobs(args, plan, "encoding", convert)
