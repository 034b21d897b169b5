"""`lacodec train`: folders of data -> a model that a codec loads."""

import argparse
import dataclasses
import os
import signal
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli._report import complain, note
from lacodec.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    from lacodec.models.image.model import ImageModel
    from lacodec.training.image import ImageTask
    from lacodec.training.options import TrainOptions
    from lacodec.training.ranks import Ranks

HELP = "train the model of a learned codec, on your own data too"
USAGE = "image --data FOLDER (--minutes N | --steps N) [flags]"

_RECIPES = ("image",)


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `train`, among them those of `TrainOptions`."""
    parser.add_argument("recipe", choices=_RECIPES, help="the kind of model: image (for codec image.learned)")
    parser.add_argument(
        "--data", action="append", required=True, metavar="FOLDER", help="pictures to learn from; may be repeated"
    )
    parser.add_argument("--validation", action="append", metavar="FOLDER", help="pictures to judge by, never learnt from")
    parser.add_argument(
        "-o", "--output", default="checkpoints/image", metavar="FOLDER", help="where checkpoint, curve and model go"
    )
    parser.add_argument("--profile", default="small", help="sizes of a new model: small, base or large")
    parser.add_argument("--entropy", help="entropy model: factorized, hyperprior, mean-scale or context (the default)")
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="begin from a model file, a checkpoint or a shipped model, such as small (default: from a KLT of the data)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in the output folder, with its options unless given again"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to compute")
    parser.add_argument("--threads", type=int, metavar="N", help="threads on a CPU (default: torch's own choice)")
    from lacodec.training.options import TrainOptions

    hints = typing.get_type_hints(TrainOptions)
    recipe = parser.add_argument_group("the run", "Parts of it count from 0 to 1.")
    for field in dataclasses.fields(TrainOptions):
        hint, unit = hints[field.name], field.metadata["unit"]
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        literal = typing.get_origin(hint) is typing.Literal
        settings: dict[str, Any] = {"choices": kinds} if literal else {"type": kinds[0] if kinds else hint, "metavar": unit}
        shown = "" if field.default is None else f" (default {field.default})"
        recipe.add_argument(f"--{field.name.replace('_', '-')}", help=field.metadata["help"] + shown, **settings)


def run(args: argparse.Namespace) -> int:
    """Train, then write the model file."""
    from lacodec.training.memory import keep_freed_memory, wait_politely

    wait_politely()
    try:
        import torch
    except ImportError:
        raise MissingDependency("training needs torch; install it with: pip install 'lacodec[learned]'") from None
    from lacodec.training.ranks import Ranks

    options = _options(args)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda is not available: torch sees no CUDA device; use --device cpu")
    device = torch.device("cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        keep_freed_memory()
        if args.threads is not None:
            torch.set_num_threads(args.threads)
    ranks = Ranks.join(device)
    try:
        return _train_image(args, options, device, ranks)
    finally:
        ranks.leave()


def _options(args: argparse.Namespace) -> "TrainOptions":
    """The options that were given; for a resumed run, its own for the rest."""
    from lacodec.training import checkpoint
    from lacodec.training.options import TrainOptions

    names = [field.name for field in dataclasses.fields(TrainOptions)]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if not args.resume:
        return TrainOptions(**given)
    path = Path(args.output) / "checkpoint.pt"
    if not path.exists():
        raise BadInput(f"{path}: not found, so there is no run to continue; leave --resume out")
    had = checkpoint.load(path)["description"]["options"]
    if had.get("task_network") and "task_network" not in given:  # a file never says what code is run
        raise BadInput(f"that run had --task-network {had['task_network']}; give it again")
    if "teacher" in given and not had.get("teacher"):
        raise BadInput("that run has no teacher; begin another one, from its model with --start if you like")
    length = {name: given.get(name) for name in ("steps", "minutes")}
    if not any(length.values()):
        length = {name: had.get(name) for name in length}
    return TrainOptions(**{**{name: had[name] for name in names if name in had}, **given, **length})


def _train_image(args: argparse.Namespace, options: "TrainOptions", device: Any, ranks: "Ranks") -> int:
    from lacodec.training.loop import Run

    folder = Path(args.output)

    def tell(text: str) -> None:
        if ranks.rank == 0:
            note(args, text)

    task = _image_task(args, options, device, tell, complain if ranks.rank == 0 else lambda text: None)
    training = Run(task, options, folder, tell, ranks)
    if args.resume:
        training.resume()
    code = 0
    try:
        training.train()
    except KeyboardInterrupt:
        tell(f"interrupted at step {training.step}; continue it with --resume")
        code = 128 + signal.SIGINT
    finally:
        if ranks.rank == 0 and training.path.exists():
            _export(args, training.path, folder / "model.lac")
    ranks.wait()
    return code


def _image_task(
    args: argparse.Namespace,
    options: "TrainOptions",
    device: Any,
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
    checkpoint = Path(args.output) / "checkpoint.pt"
    if args.resume:
        from lacodec.training import export

        return export.image_model(checkpoint, averaged=False)
    if checkpoint.exists():
        raise BadInput(f"{checkpoint}: this folder holds an earlier run; continue it with --resume or choose another with -o")
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
