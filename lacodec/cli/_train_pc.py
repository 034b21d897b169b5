"""The recipe `pc` of `lacodec train`: small pictures of one size -> a circuit for codec image.pc."""

import argparse
from pathlib import Path

from lacodec.cli import _training
from lacodec.cli._report import note
from lacodec.errors import BadInput

HELP = "a circuit of small pictures of one size, for codec image.pc"
USAGE = "PATH [flags]"
DESCRIPTION = "Trains a circuit of small pictures of one size for codec image.pc. The output folder gets the circuit, model.lac."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything: a training of minutes on a CPU needs no checkpoints."""
    from lacodec.training.circuits.options import CircuitOptions

    parser.add_argument("data", metavar="PATH", help="pictures to learn from: a .npy file of uint8, or a folder of picture files")
    parser.add_argument(
        "--validation", metavar="PATH", help="pictures that are never learnt from; the best round on them is kept"
    )
    _training.add_quick_flags(parser, "checkpoints/pc")
    _training.add_option_flags(parser, CircuitOptions)


def run(args: argparse.Namespace) -> int:
    """Train; the circuit is written after every round that is better than those before."""
    from lacodec.media.pictures.files import load
    from lacodec.training.circuits.em import train
    from lacodec.training.circuits.options import CircuitOptions
    from lacodec.training.model_file import write_model

    options = CircuitOptions(**_training.given(args, CircuitOptions))
    pictures = load(Path(args.data)).pixels
    others = None if args.validation is None else load(Path(args.validation)).pixels
    if len(pictures) == 0:
        raise BadInput(f"{args.data}: has no pictures")
    if others is not None and others.shape[1:] != pictures.shape[1:]:
        raise BadInput(f"{args.validation}: has pictures of another size than {args.data}")
    target, best = Path(args.output) / "model.lac", float("inf")
    target.parent.mkdir(parents=True, exist_ok=True)
    for number, (bits, held_out, circuit) in enumerate(train(pictures, options, others), 1):
        text = "" if held_out is None else f", held out {held_out:.4f}"
        note(args, f"round {number}: {bits:.4f} bits per pixel{text}")
        judged = bits if held_out is None else held_out
        if judged < best:
            best, kept = judged, circuit
    note(args, f"{target}: {write_model(kept().arrays(), target)} bytes")
    return 0
