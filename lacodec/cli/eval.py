"""`lacodec eval rd`: pictures -> rate-distortion curves of a lossy codec, its peers and published ones: table, JSON, plot.

Sound (`--audio`) and the other kinds of evaluation have modules of their own.
"""

import argparse
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _eval_audio, _eval_bpc, _eval_perception, _html_report
from lacodec.cli._codec_options import add_flags_of, given_options, peek_codec
from lacodec.cli._common import add_resource_flags, device_of
from lacodec.cli._files import UsageError
from lacodec.cli._progress import Meter
from lacodec.cli._rd_arguments import DEFAULT_VALUES, chosen_peers, files_of, rates_of, swept
from lacodec.cli._report import complain

if TYPE_CHECKING:
    from lacodec.evaluation.published import Published
    from lacodec.evaluation.rate_distortion import Method, OurMethod

HELP = "measure codecs: rate-distortion curves of pictures and sound, bits per character of text, what models still see and hear"
USAGE = (
    "rd [flags] (--data PATH... | --audio PATH...)\n"
    "       lacodec eval bpc [flags] FILE...\n"
    "       lacodec eval perception [flags] PATH..."
)

_METRICS = ("psnr", "ms-ssim")


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """The kinds of evaluation."""
    kinds = parser.add_subparsers(prog="lacodec eval", dest="kind", required=True, metavar="KIND")
    _eval_bpc.add_arguments(kinds, argv)
    _eval_perception.add_arguments(kinds, argv)
    rd = kinds.add_parser(
        "rd",
        help="rate-distortion curves of lossy image and audio codecs",
        usage="lacodec eval rd [flags] (--data PATH... | --audio PATH...)",
        allow_abbrev=False,
    )
    what = rd.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", nargs="+", metavar="PATH", help="pictures of lossless formats, or folders")
    what.add_argument("--audio", nargs="+", metavar="PATH", help="sounds (WAV, AIFF, FLAC), or folders")
    rd.add_argument("--codec", metavar="NAME", help="a lossy codec of ours for them (default: none, peers only)")
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
    rd.add_argument(
        "--against",
        metavar="NAME",
        help="measured codec or published curve that BD-rates refer to; of sound, measured codecs, the best at each rate",
    )
    rd.add_argument(
        "--range",
        metavar="LOW:HIGH",
        help="bits per pixel, or kbit/s of sound, of --against for BD-rates and plot (default: all)",
    )
    rd.add_argument(
        "--metric",
        metavar="NAME",
        help="for BD-rates and plot: psnr or ms-ssim (default psnr); of sound, some of visqol, visqol-speech, zimtohrli, snr "
        "(default visqol,zimtohrli,snr; the plot shows the first)",
    )
    rd.add_argument("--cache", type=Path, metavar="FILE", help="keep verdicts on sound here, and do not ask for them again")
    rd.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves: a .png, .svg or .pdf")
    rd.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    _html_report.add_flag(rd)
    rd.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    rd.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print only errors and the tables")
    rd.add_argument(
        "-v", "--verbose", action="count", default=argparse.SUPPRESS, help="print more, with tracebacks of internal errors"
    )
    add_resource_flags(rd)
    name = peek_codec(argv) if "rd" in argv else None  # the options of a codec may be flags of another kind
    if name is not None:
        add_flags_of(rd, name)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 1 when something could not be measured."""
    if args.kind == "bpc":
        return _eval_bpc.run(args)
    if args.kind == "perception":
        return _eval_perception.run(args)
    return _run_rd(args) if args.audio is None else _eval_audio.run(args)


def _run_rd(args: argparse.Namespace) -> int:
    from lacodec.cli import _rd_report as report_
    from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS
    from lacodec.evaluation.rate_distortion import is_lossless_picture, measure, warm_up

    device = device_of(args)
    if args.cache is not None:
        raise UsageError("--cache is for --audio: pictures need no judges that are worth keeping")
    metric = args.metric or "psnr"
    if metric not in _METRICS:
        raise UsageError(f"--metric {metric}: pictures have {' and '.join(_METRICS)}")
    report_.check_outputs(args.json, args.plot, args.html, args.force)
    rates = rates_of(args.range, "bits per pixel", "0.1:1.0")
    ours, peers = _ours(args, device), chosen_peers(args, LOSSY_IMAGE_PEERS)
    methods: list[Method] = [*ours, *peers]
    if not methods:
        raise UsageError("nothing to measure; give --codec, --peers or both")
    if ours and args.against == args.codec:
        args.against = ours[0].name  # which includes the options
    paths = files_of(args, args.data, is_lossless_picture, "pictures", "a lossless format")
    published, reference = _published(args, [method.name for method in methods], paths)
    with Meter("measure", 1, args.quiet) as meter:
        warm_up(methods)
        measured = measure(methods, paths, args.threads, _counter(meter, methods, paths))
    for problem in measured.problems:
        complain(problem)
    title = f"{Path(args.data[0]).resolve().name if len(args.data) == 1 else 'pictures'}: {_count(len(measured.pictures))}"
    report = report_.Report(title, measured, [method.name for method in ours], published, metric, args.against, reference, rates)
    report_.show(report)
    if args.json is not None:
        report_.write_json(report, args.json, args.force)
    if args.plot is not None:
        report_.write_plot(report, args.plot, args.force)
    if args.html is not None:
        _html_report.write_rd(args.html, args.force, report, [*_ours(args, device, fine=True), *peers], paths)
    return int(bool(measured.problems))


def _count(pictures: int) -> str:
    return "1 picture" if pictures == 1 else f"{pictures} pictures"


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


def _ours(args: argparse.Namespace, device: str | None, fine: bool = False) -> "list[OurMethod]":
    """Our codec at the settings of `--sweep`; with `fine`, at all between them."""
    if args.codec is None:
        return []
    from lacodec.evaluation.rate_distortion import our_method

    option, values = swept(args)
    if fine:
        values = _html_report.fine_values(args.codec, option, values)
    return [our_method(args.codec, option, values, device, **given_options(args))]


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
