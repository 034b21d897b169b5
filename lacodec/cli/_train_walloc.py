"""The recipe `walloc` of `lacodec train`: pictures or sound -> a model of codec image.walloc or audio.walloc."""

import argparse
from pathlib import Path

from lacodec.cli import _training
from lacodec.cli._report import note
from lacodec.errors import BadInput

HELP = "a linear transform of pictures or sound, for codecs image.walloc and audio.walloc"
USAGE = "PATH... [--kind picture|sound] [flags]"
DESCRIPTION = "Learns the transform of codec image.walloc or audio.walloc, in seconds. The output folder gets model.lac."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything: it is done in one go, without torch."""
    from lacodec.training.walloc import WallocOptions

    parser.add_argument("data", nargs="+", metavar="PATH", help="files to learn from, or folders of them")
    _training.add_quick_flags(parser, "checkpoints/walloc")
    _training.add_option_flags(parser, WallocOptions)


def run(args: argparse.Namespace) -> int:
    """Learn, and write the model."""
    from lacodec.training.model_file import write_model
    from lacodec.training.walloc import WallocOptions, train

    options = WallocOptions(**_training.given(args, WallocOptions))
    given = [Path(name) for name in args.data]
    missing = [path for path in given if not path.exists()]
    if missing:
        raise BadInput(f"{missing[0]}: no such file or folder")
    paths = [file for path in given for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
    model, target = train(paths, options), Path(args.output) / "model.lac"
    target.parent.mkdir(parents=True, exist_ok=True)
    size = write_model(model.arrays(), target)
    note(args, f"{target}: {model.channels} channels of {model.encoder.shape[1]} bands, {size} bytes")
    return 0
