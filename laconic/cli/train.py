"""`laconic train`: folders of data -> a model that a codec loads."""

import argparse
import dataclasses
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laconic.cli._report import complain, note
from laconic.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    from laconic.models.image.model import ImageModel
    from laconic.training.options import TrainOptions

HELP = "train the model of a learned codec, on your own data too"
USAGE = "image --data FOLDER (--minutes N | --steps N) [flags]"

_RECIPES = ("image",)


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `train`, among them those of `TrainOptions`."""
    parser.add_argument("recipe", choices=_RECIPES, help="what is trained: image (codec image.learned)")
    parser.add_argument(
        "--data", action="append", required=True, metavar="FOLDER", help="pictures to learn from; may be repeated"
    )
    parser.add_argument("--validation", action="append", metavar="FOLDER", help="pictures to judge by, never learnt from")
    parser.add_argument(
        "-o", "--output", default="checkpoints/image", metavar="FOLDER", help="where checkpoint, curve and model go"
    )
    parser.add_argument("--profile", default="small", help="sizes of a new model: small, base or large")
    parser.add_argument("--entropy", help="entropy model: factorized, hyperprior, mean-scale or context (the default)")
    parser.add_argument("--start", metavar="PATH", help="begin from a model file or checkpoint (default: from a KLT of the data)")
    parser.add_argument("--resume", action="store_true", help="go on with the run whose checkpoint lies in the output folder")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to compute")
    parser.add_argument("--threads", type=int, metavar="N", help="threads on a CPU (default: torch's own choice)")
    from laconic.training.options import TrainOptions

    hints = typing.get_type_hints(TrainOptions)
    for field in dataclasses.fields(TrainOptions):
        hint = hints[field.name]
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        literal = typing.get_origin(hint) is typing.Literal
        settings: dict[str, Any] = {"choices": kinds} if literal else {"type": kinds[0] if kinds else hint, "metavar": "N"}
        shown = "" if field.default is None else f" (default {field.default})"
        parser.add_argument(f"--{field.name.replace('_', '-')}", help=field.metadata["help"] + shown, **settings)


def run(args: argparse.Namespace) -> int:
    """Train, then write the model file."""
    from laconic.training.options import TrainOptions

    names = [field.name for field in dataclasses.fields(TrainOptions)]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    options = TrainOptions(**given)
    try:
        import torch
    except ImportError:
        raise MissingDependency("training needs torch; install it with: pip install 'laconic[learned]'") from None
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        raise BadInput("--device cuda: torch sees no CUDA device here; use --device cpu")
    device = torch.device("cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu")
    return _train_image(args, options, device)


def _train_image(args: argparse.Namespace, options: "TrainOptions", device: Any) -> int:
    from laconic.models.image.options import PROFILES
    from laconic.training.image import image_task
    from laconic.training.loop import Run
    from laconic.training.pictures import picture_files

    if args.profile not in PROFILES:
        raise BadInput(f"--profile {args.profile}: there are {', '.join(PROFILES)}")
    sizes = PROFILES[args.profile]
    if args.entropy is not None:
        sizes = dataclasses.replace(sizes, entropy=args.entropy)
    folder = Path(args.output)
    start = _start(args, folder)
    files = picture_files([Path(name) for name in args.data])
    validation = picture_files([Path(name) for name in args.validation]) if args.validation else []
    task = image_task(options, sizes, files, validation, device, complain, start)
    training = Run(task, options, folder, lambda text: note(args, text))
    if args.resume:
        training.resume()
    try:
        training.train()
    finally:
        if training.path.exists():
            _export(args, training.path, folder / "model.lac")
    return 0


def _export(args: argparse.Namespace, checkpoint: Path, target: Path) -> None:
    from laconic.training import export

    try:
        size = export.export_image_model(export.image_model(checkpoint), target)
    except MissingDependency as error:
        complain(str(error))  # the checkpoint is there, and has everything
        return
    note(args, f"{target}: {size} bytes")


def _start(args: argparse.Namespace, folder: Path) -> "ImageModel | None":
    """The model to begin with; None for a new one."""
    from laconic.training import export

    checkpoint = folder / "checkpoint.pt"
    if args.resume:
        if not checkpoint.exists():
            raise BadInput(f"{checkpoint}: is not there, so nothing can be resumed; leave --resume out")
        return export.image_model(checkpoint, averaged=False)
    if checkpoint.exists():
        raise BadInput(f"{checkpoint}: a run lies there; --resume goes on with it, -o FOLDER begins elsewhere")
    if args.start is None:
        return None
    if args.start.endswith(".lac"):
        from laconic.codecs.image._model_files import read_arrays
        from laconic.models.image.model import unpack

        return unpack(read_arrays(args.start), training=True)
    return export.image_model(Path(args.start))
