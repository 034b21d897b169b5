"""`lacodec select-frames`: videos -> the frames that tell the most, and the coded bits of each."""

import argparse

from lacodec.cli._report import print_json, say_line

HELP = "select the frames of videos that tell the most"
USAGE = "[flags] VIDEO... --frames N -o FOLDER"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `select-frames`."""
    parser.add_argument(
        "video", nargs="+", metavar="VIDEO", help="Y4M and lossless Matroska files, folders of them or of pictures"
    )
    parser.add_argument("--frames", type=int, required=True, metavar="N", help="frames to select, of all videos together")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="new folder to write to")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")


def run(args: argparse.Namespace) -> int:
    """Select, and say how many there were."""
    from dataclasses import asdict

    from lacodec.datasets.frames import select_frames

    done = select_frames(args.video, args.frames, args.output)
    if args.json:
        print_json({"output": args.output, **asdict(done)})
    else:
        say_line(args, f"{args.output}: {done.selected:,} of {done.frames:,} frames of {done.clips:,} clips")
    return 0
