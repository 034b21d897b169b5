"""Shared by `encode` and `decode`: flags, and the loop over the files of one command line."""

import argparse
import os
import re
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lacodec.cli import _streams as streams
from lacodec.cli._compiling import Compilations
from lacodec.cli._files import PIPE, Job, Plan, UsageError, mirrored_folders, parents_of, walk_files
from lacodec.cli._progress import Meter, NoMeter
from lacodec.cli._report import complain, describe, fail, speed_text
from lacodec.cli._together import in_order
from lacodec.errors import BadInput, LacodecError, MissingDependency
from lacodec.io.places import is_special, open_source
from lacodec.io.source import Source


def add_file_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of both verbs."""
    parser.add_argument("inputs", nargs="+", metavar="FILE", help="files or folders; - is standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="file or folder to write; - is standard output")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files; write to a terminal")
    parser.add_argument("--rm", action="store_true", help="remove each input once its output is safely written")
    parser.add_argument("--json", action="store_true", help="print one JSON line per file")
    parser.add_argument("--max-memory", type=parsed_size, metavar="SIZE", help="memory limit, such as 512M or 2G")
    add_resource_flags(parser)


def add_resource_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of everything that runs a codec."""
    cores_flag(parser)
    device_flag(parser)


def device_flag(parser: argparse.ArgumentParser) -> None:
    """The flag for where learned codecs compute."""
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="device for learned codecs")


def cores_flag(parser: argparse.ArgumentParser) -> None:
    """The flag for what always runs on the CPU."""
    parser.add_argument("--threads", type=_threads, default=_cores(), metavar="N", help="threads (default: all cores)")


def device_of(args: argparse.Namespace) -> str | None:
    """The device for a `Session`; raises MissingDependency or BadInput when `--device cuda` is not available."""
    if args.device == "auto":
        return None
    if args.device == "cuda":
        try:
            import torch
        except ImportError:
            raise MissingDependency("--device cuda needs torch; install it with: pip install 'lacodec[learned]'") from None
        if not torch.cuda.is_available():
            raise BadInput("--device cuda is not available: torch sees no CUDA device; use --device cpu")
    return str(args.device)


def our_files(names: list[str], left_out: list[str]) -> list[str]:
    """The named files as they are; of folders, the `.lac` files in them, and safetensors files with coded tensors.

    `left_out` gets a sentence about each entry that cannot be read. BadInput if a folder has none of ours: what checks
    a backup must not take the wrong folder for a whole one.
    """
    files = []
    for name in names:
        found = [name]
        if name != PIPE and os.path.isdir(name):
            found = [str(path) for path in walk_files(Path(name), left_out.append) if _may_be_ours(path)]
            if not found and not left_out:
                raise BadInput(f"{name}: this folder has no .lac files")
        files += found
    return files


def _may_be_ours(path: Path) -> bool:
    from lacodec.pipeline.containers import is_encoded

    try:
        return is_encoded(path)
    except (LacodecError, OSError):
        return True  # its own turn will tell why it cannot be opened


class Running:
    """Takes the progress reports about one file: for the bar, and a clock that knows when kernels are compiled."""

    def __init__(self, meter: Meter, compilations: Compilations, threads: int = 1) -> None:
        self.meter, self._compilations, self.threads = meter, compilations, threads
        self.start()

    def start(self) -> None:
        """The next file begins."""
        self.meter.start_file(None)
        self._begin, self._compiled = time.perf_counter(), self._compilations.count

    def stop(self) -> None:
        """The file is done with: the clock stops, and the bar makes room for a line."""
        self.seconds = time.perf_counter() - self._begin
        self.meter.stop()

    def speed(self, size: int) -> str:
        """ ", 12.3 MB/s", or nothing where getting started took a part of the time that counts."""
        return speed_text(size, self.seconds) if self._compilations.count == self._compiled else ""


Convert = Callable[[Job, Source, Running], bool]
"""Makes the target of a job from its opened source; returns whether all went well."""


def run_jobs(args: argparse.Namespace, plan: Plan, verb: str, convert: Convert, together: bool = False) -> int:
    """Call `convert` for every job; `together`: for small files several at a time. Returns the exit code.

    If one of several files fails, it is reported and the others continue.
    """
    _check_streams(args, plan)
    failed = 0
    with (
        mirrored_folders(plan),
        Meter(verb, len(plan.jobs), args.quiet) as meter,
        Compilations(meter.tell, meter.compiling) as compilations,
    ):

        def alone(job: Job) -> bool:
            return _run_one(args, job, Running(meter, compilations, args.threads), convert)

        def beside(job: Job) -> bool:
            return _run_one(args, job, Running(NoMeter(), compilations), convert)

        for job, outcome in in_order(plan.jobs, args.threads if together else 1, alone, beside):
            try:
                failed += not outcome()
            except BrokenPipeError:
                raise
            except Exception as error:
                meter.stop()
                fail(args, error, "" if job.source == PIPE or _names_target(job, error) else job.source)
                failed += 1
    for sentence in plan.left_out:
        complain(sentence)
    if failed and len(plan.jobs) > 1:
        complain(f"{failed} of {len(plan.jobs)} files failed")
    return int(failed > 0 or bool(plan.left_out))


def _check_streams(args: argparse.Namespace, plan: Plan) -> None:
    """Refuse impossible combinations of inputs and outputs, before any work."""
    for job in plan.jobs:
        if job.source == PIPE:
            streams.check("stdin")
            if args.rm:
                raise UsageError("--rm cannot remove standard input")
        if job.target == PIPE:
            streams.check("stdout")
            if args.json:
                raise UsageError("--json and the data cannot both go to standard output; use -o FILE")
        if args.rm and (job.target == PIPE or is_special(job.target)):
            place = "standard output" if job.target == PIPE else job.target
            raise UsageError(f"--rm needs an output that is a regular file, which {place} is not; leave --rm out")
    if args.json:
        streams.check("stdout")


def _names_target(job: Job, error: Exception) -> bool:
    return job.target != PIPE and job.target in describe(error)


def _run_one(args: argparse.Namespace, job: Job, running: Running, convert: Convert) -> bool:
    if job.target == PIPE and sys.stdout.isatty() and not args.force:
        raise BadInput("standard output is a terminal; name a file with -o, use a pipe, or --force")
    with _opened(job) as source:
        _refuse_same_file(job, source)
        with parents_of(job.target):
            well = convert(job, source, running)
    if source.facts is not None and _changed(job.source, source.facts):
        complain(f"{job.source}: changed while it was read; {_output(job)} holds its earlier content")
        well = False
    if args.rm and well:
        _remove(job, source)
    return well


def _opened(job: Job) -> Source:
    if job.source == PIPE:
        return open_source(sys.stdin.buffer)
    return open_source(job.source, may_grow=True)


def _refuse_same_file(job: Job, source: Source) -> None:
    if source.facts is None:
        return
    try:
        target = os.fstat(sys.stdout.fileno()) if job.target == PIPE else os.stat(job.target)
    except (OSError, ValueError):  # not there yet
        return
    if os.path.samestat(target, source.facts):
        raise BadInput(f"{job.source}: input and output are the same file; choose another output with -o")


def _changed(path: str, before: os.stat_result) -> bool:
    try:
        now = os.stat(path)
    except OSError:
        return True
    return not os.path.samestat(now, before) or (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def _remove(job: Job, source: Source) -> None:
    """Remove the input if it is still the regular file that was read, and its output is another regular file, already synced.

    Raises BadInput otherwise.
    """
    try:
        target, now = os.stat(job.target), os.lstat(job.source)
    except OSError as error:
        raise BadInput(f"{job.source}: not removed ({error.strerror})") from error
    if stat.S_ISLNK(now.st_mode):
        raise BadInput(f"{job.source}: not removed, it is a link")
    if source.facts is None or _changed(job.source, source.facts):
        raise BadInput(f"{job.source}: not removed, it is not the file that was read")
    if not stat.S_ISREG(target.st_mode) or os.path.samestat(target, now):
        raise BadInput(f"{job.source}: not removed, {job.target} is not another regular file")
    os.unlink(job.source)


def _output(job: Job) -> str:
    return "the output" if job.target == PIPE else job.target


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1024, not {text!r}")
    return int(text)


def parsed_size(text: str) -> int:
    """Bytes, from a number with or without a suffix."""
    match = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, flags=re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"invalid size {text!r}; use bytes or a suffix, such as 512M (powers of 1024)")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


def add_base_flag(parser: argparse.ArgumentParser) -> None:
    """`--base`, for commands that decode; also by the name that codec `points` has for it."""
    parser.add_argument(
        "--base",
        "--reference",
        action="append",
        default=[],
        metavar="PATH",
        help="base: the file that a file was stored as differences to, or its folder (repeatable)",
    )
