"""The flags `--engine` and `--threads` of verbs that work on data sets."""

import argparse

from lacodec.cli._common import cores_flag


def engine_flags(parser: argparse.ArgumentParser) -> None:
    """Where the work is done, and by how many."""
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="work on this machine (default), or on a Ray cluster (RAY_ADDRESS), with --threads workers",
    )
    cores_flag(parser)
    parser.set_defaults(threads=None)  # cores of this machine, or of the cluster
