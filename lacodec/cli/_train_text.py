"""The recipe `text` of `lacodec train`: files of text -> pieces and a language model of them, as a checkpoint."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _training
from lacodec.cli._report import complain, note
from lacodec.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    from lacodec.models.text.network import TextNetwork
    from lacodec.models.text.pieces import Pieces
    from lacodec.training.text_data import Texts
    from lacodec.training.text_options import TextTrainOptions

    _Start = tuple[TextNetwork, Pieces]

HELP = "a language model of text, for codec text.lm"
USAGE = "PATH... (--minutes N | --steps N) [flags]"
DESCRIPTION = "Trains a language model of text for codec text.lm. The output folder gets the model, checkpoint, curve and pieces."
THREADS = "1"


def options_class() -> "type[TextTrainOptions]":
    """Where the flags of a run come from."""
    from lacodec.training.text_options import TextTrainOptions

    return TextTrainOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Data and model."""
    from lacodec.models.text.options import TextOptions

    parser.add_argument("data", nargs="+", metavar="PATH", help="text to learn from: files, .xz or plain, or folders of them")
    parser.add_argument("--other", action="append", default=[], metavar="PATH", help="text to show less often; may be repeated")
    parser.add_argument(
        "--validation",
        action="append",
        default=[],
        metavar="PATH",
        help="text for validation, never learnt from; may be repeated",
    )
    parser.add_argument(
        "--parts", metavar="FILE", help="JSON list of held-out parts of files (default: those of lacodec's own data)"
    )
    parser.add_argument("--start", metavar="PATH", help="begin from the model and the pieces of a checkpoint or a model file")
    parser.add_argument("--pieces-from", metavar="FILE", help="use the pieces in this file (default: learn them from the text)")
    _training.add_option_flags(parser.add_argument_group("a new model"), TextOptions)


def run(args: argparse.Namespace) -> int:
    """Train; the checkpoint is the result."""
    _training.require_torch()
    from lacodec.training import text, text_data

    options, start = _options(args)
    with _training.computing(args, threads=1) as (device, ranks):
        parts = text_data.load_parts(args.parts or text_data.PARTS)
        data, other, validation = ([Path(name) for name in names] for names in (args.data, args.other, args.validation))
        texts = text_data.collect(data, other, validation, parts)
        model, pieces = _model(args, options, start, texts)
        task = text.text_task(options, texts, device, model, pieces)
        if ranks.rank == 0:
            folder = Path(args.output)
            folder.mkdir(parents=True, exist_ok=True)
            pieces.save(folder / "pieces.txt")
            note(args, f"{sum(p.numel() for p in model.parameters())} parameters, {len(pieces)} pieces, {task.sources}")
        return _training.train(args, task, options, ranks, lambda path: _export(args, path, path.with_name("model.lac")))


def _export(args: argparse.Namespace, checkpoint: Path, target: Path) -> None:
    from lacodec.training import export

    try:
        size = export.export_text_model(checkpoint, target)
    except MissingDependency as error:
        complain(str(error))  # the checkpoint has everything
        return
    note(args, f"{target}: {size} bytes")


def _options(args: argparse.Namespace) -> tuple["TextTrainOptions", "_Start | None"]:
    """The given options, and the model and the pieces to start from; a resumed run keeps its other options."""
    from lacodec.training import checkpoint, text
    from lacodec.training.text_options import TextTrainOptions

    path, given = _training.place(args), _training.given(args, TextTrainOptions)
    if args.resume:
        kept = checkpoint.load(path)
        return TextTrainOptions(**_training.with_had(text.options_of(kept), given, TextTrainOptions)), text.model_of(
            kept, averaged=False
        )
    return TextTrainOptions(**given), _read(args.start) if args.start else None


def _read(path: str) -> "_Start":
    """From a model file or a checkpoint."""
    from lacodec.training import checkpoint, text

    if not path.endswith(".lac"):
        return text.model_of(checkpoint.load(path))
    from lacodec.codecs.model_files import read_arrays
    from lacodec.models.text.language import pieces_of
    from lacodec.models.text.thaw import thaw

    arrays = read_arrays(path)
    return thaw(arrays), pieces_of(arrays)


def _model(
    args: argparse.Namespace, options: "TextTrainOptions", start: "_Start | None", texts: "Texts"
) -> tuple["TextNetwork", "Pieces"]:
    """What the run starts from, or a new one for pieces that are read or learnt."""
    from lacodec.models.text.options import TextOptions
    from lacodec.models.text.pieces import Pieces
    from lacodec.training import text

    sizes = _training.given(args, TextOptions)
    if start is not None:
        if sizes or args.pieces_from:
            raise BadInput("a trained model has its sizes and pieces; leave out --pieces-from and the sizes of a new model")
        return start
    if args.pieces_from:
        pieces = Pieces.load(args.pieces_from)
        if sizes.get("pieces", len(pieces)) != len(pieces):
            raise BadInput(f"{args.pieces_from}: has {len(pieces)} pieces, not {sizes['pieces']}; leave --pieces out")
    else:
        pieces = text.learn_pieces(texts, TextOptions(**sizes).pieces)
    return text.new_model(TextOptions(**sizes), pieces, options.seed), pieces
