"""`lacodec system-file`: files that teach shells, `file` and desktops about lacodec."""

import argparse

from lacodec.cli._report import put
from lacodec.share import FILES, text_of

HELP = "print a file for your system: completion of a shell, magic, MIME type"
USAGE = "{bash,zsh,fish,magic,mime}"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """What to print."""
    parser.add_argument("name", choices=list(FILES), help="a shell, magic for `file`, or mime for desktops")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    put(text_of(args.name).rstrip("\n"))
    return 0
