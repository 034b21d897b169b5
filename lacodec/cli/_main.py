"""The `lacodec` command: argv in, exit code out. One module per verb, each with `HELP`, `USAGE`, `add_arguments` and `run`.

Exit codes: 0 all went well, 1 something failed (one line on standard error names it), 2 wrong usage,
130 interrupted. Start-up is part of the product: numpy, numba, rich and torch are imported only where they are used.
"""

import argparse
import importlib
import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import lacodec
from lacodec.cli._files import UsageError
from lacodec.cli._report import complain, fail
from lacodec.cli._streams import safe_streams
from lacodec.errors import LacodecError

_VERBS = (
    "encode",
    "decode",
    "encode-dataset",
    "decode-dataset",
    "select",
    "select-frames",
    "info",
    "test",
    "grep",
    "list",
    "bench",
    "eval",
    "tokenize",
    "warmup",
    "train",
    "system-file",
)
_CODING = ("encode", "decode", "encode-dataset", "decode-dataset", "test", "grep")
_LONG_RUNS = ("bench", "eval", "train")

_EXAMPLES = """\
examples:
  lacodec encode photo.png                 writes photo.png.lac
  lacodec encode --effort 9 logs/ -o out/  a folder becomes a mirrored folder
  lacodec decode photo.png.lac             writes photo.png
  tar c data | lacodec encode - > data.tar.lac
  lacodec bench *.csv                      compares with every installed compressor
"""


class _Terminated(BaseException):
    """SIGTERM or SIGHUP, as an exception: temporary files are cleaned up on the way out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (argparse itself exits with 2 on wrong usage)."""
    arguments = [*(sys.argv[1:] if argv is None else argv)]
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP, so that long work outlives its terminal
            signal.signal(number, _terminate)
    with safe_streams(), _warnings_hidden(arguments):
        return _run(arguments)


@contextmanager
def _warnings_hidden(arguments: list[str]) -> Iterator[None]:
    """Warnings of libraries are for programmers: -v shows them."""
    with warnings.catch_warnings():
        if not sys.warnoptions and not any(word == "--verbose" or word[:2] == "-v" for word in arguments):
            warnings.simplefilter("ignore")
        yield


def _run(arguments: list[str]) -> int:
    args = argparse.Namespace(verbose=0)
    if not arguments or arguments[0] not in _LONG_RUNS:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads would use as much time to wait as to work
    try:
        parser, verb = _parsers(arguments)
        _no_file_for_a_flag(arguments)
        args, unknown = parser.parse_known_args(arguments)
        if unknown:
            verb.error(f"unknown argument {unknown[0]}; --help lists the flags, with --codec NAME also that codec's own")
        if args.verb is None:
            parser.print_help(sys.stderr)
            return 2
        if args.verb in _CODING:
            _import_numpy()
        code: int = _module(args.verb).run(args)
        sys.stdout.flush()
        return code
    except UsageError as error:
        complain(f"{error} (see lacodec {arguments[0]} --help)")
        return 2
    except LacodecError as error:
        complain(str(error))
        return 1
    except BrokenPipeError:  # the reader of our output has gone: no message
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        complain("interrupted; no partial file is left")
        return 128 + signal.SIGINT
    except _Terminated as error:
        return 128 + int(error.args[0])
    except Exception as error:
        fail(args, error)
        return 1


def _parsers(arguments: list[str]) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The whole parser, and that of the verb in `arguments` (the whole one without a verb)."""
    parser = argparse.ArgumentParser(
        prog="lacodec",
        description="Makes files small and brings them back identical.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    verbs = parser.add_subparsers(dest="verb", title="verbs", metavar="VERB")
    chosen = parser
    for name in [verb for verb in _VERBS if verb in arguments[:1]] or _VERBS:  # the others' help is not asked for
        module = _module(name)
        description = f"{module.HELP[0].upper()}{module.HELP[1:]}."
        verb = verbs.add_parser(
            name, help=module.HELP, usage=f"lacodec {name} {module.USAGE}", description=description, allow_abbrev=False
        )
        verb.add_argument("-q", "--quiet", action="store_true", help="print only errors")
        verb.add_argument(
            *getattr(module, "VERBOSE", ("-v", "--verbose")),
            action="count",
            default=0,
            help="print more, with tracebacks of internal errors",
        )
        # Only the verb that runs needs its flags, which for a codec means importing it.
        if name in arguments[:1]:
            module.add_arguments(verb, arguments[1:])
            chosen = verb
    return parser, chosen


def _module(verb: str) -> Any:
    return importlib.import_module(f"lacodec.cli.{verb.replace('-', '_')}")


def _import_numpy() -> None:
    """Import it without the threads for linear algebra, which no codec does with it: starting them takes as long as the import.

    Libraries that come later, torch for one, still find what the user set.
    """
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ:
        return
    os.environ[name] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[name]


def _no_file_for_a_flag(arguments: list[str]) -> None:
    """argparse would report FILE as missing if it has taken one for flags."""
    for argument in itertools.takewhile(lambda argument: argument != "--", arguments):
        if argument.startswith("-") and argument != "-" and os.path.lexists(argument):
            raise UsageError(f"{argument}: looks like a flag; write ./{argument} for the file")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"lacodec {lacodec.__version__}")
        parser.exit()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated(number)
