"""`lacodec encode`: files -> `.lac` files."""

import argparse
import os
import sys
from typing import Any

from lacodec.cli._codec_options import add_flags_of, given_options, peek_codec
from lacodec.cli._common import Running, add_file_flags, device_of, run_jobs
from lacodec.cli._files import PIPE, SUFFIX, Job, encoded_name, make_plan, without
from lacodec.cli._follow import follow, seconds
from lacodec.cli._report import IDENTICAL, change_text, file_facts, note, print_json, say
from lacodec.io.places import open_source
from lacodec.io.source import Source

HELP = "make files small: FILE -> FILE.lac"
USAGE = "[flags] FILE ..."


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `encode`, among them those of the codec that `--codec` in `argv` names."""
    add_file_flags(parser)
    parser.add_argument("--codec", metavar="NAME", help="codec to use (default: lossless, chosen by content; see lacodec list)")
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="decode and compare before keeping a file (default: yes)",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what is appended to FILE, a log, until Ctrl-C")
    parser.add_argument(
        "--every",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="with --follow: write new lines at least so often (default: 60)",
    )
    name = peek_codec(argv)
    if name is None:
        parser.add_argument("--effort", dest="codec_option_effort", type=int, metavar="1..9", help="1 is fast, 9 is small")
        parser.add_argument(
            "--base",
            dest="codec_option_base",
            metavar="PATH",
            help="model weights: store differences to this file, or to the files in this folder",
        )
        parser.epilog = "Each codec has its own options: lacodec encode --codec NAME --help lists them."
        return
    add_flags_of(parser, name)


def run(args: argparse.Namespace) -> int:
    """Encode everything that the arguments name; in folders, the files that are not `.lac` files."""
    from lacodec import api
    from lacodec.codecs import registry
    from lacodec.pipeline.containers import codes_as_safetensors

    device = device_of(args)
    options = given_options(args)
    if args.follow:
        return follow(args, options)
    api.codec(
        args.codec or "bytes", **{key: value for key, value in options.items() if key != "base"}
    )  # mistakes that concern every file
    plan = without(make_plan(args.inputs, args.output, encoded_name), args.inputs, lambda name: _encoded_already(args, name))

    def convert(job: Job, source: Source, running: Running) -> bool:
        codec, own = _with_base(args, job, source, options)
        running.meter.update(0, source.size or None)
        done = api.encode_file(
            source,
            sys.stdout.buffer if job.target == PIPE else job.target,
            codec=codec,
            threads=running.threads,
            verify=args.verify,
            force=args.force,
            progress=running.meter.update,
            max_memory=args.max_memory,
            device=device,
            **own,
        )
        running.stop()
        verified = done.verified or codes_as_safetensors(job.target, codec)
        if args.json:
            print_json({**file_facts(job, done, running.seconds), "verified": verified})
        if done.remark:
            note(args, f"{job.source}: {done.remark}")
        if done.detail and args.verbose:
            note(args, f"{job.source}: {done.detail}")
        proof = "verified" if verified else "not verified"
        proof = f", decoding {proof}" if done.identical == "none" else f" ({proof})"
        change = f"{change_text(done.size, done.encoded)}{running.speed(done.size)}"
        say(args, job, f"{change}, codec {done.codec}, {IDENTICAL[done.identical]}{proof}")
        return True

    together = args.max_memory is None and device != "cuda" and (args.codec is None or registry.get(args.codec).by_content)
    return run_jobs(args, plan, "encoding", convert, together)


def _encoded_already(args: argparse.Namespace, name: str) -> bool:
    """Whether a file in a folder is skipped; prints a note about it."""
    from lacodec.container.layout import MAGIC

    if not name.endswith(SUFFIX):
        return False
    with open_source(name) as source:
        if source.peek(len(MAGIC)) != MAGIC:
            return False
    note(args, f"{name}: skipped, it is already a .lac file; name it to encode it again")
    return True


def _with_base(args: argparse.Namespace, job: Job, source: Source, options: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Codec and options for a file: with `--base`, weights are coded as differences to the base, or its file of the same name.

    Files without tensors, and those that a folder of bases lacks, are coded without a base.
    """
    from lacodec.codecs import registry
    from lacodec.media.tensors.files import TENSORS

    base = options.get("base")
    if base is None:
        return args.codec, options
    without = args.codec, {key: value for key, value in options.items() if key != "base"}
    if args.codec is None and not TENSORS.sniff(source.peek(registry.HEAD_SIZE)):
        note(args, f"{job.source}: holds no tensors, so it needs no base")
        return without
    if os.path.isdir(base) and job.source != PIPE:
        name = os.path.join(base, os.path.basename(job.source))
        found = next((path for path in (name, encoded_name(name)) if os.path.isfile(path)), None)
        if found is None:
            note(args, f"{job.source}: {base} has no file of this name, so it is coded without a base")
            return without
        base = found
    return args.codec or "weights", {**options, "base": base}
