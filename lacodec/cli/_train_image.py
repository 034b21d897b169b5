"""The recipe `image` of `lacodec train`: folders of pictures -> a model of codec image.learned."""

import argparse
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _training
from lacodec.cli._report import complain, note
from lacodec.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    import torch

    from lacodec.models.image.model import ImageModel
    from lacodec.training.image import ImageTask
    from lacodec.training.options import TrainOptions

HELP = "a model of codec image.learned"
USAGE = "--data FOLDER (--minutes N | --steps N) [flags]"
DESCRIPTION = "Trains a model of codec image.learned. The output folder gets checkpoint, curve and model."
THREADS = "torch's own choice"


def options_class() -> "type[TrainOptions]":
    """Where the flags of a run come from."""
    from lacodec.training.options import TrainOptions

    return TrainOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Data and model."""
    parser.add_argument(
        "--data", action="append", required=True, metavar="FOLDER", help="pictures to learn from; may be repeated"
    )
    parser.add_argument("--validation", action="append", metavar="FOLDER", help="pictures for validation, never learnt from")
    parser.add_argument("--profile", default="small", help="sizes of a new model: small, base or large")
    parser.add_argument("--entropy", help="entropy model: factorized, hyperprior, mean-scale or context (the default)")
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="begin from a model file, a checkpoint or a shipped model, such as small (default: from a KLT of the data)",
    )


def run(args: argparse.Namespace) -> int:
    """Train, then write the model file."""
    _training.require_torch()
    options = _options(args)
    with _training.computing(args) as (device, ranks):
        first = ranks.rank == 0
        tell = (lambda text: note(args, text)) if first else (lambda text: None)
        task = _task(args, options, device, tell, complain if first else lambda text: None)
        return _training.train(args, task, options, ranks, lambda path: _export(args, path, path.with_name("model.lac")))


def _options(args: argparse.Namespace) -> "TrainOptions":
    """The options that were given; for a resumed run, its own for the rest."""
    from lacodec.training import checkpoint
    from lacodec.training.options import TrainOptions

    path, given = _training.place(args), _training.given(args, TrainOptions)
    if not args.resume:
        return TrainOptions(**given)
    had = checkpoint.load(path)["description"]["options"]
    if had.get("task_network") and "task_network" not in given:  # a file never says what code is run
        raise BadInput(f"that run used --task-network {had['task_network']}; give it again")
    if "teacher" in given and not had.get("teacher"):
        raise BadInput("that run has no teacher; begin a new run, with --start to use its model")
    return TrainOptions(**_training.with_had(had, given, TrainOptions))


def _task(
    args: argparse.Namespace,
    options: "TrainOptions",
    device: "torch.device",
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> "ImageTask":
    from lacodec.models.image.options import PROFILES
    from lacodec.training.image import image_task
    from lacodec.training.pictures import mask_files, picture_files
    from lacodec.training.task_loss import TaskLoss, load_network

    if args.profile not in PROFILES:
        raise BadInput(f"--profile must be one of {', '.join(PROFILES)}, not {args.profile!r}")
    sizes = PROFILES[args.profile]
    if args.entropy is not None:
        sizes = dataclasses.replace(sizes, entropy=args.entropy)
    start = _start(args)
    roots = [Path(name) for name in args.data]
    files = picture_files(roots)
    validation = picture_files([Path(name) for name in args.validation]) if args.validation else []
    masks = None if options.masks is None else mask_files(Path(options.masks), roots, files)
    task_loss = None
    if options.task_network is not None:
        layers = options.task_layers.split(",") if options.task_layers else []
        task_loss = TaskLoss(load_network(options.task_network), options.task_weight, layers)
    teacher = None if options.teacher is None else _read_model(options.teacher)
    tell(f"reading {len(files)} pictures and making the first model; then training on {device.type}")
    return image_task(options, sizes, files, validation, device, warn, start, masks=masks, task_loss=task_loss, teacher=teacher)


def _export(args: argparse.Namespace, checkpoint: Path, target: Path) -> None:
    from lacodec.training import export

    try:
        size = export.export_image_model(export.image_model(checkpoint), target)
    except MissingDependency as error:
        complain(str(error))  # the checkpoint has everything
        return
    note(args, f"{target}: {size} bytes")


def _start(args: argparse.Namespace) -> "ImageModel | None":
    """The model to begin with; None for a new one."""
    if args.resume:
        from lacodec.training import export

        return export.image_model(_training.place(args), averaged=False)
    return None if args.start is None else _read_model(args.start)


def _read_model(path: str) -> "ImageModel":
    """From a model file or a checkpoint, or a shipped one by its profile, to be trained or learnt from."""
    if not os.path.exists(path):
        from lacodec.codecs.model_files import shipped

        models = shipped()
        if path not in models:
            raise BadInput(f"{path}: no such model; give a model file, a checkpoint or a shipped one: {', '.join(models)}")
        path = str(models[path])
    if not path.endswith(".lac"):
        from lacodec.training import export

        return export.image_model(Path(path))
    from lacodec.codecs.model_files import read_arrays
    from lacodec.models.image.model import unpack

    return unpack(read_arrays(path), training=True)
