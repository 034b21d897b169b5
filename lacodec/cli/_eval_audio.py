"""`lacodec eval rd --audio`: sounds -> rate-distortion curves of a lossy codec and its peers, clip by clip, and BD-rates."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli import _audio_report as report_
from lacodec.cli import _html_report
from lacodec.cli._codec_options import given_options
from lacodec.cli._files import UsageError
from lacodec.cli._progress import Meter
from lacodec.cli._rd_arguments import chosen_peers, files_of, rates_of, swept
from lacodec.cli._rd_report import check_outputs
from lacodec.cli._report import complain
from lacodec.errors import BadInput, LacodecError, MissingDependency

if TYPE_CHECKING:
    from lacodec.evaluation.audio.judges import Judge
    from lacodec.evaluation.audio.measure import Measured, Method
    from lacodec.evaluation.audio.verdicts import Verdicts

_METRICS = "visqol,zimtohrli,snr"


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 1 when something could not be measured."""
    from lacodec.evaluation.audio.verdicts import Verdicts

    if args.anchor:
        raise UsageError("--anchor: there are no published curves of sound")
    check_outputs(args.json, args.plot, args.html, args.force)
    rates = rates_of(args.range, "kbit/s", "32:128")
    judges = _judges(args.metric or _METRICS)
    methods, ours = _methods(args)
    against = _against(args, [method.name for method in methods], ours)
    paths = files_of(args, args.audio, _is_sound, "sounds", "a format that we read")
    clips, problems = _measured(args, methods, paths, judges, Verdicts(args.cache))
    if not clips:
        raise BadInput("; ".join(problems))
    for problem in problems:
        complain(problem)
    folder = Path(args.audio[0]).resolve().name if len(args.audio) == 1 else "sounds"
    title = f"{folder}: {len(clips)} clip{'s' if len(clips) > 1 else ''}"
    report = report_.Report(title, clips, methods, ours, judges, against, rates, problems)
    report_.show(report)
    if args.json is not None:
        report_.write_json(report, args.json, args.force)
    if args.plot is not None:
        report_.write_plot(report, args.plot, args.force)
    if args.html is not None:
        _html_report.write_audio(args.html, args.force, report, _methods(args, fine=True)[0], paths)
    return int(bool(problems))


def _methods(args: argparse.Namespace, fine: bool = False) -> "tuple[list[Method], str | None]":
    """What to measure, and which of it is ours, at the settings of `--sweep`; with `fine`, at all between them."""
    from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS

    methods: list[Method] = [*chosen_peers(args, LOSSY_AUDIO_PEERS)]
    if args.codec is None:
        if not methods:
            raise UsageError("nothing to measure; give --codec, --peers or both")
        return methods, None
    from lacodec.evaluation.audio.methods import our_method

    option, values = swept(args)
    if fine:
        values = _html_report.fine_values(args.codec, option, values)
    ours = our_method(args.codec, option, values, **given_options(args))
    return [ours, *methods], ours.name


def _judges(text: str) -> "list[Judge]":
    from lacodec.evaluation.audio.judges import JUDGES
    from lacodec.evaluation.audio.sound import INSTALL

    names = [*dict.fromkeys(name for name in text.split(",") if name)]
    unknown = [name for name in names if name not in JUDGES]
    if unknown or not names:
        raise UsageError(f"--metric {text}: sound has {', '.join(JUDGES)}")
    missing = [JUDGES[name].package for name in names if not JUDGES[name].installed]
    if missing:
        raise MissingDependency(f"{', '.join(missing)} is not installed; install it with: {INSTALL}; or give --metric snr")
    return [JUDGES[name] for name in names]


def _against(args: argparse.Namespace, methods: list[str], ours: str | None) -> list[str]:
    names = [name for name in (args.against or "").split(",") if name]
    names = [ours if ours is not None and name == args.codec else name for name in names]
    unknown = [name for name in names if name not in methods]
    if unknown:
        raise UsageError(f"--against: {', '.join(unknown)} is not measured; measured: {', '.join(methods)}")
    return names


def _is_sound(path: Path) -> bool:
    from lacodec.media.audio.files import AUDIO

    with path.open("rb") as file:
        return AUDIO.sniff(file.read(12))


def _measured(
    args: argparse.Namespace, methods: "list[Method]", paths: list[Path], judges: "list[Judge]", verdicts: "Verdicts"
) -> "tuple[list[Measured], list[str]]":
    """The clips one after another, and what could not be measured."""
    from lacodec.evaluation.audio.measure import measure, warm_up

    clips, problems = [], []
    with Meter("measure", len(paths), args.quiet) as meter:
        warm_up(methods)
        for path in paths:
            try:
                clip = measure(methods, path, judges, verdicts, _progress(meter, path))
            except LacodecError as error:
                problems.append(str(error))
                continue
            clips.append(clip)
            problems += [f"{clip.name}: {name} failed: {why}" for name, why in clip.failures.items()]
    return clips, problems


def _progress(meter: Meter, path: Path) -> Callable[[int, int], None]:
    """Moves the bar over the file's bytes, as far as its encodings are done."""
    size = path.stat().st_size
    meter.start_file(size)
    return lambda done, of: meter.update(size * done // of, size)
