"""`lacodec eval rd`: pictures -> rate-distortion curves of a lossy codec, its peers and published ones: table, JSON, plot.

The other kinds of evaluation have modules of their own.
"""

import argparse
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _eval_bpc
from lacodec.cli._codec_options import add_codec_flags, given_options, peek_codec
from lacodec.cli._common import add_resource_flags, device_of
from lacodec.cli._files import PIPE, UsageError, walk_files
from lacodec.cli._progress import Meter
from lacodec.cli._report import complain, note
from lacodec.errors import BadInput, LacodecError

if TYPE_CHECKING:
    from lacodec.evaluation.peers import LossyImagePeer
    from lacodec.evaluation.published import Published
    from lacodec.evaluation.rate_distortion import Method, OurMethod

HELP = "measure codecs: rate-distortion curves of pictures, bits per character of text"
USAGE = "rd [flags] --data FOLDER\n       lacodec eval bpc [flags] FILE..."

DEFAULT_VALUES = "5,20,40,60,80,95"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """The kinds of evaluation."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    _eval_bpc.add_arguments(kinds, argv)
    rd = kinds.add_parser(
        "rd",
        help="rate-distortion curves of lossy image codecs",
        usage="lacodec eval rd [flags] --data FOLDER",
        allow_abbrev=False,
    )
    rd.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="PATH",
        help="pictures of lossless formats, or folders",
    )
    rd.add_argument("--codec", metavar="NAME", help="a lossy image codec of ours (default: none, peers only)")
    rd.add_argument(
        "--sweep",
        default=f"quality={DEFAULT_VALUES}",
        metavar="OPTION=A,B,...",
        help=f"the codec's option to vary (default quality={DEFAULT_VALUES})",
    )
    rd.add_argument(
        "--peers", metavar="NAMES", help="comma-separated names of peers, or 'none' (default: all that are installed)"
    )
    rd.add_argument("--anchor", default="", metavar="NAMES", help="published curves to show too, on Kodak only: vtm,bpg,...")
    rd.add_argument("--against", metavar="NAME", help="measured codec or published curve that BD-rates refer to")
    rd.add_argument("--range", metavar="LOW:HIGH", help="bits per pixel (of --against) for BD-rates and plot (default: all)")
    rd.add_argument("--metric", choices=["psnr", "ms-ssim"], default="psnr", help="for BD-rates and plot (default psnr)")
    rd.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves: a .png, .svg or .pdf")
    rd.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    rd.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    rd.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print only errors and the tables")
    rd.add_argument(
        "-v", "--verbose", action="count", default=argparse.SUPPRESS, help="print more, with tracebacks of internal errors"
    )
    add_resource_flags(rd)
    name = peek_codec(argv)
    if name is not None:
        from lacodec.codecs import registry

        try:
            add_codec_flags(rd, name, registry.get(name).Options)
        except LacodecError as error:
            raise UsageError(str(error)) from error


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 1 when something could not be measured."""
    return _eval_bpc.run(args) if args.kind == "bpc" else _run_rd(args)


def _run_rd(args: argparse.Namespace) -> int:
    from lacodec.cli import _rd_report as report_
    from lacodec.evaluation.rate_distortion import measure

    device = device_of(args)
    report_.check_outputs(args.json, args.plot, args.force)
    rates = _rates(args.range)
    ours, peers = _ours(args, device), _peers(args)
    methods: list[Method] = [*ours, *peers]
    if not methods:
        raise UsageError("nothing to measure; give --codec, --peers or both")
    if ours and args.against == args.codec:
        args.against = ours[0].name  # which includes the options
    paths = _pictures(args)
    published, reference = _published(args, [method.name for method in methods], paths)
    with Meter("measure", 1, args.quiet) as meter:
        measured = measure(methods, paths, args.threads, _counter(meter, methods, paths))
    for problem in measured.problems:
        complain(problem)
    title = f"{Path(args.data[0]).resolve().name if len(args.data) == 1 else 'pictures'}: {len(measured.pictures)} pictures"
    report = report_.Report(
        title, measured, [method.name for method in ours], published, args.metric, args.against, reference, rates
    )
    report_.show(report)
    if args.json is not None:
        report_.write_json(report, args.json, args.force)
    if args.plot is not None:
        report_.write_plot(report, args.plot, args.force)
    return int(bool(measured.problems))


def _counter(meter: Meter, methods: "list[Method]", paths: list[Path]) -> Callable[[Path], None]:
    """Moves the bar by a picture's bytes for each encoding of it."""
    sizes = {path: path.stat().st_size for path in paths}
    total = sum(sizes.values()) * sum(len(method.values) * len(method.variants) for method in methods)
    done, lock = 0, threading.Lock()
    meter.start_file(total)

    def on_step(path: Path) -> None:
        nonlocal done
        with lock:
            done += sizes[path]
            meter.update(done, total)

    return on_step


def _ours(args: argparse.Namespace, device: str | None) -> "list[OurMethod]":
    if args.codec is None:
        return []
    from lacodec.evaluation.rate_distortion import our_method

    option, _, text = args.sweep.partition("=")
    option, options = option.replace("-", "_"), given_options(args)
    values = [_number(part, "--sweep") for part in text.split(",") if part]
    if not values:
        raise UsageError(f"--sweep {args.sweep}: give an option and its values, such as quality={DEFAULT_VALUES}")
    if option in options:
        raise UsageError(f"--{option} is the option that --sweep varies; leave it out, or vary another one")
    return [our_method(args.codec, option, values, device, **options)]


def _peers(args: argparse.Namespace) -> "list[LossyImagePeer]":
    from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS

    chosen = None if args.peers is None else [name for name in args.peers.split(",") if name and name != "none"]
    known = [peer.name for peer in LOSSY_IMAGE_PEERS]
    unknown = [name for name in chosen or [] if name not in known]
    if unknown:
        raise UsageError(f"unknown peer {', '.join(unknown)}; known peers: {', '.join(known)}")
    found = []
    for peer in LOSSY_IMAGE_PEERS:
        if chosen is not None and peer.name not in chosen:
            continue
        if peer.installed:
            found.append(peer)
        elif chosen is not None or args.verbose:
            complain(f"{peer.name} is not installed: {peer.install}")
    return found


def _pictures(args: argparse.Namespace) -> list[Path]:
    """The files to measure on: those named, and of folders those of lossless formats."""
    from lacodec.evaluation.rate_distortion import is_lossless_picture

    paths = []
    for name in args.data:
        path = Path(name)
        if name == PIPE:
            raise UsageError("eval reads files, not standard input")
        if path.is_dir():
            files = list(walk_files(path, complain))
            pictures = [file for file in files if is_lossless_picture(file)]
            if len(pictures) < len(files):
                note(args, f"{name}: {len(files) - len(pictures)} files left out: not pictures of a lossless format")
            paths += pictures
        elif path.exists():
            paths.append(path)
        else:
            raise BadInput(f"{name}: no such file or folder")
    if not paths:
        raise BadInput(f"{', '.join(args.data)}: no pictures found")
    return paths


def _published(args: argparse.Namespace, methods: list[str], paths: list[Path]) -> "tuple[list[Published], Published | None]":
    """The published curves to show, and the one that BD-rates refer to, if it is one."""
    from lacodec.evaluation import published
    from lacodec.evaluation.rate_distortion import fingerprint, read_rgb

    shown = [name for name in dict.fromkeys(args.anchor.split(",")) if name]
    names = [*dict.fromkeys(shown + ([args.against] if args.against not in (None, *methods) else []))]
    unknown = [name for name in names if name not in published.names()]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} is neither measured nor a published curve; published curves: {', '.join(published.names())}"
        )
    if names:
        published.check_pictures(fingerprint(read_rgb(path)) for path in paths)
    reference = published.curve(args.against) if args.against in names and args.against not in methods else None
    return [published.curve(name) for name in shown], reference


def _rates(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, colon, high = text.partition(":")
    rates = _number(low, "--range"), _number(high, "--range")
    if not colon or not 0 <= rates[0] < rates[1]:
        raise UsageError(f"--range {text}: give two rates in bits per pixel, the lower one first, such as 0.1:1.0")
    return rates


def _number(text: str, flag: str) -> float:
    """A whole number as int, so that options of that type take it."""
    try:
        value = int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{flag}: {text!r} is not a number")
    return value
