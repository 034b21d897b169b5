"""What `encode` and `decode` share: flags, and the loop over the files of one command line."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from lacodec.cli import _coded_safetensors
from lacodec.cli._compiling import Compilations
from lacodec.cli._files import PIPE, Job, Plan, UsageError, parents_of, walk_files
from lacodec.cli._progress import Meter
from lacodec.cli._report import complain, describe
from lacodec.errors import BadInput, LacodecError, MissingDependency


def add_file_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of both verbs."""
    parser.add_argument("inputs", nargs="+", metavar="FILE", help="files or folders; - is standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="file or folder to write; - is standard output")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files; write to a terminal")
    parser.add_argument("--rm", action="store_true", help="remove each input once its output is safely written")
    parser.add_argument("--json", action="store_true", help="print one JSON line per file")
    parser.add_argument("--max-memory", type=_size, metavar="SIZE", help="refuse what needs more memory, such as 512M or 2G")
    add_resource_flags(parser)


def add_resource_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of everything that runs a codec."""
    parser.add_argument("--threads", type=_threads, default=_cores(), metavar="N", help="threads (default: all cores)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where learned codecs compute")


def check_device(args: argparse.Namespace) -> None:
    """Make the device known to learned codecs; raise MissingDependency or BadInput when `--device cuda` cannot be had."""
    if args.device != "auto":
        os.environ["LACODEC_DEVICE"] = args.device
    if args.device != "cuda":
        return
    try:
        import torch
    except ImportError:
        raise MissingDependency("--device cuda needs torch; install it with: pip install 'lacodec[learned]'") from None
    if not torch.cuda.is_available():
        raise BadInput("--device cuda: torch sees no CUDA device here; use --device cpu")


def is_lac(path: str | Path) -> bool:
    """Whether a file is one of ours, by its first bytes."""
    from lacodec.container.layout import MAGIC

    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def lac_files(names: list[str]) -> list[str]:
    """The named files as they are; of folders, the `.lac` files in them, and safetensors files with coded tensors.

    BadInput where a folder has none: what checks a backup must not take the wrong folder for a whole one.
    """
    files = []
    for name in names:
        found = [name]
        if name != PIPE and os.path.isdir(name):
            found = [str(path) for path in walk_files(Path(name)) if _may_be_ours(path)]
        if not found:
            raise BadInput(f"{name}: this folder has no .lac files")
        files += found
    return files


def _may_be_ours(path: Path) -> bool:
    try:
        return is_lac(path) or _coded_safetensors.holds_coded(path)
    except OSError:
        return True  # its own turn will tell why it cannot be opened


def run_jobs(args: argparse.Namespace, plan: Plan, verb: str, convert: Callable[[Job, Meter], bool]) -> int:
    """Call `convert`, which says whether all is well, for every job. Returns the exit code.

    Of several files one that fails is reported, and the others go on.
    """
    if args.json and any(job.target == PIPE for job in plan.jobs):
        raise UsageError("--json and the data cannot both go to standard output; use -o FILE")
    if args.rm and any(job.source == PIPE for job in plan.jobs):
        raise UsageError("--rm cannot remove standard input")
    failed = 0
    with Meter(verb, len(plan.jobs), args.quiet) as meter, Compilations(meter.tell, meter.compiling):
        for job in plan.jobs:
            meter.start_file(None)
            try:
                failed += not _run_one(args, job, meter, convert)
            except BrokenPipeError:
                raise
            except (LacodecError, OSError) as error:
                meter.stop()
                complain(_about(job, describe(error)))
                failed += 1
    for folder in plan.folders:
        folder.mkdir(parents=True, exist_ok=True)
    if failed and len(plan.jobs) > 1:
        complain(f"{failed} of {len(plan.jobs)} files failed")
    return int(failed > 0)


def _about(job: Job, text: str) -> str:
    """An error with the file that it is about."""
    named = job.source == PIPE or job.source in text or (job.target != PIPE and job.target in text)
    return text if named else f"{job.source}: {text}"


def _run_one(args: argparse.Namespace, job: Job, meter: Meter, convert: Callable[[Job, Meter], bool]) -> bool:
    if job.target == PIPE and sys.stdout.isatty() and not args.force:
        raise BadInput("standard output is a terminal; name a file with -o, use a pipe, or --force")
    with parents_of(job.target):
        well = convert(job, meter)
    if args.rm and well:
        Path(job.source).unlink()
    return well


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is no number of threads; give 1 to 1024")
    return int(text)


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, flags=re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no size; give bytes, or a number with K, M or G (powers of 1024)")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


def add_base_flag(parser: argparse.ArgumentParser) -> None:
    """`--base`, for commands that decode."""
    parser.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="PATH",
        help="file, or folder of files, that weights were stored as differences to (repeatable)",
    )
