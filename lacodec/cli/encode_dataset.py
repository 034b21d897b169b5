"""`lacodec encode-dataset`: a folder, shards or a column -> coded items, with a manifest from which the next run goes on."""

import argparse
from typing import TYPE_CHECKING

from lacodec.cli._codec_options import add_flags_of, given_options, peek_codec
from lacodec.cli._common import parsed_size
from lacodec.cli._compiling import Compilations
from lacodec.cli._engine import engine_flags
from lacodec.cli._progress import Meter
from lacodec.cli._report import change_text, complain, print_json, say_line

if TYPE_CHECKING:
    from lacodec.datasets import Outcome

HELP = "code all items of a data set; a run that was interrupted goes on"
USAGE = "[flags] SOURCE -o FOLDER"
_NAMED = 20  # failures; the manifest has all of them


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `encode-dataset`, among them those of the codec that `--codec` in `argv` names."""
    engine_flags(parser)
    add_dataset_flags(parser, "folder of files, .tar shards or tables; or one of those; or a URL")
    parser.add_argument("--codec", metavar="NAME", help="codec to use (default: lossless, chosen by content; see lacodec list)")
    parser.add_argument("--field", metavar="NAME", help="SOURCE has .parquet and .jsonl tables: code the values in this column")
    parser.add_argument("--shard-items", type=int, metavar="N", help="write tar shards of N files each, and an index")
    parser.add_argument(
        "--dictionary",
        type=_dictionary,
        default="auto",
        metavar="SIZE",
        help="many small items share a dictionary: auto (where that pays; default), none, or its size, such as 64K",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="decode and compare every item before keeping it (default: yes)",
    )
    name = peek_codec(argv)
    if name is None:
        parser.add_argument("--effort", dest="codec_option_effort", type=int, metavar="1..9", help="1 is fast, 9 is small")
        return
    add_flags_of(parser, name)


def _dictionary(text: str) -> str | int:
    if text in ("auto", "none"):
        return text
    if not text[:1].isdigit():
        raise argparse.ArgumentTypeError(f"invalid dictionary {text!r}; give auto, none or its size, such as 64K")
    return parsed_size(text)


def add_dataset_flags(parser: argparse.ArgumentParser, source: str) -> None:
    """Flags of `encode-dataset` and `decode-dataset`."""
    parser.add_argument("source", metavar="SOURCE", help=source)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder or URL to write to")
    parser.add_argument(
        "--on-error", choices=["skip", "stop"], default="skip", help="leave out items that fail and name them (default), or stop"
    )
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")


def run(args: argparse.Namespace) -> int:
    """Encode the data set."""
    from lacodec.datasets import encode_dataset

    with Meter("encoding", 1, args.quiet) as meter, Compilations(meter.tell, meter.compiling):
        meter.start_file(None)
        done = encode_dataset(
            args.source,
            args.output,
            args.codec,
            field=args.field,
            shard_items=args.shard_items,
            dictionary=args.dictionary,
            stop_on_error=args.on_error == "stop",
            engine=args.engine,
            threads=args.threads,
            verify=args.verify,
            progress=meter.update,
            **given_options(args),
        )
    return report(args, done, change_text(done.size, done.encoded))


def report(args: argparse.Namespace, done: "Outcome", change: str) -> int:
    """Print what became of a data set; returns the exit code."""
    for sentence in done.failures[:_NAMED]:
        complain(sentence)
    if len(done.failures) > _NAMED:
        complain(f"and {len(done.failures) - _NAMED:,} more")
    if args.json:
        facts = {"items": done.items, "done": done.done, "size": done.size, "encoded": done.encoded}
        print_json({"input": args.source, "output": args.output, **facts, "failures": list(done.failures)})
    else:
        whole = f"{done.items - len(done.failures):,} of {done.items:,} items"
        before = f", {done.items - done.done:,} of them by an earlier run" if done.done < done.items else ""
        say_line(args, f"{args.source}: {whole}{before}, {change}")
    return int(bool(done.failures))
