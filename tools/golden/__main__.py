"""Writes the golden files that are missing: of the modules named, or of all."""

import argparse

from tools.golden import MODULES, write_missing

parser = argparse.ArgumentParser(prog="python -m tools.golden", description=__doc__)
parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"some of {', '.join(MODULES)}")
named = parser.parse_args().modules
if unknown := set(named) - set(MODULES):
    parser.error(f"unknown: {', '.join(sorted(unknown))}")
write_missing(named or MODULES)
