"""Shared by the recipes of `lacodec train`: flags from dataclasses, options of a resumed run, device and loop."""

import argparse
import dataclasses
import signal
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli._report import note
from lacodec.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    import torch

    from lacodec.training.loop import Task
    from lacodec.training.options import RunOptions
    from lacodec.training.ranks import Ranks


def add_run_flags(parser: argparse.ArgumentParser, options: type["RunOptions"], threads: str, folder: str) -> None:
    """Flags of every training: its output, its start, its device, and those of its options."""
    add_quick_flags(parser, folder)
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in the output folder, with its options by default"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to compute")
    parser.add_argument("--threads", type=int, metavar="N", help=f"threads on a CPU (default: {threads})")
    add_option_flags(parser.add_argument_group("the run", "Parts of it count from 0 to 1."), options)


def add_quick_flags(parser: argparse.ArgumentParser, folder: str) -> None:
    """Flags of every recipe."""
    parser.add_argument("-o", "--output", default=folder, metavar="FOLDER", help=f"folder for the results (default {folder})")
    parser.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print only errors")
    parser.add_argument(
        "-v", "--verbose", action="count", default=argparse.SUPPRESS, help="print more, with tracebacks of internal errors"
    )


def add_option_flags(group: Any, options: type) -> None:
    """A flag for each field of a dataclass, without defaults: flags that are not given are None."""
    hints = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        hint, unit = hints[field.name], field.metadata["unit"]
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        literal = typing.get_origin(hint) is typing.Literal
        settings: dict[str, Any] = {"choices": kinds} if literal else {"type": kinds[0] if kinds else hint, "metavar": unit}
        shown = "" if field.default is None else f" (default {field.default})"
        group.add_argument(f"--{field.name.replace('_', '-')}", help=field.metadata["help"] + shown, **settings)


def given(args: argparse.Namespace, options: type) -> dict[str, Any]:
    """The options of a dataclass that were given."""
    names = [field.name for field in dataclasses.fields(options)]
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def with_had(had: Mapping[str, Any], now: Mapping[str, Any], options: type) -> dict[str, Any]:
    """Options of a resumed run: those given now, else those that it had. A new length replaces the old one of either kind."""
    names = [field.name for field in dataclasses.fields(options)]
    length = {name: now.get(name) for name in ("steps", "minutes")}
    if not any(length.values()):
        length = {name: had.get(name) for name in length}
    return {**{name: had[name] for name in names if name in had}, **now, **length}


def place(args: argparse.Namespace) -> Path:
    """The path of the run's checkpoint; raises BadInput if its existence does not fit --resume."""
    path = Path(args.output) / "checkpoint.pt"
    if args.resume and not path.exists():
        raise BadInput(f"{path}: does not exist, so no run can be resumed; leave --resume out")
    if not args.resume and path.exists():
        raise BadInput(f"{args.output}: this folder holds an earlier run; continue it with --resume or choose another with -o")
    return path


def require_torch() -> None:
    """Import torch, prepared for a training; raises MissingDependency."""
    from lacodec.training.memory import wait_politely

    wait_politely()
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingDependency("training needs torch; install it with: pip install 'lacodec[learned]'") from None


@contextmanager
def computing(args: argparse.Namespace, threads: int | None = None) -> Iterator[tuple["torch.device", "Ranks"]]:
    """The device and the other processes; `threads` of a CPU if no number was given (None: torch's own choice)."""
    import torch

    from lacodec.training.memory import keep_freed_memory
    from lacodec.training.ranks import Ranks

    if args.threads is not None and args.threads < 1:
        raise BadInput(f"--threads must be at least 1, not {args.threads}")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda: torch sees no CUDA device; use --device cpu")
    device = torch.device("cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        keep_freed_memory()
        wanted = args.threads or threads
        if wanted is not None:
            torch.set_num_threads(wanted)
    ranks = Ranks.join(device)
    try:
        yield device, ranks
    finally:
        ranks.leave()


def train(args: argparse.Namespace, task: "Task", options: "RunOptions", ranks: "Ranks", finish: Callable[[Path], None]) -> int:
    """Train, or continue a training. In the first process `finish` gets the checkpoint, interrupted or not."""
    from lacodec.training.loop import Run

    def tell(text: str) -> None:
        if ranks.rank == 0:
            note(args, text)

    training = Run(task, options, Path(args.output), tell, ranks)
    if args.resume:
        training.resume()
    code = 0
    try:
        training.train()
    except KeyboardInterrupt:
        tell(f"interrupted at step {training.step}; continue with --resume")
        code = 128 + signal.SIGINT
    finally:
        if ranks.rank == 0 and training.path.exists():
            finish(training.path)
    ranks.wait()
    return code
