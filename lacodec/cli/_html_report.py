"""`--html`: what an evaluation measured -> one HTML file with plots, tables, and pictures or sounds at equal bytes."""

import argparse
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli import _html_charts as charts
from lacodec.errors import LacodecError
from lacodec.io.output import atomic_file

if TYPE_CHECKING:
    from lacodec.cli import _audio_report, _perception_report, _rd_report
    from lacodec.evaluation.bits_per_character import TextMeasurement

_WANTED = 0.3  # of the way through the settings: coarse enough to see or hear differences
_EXAMPLES = 4  # pictures or sounds in a report on perception


def add_flag(parser: argparse.ArgumentParser) -> None:
    """The flag `--html`."""
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a report to look at: one HTML file with everything in it"
    )


def fine_values(codec: str, option: str, values: Sequence[Any]) -> list[Any]:
    """The settings of a codec of ours between those that are swept: whole ones where its option takes no others."""
    from lacodec.codecs import registry
    from lacodec.evaluation.report.equal import settings_between

    hint = typing.get_type_hints(registry.get(codec).Options).get(option)
    return settings_between(values, float not in (hint, *typing.get_args(hint)))


def write_rd(path: Path, force: bool, report: "_rd_report.Report", methods: Sequence[Any], paths: Sequence[Path]) -> None:
    """Of `eval rd`. `methods`: to be shown at equal bytes, ours with all settings."""
    from lacodec.cli._rd_report import bd_table, curve_table
    from lacodec.evaluation.report import page

    seen, remarks = _fitting(_pictures(paths, methods, report.ours), "pictures")
    bd = page.table(*bd_table(report.bd_rates())) if report.against is not None else ""
    _write(
        path,
        force,
        report.title,
        [
            page.section("Pictures at equal bytes", *seen, about="Bytes are those of whole files; 1 % apart counts as equal."),
            page.section("Rate and distortion", charts.of_rd(report), about="Means over the pictures."),
            page.section(f"BD-rate against {report.against}", bd, about=f"By {report.metric.upper()}; negative: fewer bits."),
            page.section("All figures", page.folded("Table", page.table(*curve_table(report)))),
        ],
        [(curve.name, curve.how) for curve in report.measured.curves],
        [*report.measured.problems, *remarks],
    )


def write_audio(path: Path, force: bool, report: "_audio_report.Report", methods: Sequence[Any], paths: Sequence[Path]) -> None:
    """Of `eval rd --audio`; `methods` as above."""
    from lacodec.cli._audio_report import clip_table, comparison_table
    from lacodec.evaluation.report import page

    ours = [report.ours] if report.ours is not None else []
    seen, remarks = _fitting(_sounds(paths, methods, ours, report.judges), "sounds")
    found = report.comparisons()
    bd_columns, bd_rows, why = comparison_table(found) if found else ([], [], [])
    against = " and ".join(report.against)
    _write(
        path,
        force,
        report.title,
        [
            page.section("Sounds at equal bytes", *seen, about=_LISTEN),
            page.section("Rate and distortion", charts.of_audio(report)),
            page.section(f"BD-rate against the best of {against}", page.table(bd_columns, bd_rows) if bd_rows else ""),
            page.section("All figures", page.folded("Table", page.table(*clip_table(report)))),
        ],
        [(method.name, method.how) for method in report.methods],
        [*report.problems, *why, *remarks],
    )


def write_perception(
    path: Path,
    force: bool,
    report: "_perception_report.Report",
    methods: Sequence[Any],
    ours: Sequence[str],
    paths: Sequence[Path],
) -> None:
    """Of `eval perception`; `methods` as above."""
    from lacodec.cli._perception_report import kept_table, point_table
    from lacodec.evaluation.report import page

    examples = paths[:_EXAMPLES]
    if report.task.kind == "pictures":
        seen, remarks = _fitting(_pictures(examples, methods, ours), "pictures")
        heading, about = "Pictures at equal bytes", "Bytes are those of whole files; 1 % apart counts as equal."
    else:
        seen, remarks = _fitting(_sounds(examples, methods, ours, []), "sounds")
        heading, about = "Sounds at equal bytes", _LISTEN
    kept = page.table(*kept_table(report)) if report.keep is not None else ""
    _write(
        path,
        force,
        report.title,
        [
            page.section(
                "What the model makes of it", charts.of_perception(report), about=f"Model: {report.task.how}. {_INTERVALS}"
            ),
            page.section("Figures", page.table(*point_table(report))),
            page.section(f"Cheapest setting that keeps {report.keep} of {report.metric.name}", kept),
            page.section(heading, *seen, about=about),
        ],
        [(one.method, one.how) for one in {one.method: one for one in report.settings}.values()],
        [*report.measured.problems, *remarks],
    )


def write_bpc(path: Path, force: bool, rows: "Sequence[TextMeasurement]", columns: list[str], cells: list[list[str]]) -> None:
    """Of `eval bpc`."""
    from lacodec.evaluation.report import page

    _write(path, force, "Bits per character", [page.section("Texts", page.table(columns, cells), charts.of_texts(rows))], [], [])


_LISTEN = (
    "Bytes are those of whole files; 1 % apart counts as equal. All versions are made equally loud "
    "(by how much stands beside them). Started while another version plays, a player goes on from its place."
)
_INTERVALS = "Bars: middle 95 % over resamples of the files."


def _write(
    path: Path, force: bool, title: str, sections: Sequence[str], methods: Sequence[tuple[str, str]], remarks: Sequence[str]
) -> None:
    from lacodec.evaluation.report.page import page

    with atomic_file(path, force) as out:
        out.write(page(title, sections, methods, remarks).encode())


def _fitting(sections: Iterator[tuple[str, str]], what: str) -> tuple[list[str], list[str]]:
    from lacodec.evaluation.report.page import within_cap

    kept, left_out = within_cap(sections)
    return kept, [f"The {what} from {name} on are not embedded: the page would be too large." for name in left_out]


def _pictures(paths: Sequence[Path], methods: Sequence[Any], ours: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, viewer) of each picture; those that cannot be read or coded were told when they were measured."""
    from lacodec.evaluation.rate_distortion import read_rgb
    from lacodec.evaluation.report import pictures

    for path in paths:
        try:
            pixels = read_rgb(path)
            section = pictures.section(path.name, pixels, pictures.versions(pixels, methods, ours, _WANTED))
        except LacodecError:  # told when it was measured
            continue
        yield path.name, section


def _sounds(
    paths: Sequence[Path], methods: Sequence[Any], ours: Sequence[str], judges: Sequence[Any]
) -> Iterator[tuple[str, str]]:
    """(name, players) of each sound, as above."""
    from lacodec.evaluation.audio.sound import read_sound
    from lacodec.evaluation.report import equal_sounds, sounds

    for path in paths:
        try:
            made = equal_sounds.group(path.name, read_sound(path), methods, ours, judges, _WANTED)
        except LacodecError:  # told when it was measured
            continue
        yield path.name, sounds.section(made)
