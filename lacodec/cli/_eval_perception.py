"""`lacodec eval perception`: pictures or sounds -> what coding them costs a model that sees, hears or reads them."""

import argparse
import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli import _html_report
from lacodec.cli import _perception_report as report_
from lacodec.cli._codec_options import add_flags_of, given_options, peek_codec
from lacodec.cli._common import device_flag, device_of
from lacodec.cli._files import UsageError
from lacodec.cli._progress import Meter
from lacodec.cli._rd_arguments import DEFAULT_VALUES, chosen_peers, files_of, number, swept
from lacodec.cli._rd_report import check_outputs
from lacodec.cli._report import complain
from lacodec.errors import BadInput

if TYPE_CHECKING:
    from lacodec.evaluation.perception.settings import Setting
    from lacodec.evaluation.perception.task import Metric, Task

TASKS = (
    "classification", "segmentation", "ocr", "ocr-tesseract", "faces",
    "speech", "speaker", "speech-quality", "notes", "separation",
)  # fmt: skip


def add_arguments(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]", argv: list[str]) -> None:
    """Flags of this kind of evaluation."""
    parser = kinds.add_parser(
        "perception",
        help="what lossy coding costs a model that sees, hears or reads the data",
        usage="lacodec eval perception [flags] PATH... --task NAME [--task-model FILE]",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="pictures or sounds, or folders of them")
    add("--task", choices=TASKS, help="what the model does")
    add("--task-model", metavar="FILE",
        help="the model's file (speech: a grammar), efficientnet-lite0, or without --task your MODULE:FUNCTION")  # fmt: skip
    add("--labels", type=Path, metavar="FILE", help="table with tabs, columns 'file' and 'label' (or 'transcript')")
    add("--codec", metavar="NAME", help="a lossy codec of ours (default: none, peers only)")
    add("--sweep", default=f"quality={DEFAULT_VALUES}", metavar="OPTION=A,B,...",
        help=f"the codec's option to vary (default quality={DEFAULT_VALUES})")  # fmt: skip
    add("--peers", metavar="NAMES", help="comma-separated names of peers, or 'none' (default: all that are installed)")
    add("--values", action="append", default=[], metavar="PEER=A,B,...", help="settings of a peer, instead of the usual ones")
    add("--metric", metavar="NAME", help="for --keep and the plot (default: the task's first)")
    add("--keep", type=_part, metavar="PART", help="find the cheapest setting that keeps this part of --metric, such as 0.99")
    add("--cache", type=Path, metavar="FILE", help="keep scores here, and do not measure them again")
    add("--plot", type=Path, metavar="FILE", help="draw the curves: a .png, .svg or .pdf")
    add("--json", type=Path, metavar="FILE", help="write all measurements")
    _html_report.add_flag(parser)
    add("-f", "--force", action="store_true", help="overwrite existing files")
    add("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print only errors and the tables")
    add("-v", "--verbose", action="count", default=argparse.SUPPRESS, help="print more, with tracebacks of internal errors")
    device_flag(parser)
    name = peek_codec(argv) if "perception" in argv else None  # the options of a codec may be flags of another kind
    if name is not None:
        add_flags_of(parser, name)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 1 when something could not be measured."""
    from lacodec.evaluation.perception.curves import cheapest, points
    from lacodec.evaluation.perception.kept import Kept
    from lacodec.evaluation.perception.measure import measure

    check_outputs(args.json, args.plot, args.html, args.force)
    labels = {} if args.labels is None else _labels(args.labels)
    task = _task(args)
    metric = _metric(args, task, bool(labels))
    paths = files_of(args, args.paths, _wanted(task), task.kind, "a format that we read")
    methods, _ = _methods(args, task)
    settings = _settings(args, task, methods, paths)
    with Meter("measure", len(paths), args.quiet) as meter:
        measured = measure(task, settings, paths, labels, Kept(args.cache, _given(args)), _progress(meter, len(settings)))
    for problem in measured.problems:
        complain(problem)
    found = points(task, settings, measured)
    if metric.name not in found[0].figures:
        raise BadInput(f"--metric {metric.name}: no file has what it needs ({metric.how})")
    kept = {} if args.keep is None else cheapest(found, metric, args.keep)
    folder = Path(args.paths[0]).resolve().name if len(args.paths) == 1 else task.kind
    title = f"{folder}: {task.name} of {len(measured.files)} {task.kind}"
    report = report_.Report(title, task, settings, measured, found, metric, args.keep, kept)
    report_.show(report)
    if args.json is not None:
        report_.write_json(report, args.json, args.force)
    if args.plot is not None:
        report_.write_plot(report, args.plot, args.force)
    if args.html is not None:
        fine, ours = _methods(args, task, fine=True)
        _html_report.write_perception(args.html, args.force, report, fine, ours, paths)
    return int(bool(measured.problems))


def _part(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def _task(args: argparse.Namespace) -> "Task":
    from lacodec.evaluation.perception.tasks import own_task, task

    if args.task is not None:
        return task(args.task, args.task_model)
    if args.task_model is None:
        raise UsageError(f"nothing to ask; give --task ({', '.join(TASKS)}), or --task-model MODULE:FUNCTION")
    return own_task(args.task_model)


def _metric(args: argparse.Namespace, task: "Task", labelled: bool) -> "Metric":
    known = {metric.name: metric for metric in task.metrics}
    name = args.metric or task.metrics[0].name
    if name not in known:
        raise UsageError(f"--metric {name}: task {task.name} has {', '.join(known)}")
    if args.keep is not None and known[name].sense == "distance":
        raise UsageError(f"--keep: {name} is a distance, of which no part can be kept; name another --metric")
    return known[name]


def _labels(path: Path) -> dict[str, str]:
    """By file name, what the table says."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a table ({error})") from error
    column = next((name for name in ("label", "transcript") if rows and rows[0].get(name) is not None), None)
    if column is None or any(row.get("file") is None or row.get(column) is None for row in rows):
        raise BadInput(f"{path}: needs columns 'file' and 'label' (or 'transcript'), with tabs between them")
    return {row["file"]: row[column] for row in rows}


def _wanted(task: "Task") -> Callable[[Path], bool]:
    from lacodec.evaluation.perception.measure import is_picture, is_sound

    return is_picture if task.kind == "pictures" else is_sound


def _methods(args: argparse.Namespace, task: "Task", fine: bool = False) -> tuple[list[Any], list[str]]:
    """Ours and the peers, and the names of ours, which has the settings of `--sweep`; with `fine`, all between them."""
    from lacodec.evaluation.audio.methods import our_method as our_sound_method
    from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS, LOSSY_IMAGE_PEERS
    from lacodec.evaluation.rate_distortion import our_method

    peers: list[Any] = chosen_peers(args, LOSSY_IMAGE_PEERS) if task.kind == "pictures" else chosen_peers(args, LOSSY_AUDIO_PEERS)
    ours: list[Any] = []
    if args.codec is not None:
        option, values = swept(args)
        if fine:
            values = _html_report.fine_values(args.codec, option, values)
        options = given_options(args)
        if task.kind == "pictures":
            ours.append(our_method(args.codec, option, values, device_of(args), **options))
        else:
            ours.append(our_sound_method(args.codec, option, values, **options))
    if not ours and not peers:
        raise UsageError("nothing to measure; give --codec, --peers or both")
    return [*ours, *peers], [one.name for one in ours]


def _settings(args: argparse.Namespace, task: "Task", methods: list[Any], paths: list[Path]) -> "list[Setting]":
    from lacodec.evaluation.perception import settings as made
    from lacodec.evaluation.perception.measure import is_mono

    values = dict(_values(text) for text in args.values)
    unknown = values.keys() - {method.name for method in methods}
    if unknown:
        raise UsageError(f"--values: {', '.join(sorted(unknown))} is not measured")
    return made.of_pictures(methods, values) if task.kind == "pictures" else made.of_sounds(methods, values, is_mono(paths))


def _values(text: str) -> tuple[str, list[float]]:
    name, equals, rest = text.partition("=")
    found = [number(part, "--values") for part in rest.split(",") if part]
    if not equals or not found:
        raise UsageError(f"--values {text}: give a peer and its settings, such as jpeg=5,10,30")
    return name, found


def _given(args: argparse.Namespace) -> str:
    """The content of the files that options of the codec name."""
    if args.codec is None:
        return ""
    named = [Path(value) for value in given_options(args).values() if isinstance(value, str)]
    return " ".join(hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in named if path.is_file())


def _progress(meter: Meter, settings: int) -> Callable[[Path, int], None]:
    """Moves the bar over a file's bytes, as far as its settings are done."""

    def on_step(path: Path, done: int) -> None:
        size = path.stat().st_size
        if done == 0:
            meter.start_file(size)
        else:
            meter.update(size * done // settings, size)

    return on_step
