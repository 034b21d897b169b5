"""`lacodec grep`: the lines of encoded files that match a pattern, as grep prints them. Exit code 0: some, 1: none, 2: error."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from lacodec.cli import _streams as streams
from lacodec.cli._common import add_resource_flags, our_files
from lacodec.cli._files import PIPE
from lacodec.cli._report import complain, describe, fail
from lacodec.errors import LacodecError

HELP = "print the lines of .lac files that match a pattern, without decoding the rest"
USAGE = "[flags] PATTERN FILE ..."
VERBOSE = ("--verbose",)
"""-v is grep's, and -q here says nothing about what was found, either."""

_SOME, _NONE, _ERROR = range(3)


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `grep`, as those of grep."""
    parser.add_argument("pattern", metavar="PATTERN", help="a regular expression, as in Python")
    parser.add_argument("inputs", nargs="+", metavar="FILE", help=".lac files, or folders with such; - is standard input")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("-E", "--extended-regexp", action="store_true", help="PATTERN is a regular expression, as it is without")
    kind.add_argument("-F", "--fixed-strings", action="store_true", help="PATTERN is a text")
    kind.add_argument("--wildcards", action="store_true", help="in PATTERN, * stands for any bytes and ? for one")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="small and capital ASCII letters are the same")
    parser.add_argument("-v", "--invert-match", action="store_true", help="the lines that do not match")
    parser.add_argument("-n", "--line-number", action="store_true", help="with the number of each line")
    parser.add_argument("-c", "--count", action="store_true", help="only how many lines")
    parser.add_argument("-l", "--files-with-matches", action="store_true", help="only the names of files that have such lines")
    parser.add_argument("-H", "--with-filename", action="store_true", help="with the name of the file; usual with several files")
    parser.add_argument("--no-filename", action="store_true", help="never with the name of the file")
    add_resource_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Search every file."""
    from lacodec.codecs.log.search.pattern import FIXED, REGEX, WILDCARDS, Pattern

    streams.check("stdout")
    kind = FIXED if args.fixed_strings else WILDCARDS if args.wildcards else REGEX
    left_out: list[str] = []
    try:
        pattern = Pattern.of(os.fsencode(args.pattern), kind, args.ignore_case, args.invert_match)
        files = our_files(args.inputs, left_out)
    except LacodecError as error:
        complain(describe(error))
        return _ERROR
    for what in left_out:
        complain(what)
    named = not args.no_filename and (args.with_filename or files != args.inputs or len(files) > 1)
    code = _ERROR if left_out else _NONE
    for name in files:
        try:
            with _opened(name) as opened:
                found = opened.grep(pattern, threads=args.threads)
                some = _print(sys.stdout.buffer, found, os.fsencode(_shown(name)), named, args)
            code = _SOME if some and code == _NONE else code
            if some and args.quiet:
                return _SOME
        except BrokenPipeError:
            raise
        except Exception as error:  # the others can still be searched
            fail(args, error, name)
            code = _ERROR
    return code


def _opened(name: str):  # type: ignore[no-untyped-def]
    from lacodec import api

    return api.open(sys.stdin.buffer if name == PIPE else name, max_size=None)


def _shown(name: str) -> str:
    return "(standard input)" if name == PIPE else name


def _print(out: BinaryIO, found: Iterator[tuple[int, bytes]], name: bytes, named: bool, args: argparse.Namespace) -> bool:
    """Whether there are lines."""
    before, count = name + b":" if named else b"", 0
    for number, line in found:
        count += 1
        if args.quiet or args.files_with_matches:
            break
        if not args.count:
            out.write(before + (b"%d:" % number if args.line_number else b"") + line + b"\n")
    if args.files_with_matches and not args.quiet:
        out.write(name + b"\n" if count else b"")
    elif args.count and not args.quiet:
        out.write(before + b"%d\n" % count)
    out.flush()
    return count > 0
