"""`lacodec decode-dataset`: what `encode-dataset` wrote -> the files, shards and tables that it was given."""

import argparse

from lacodec.cli._common import cores_flag
from lacodec.cli._compiling import Compilations
from lacodec.cli._progress import Meter
from lacodec.cli.encode_dataset import add_dataset_flags, report

HELP = "bring back a data set that encode-dataset coded"
USAGE = "[flags] SOURCE -o FOLDER"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `decode-dataset`."""
    add_dataset_flags(parser, "folder or URL with a manifest.jsonl")
    cores_flag(parser)


def run(args: argparse.Namespace) -> int:
    """Decode the data set."""
    from lacodec.datasets import decode_dataset

    with Meter("decoding", 1, args.quiet) as meter, Compilations(meter.tell, meter.compiling):
        meter.start_file(None)
        done = decode_dataset(
            args.source, args.output, stop_on_error=args.on_error == "stop", threads=args.threads, progress=meter.update
        )
    return report(args, done, f"{done.encoded:,} -> {done.size:,} bytes")
