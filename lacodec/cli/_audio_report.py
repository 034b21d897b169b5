"""The output of `lacodec eval rd --audio`: measured clips -> tables on standard output, a JSON file, a plot."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli._report import figure_text, print_table
from lacodec.errors import BadInput
from lacodec.io.output import atomic_file

if TYPE_CHECKING:
    from lacodec.evaluation.audio.comparison import Comparison
    from lacodec.evaluation.audio.judges import Judge
    from lacodec.evaluation.audio.measure import Measured, Method, Sample


@dataclass(frozen=True)
class Report:
    """Everything to show. `against`: what BD-rates refer to, the best of them at each rate; empty for none."""

    title: str
    clips: "list[Measured]"
    methods: "list[Method]"
    ours: str | None
    judges: "list[Judge]"
    against: list[str]
    rates: tuple[float, float] | None
    problems: list[str]

    def comparisons(self) -> "list[Comparison]":
        """The BD-rates of each method that is not a reference, by each judge."""
        from lacodec.evaluation.audio.comparison import compare

        if not self.against:
            return []
        limits = {clip.name: self.rates for clip in self.clips}
        others = [method.name for method in self.methods if method.name not in self.against]
        return [compare(self.clips, name, self.against, judge.name, limits) for name in others for judge in self.judges]


def show(report: Report) -> None:
    """The tables."""
    print_table(f"{report.title}; speeds as multiples of real time", *clip_table(report))
    found = report.comparisons()
    if found:
        _show_comparisons(found, report.rates)


def clip_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: every method at every setting on every clip."""
    units = [f"{judge.name} {judge.unit}" for judge in report.judges]
    columns = ["clip", "codec", "setting", "kbit/s", *units, "encode x", "decode x"]
    rows = [
        [clip.name, method.name, f"{method.sweep} {sample.value:g}", *_figures(report, clip, sample)]
        for clip in report.clips
        for method in report.methods
        for sample in clip.samples.get(method.name, [])
    ]
    return columns, rows


def _show_comparisons(found: "list[Comparison]", rates: tuple[float, float] | None) -> None:
    """A table of BD-rates; below it why some are missing."""
    columns, rows, remarks = comparison_table(found)
    best = ("the better of " if len(found[0].against) > 1 else "") + " and ".join(found[0].against)
    within = f", {rates[0]:g} to {rates[1]:g} kbit/s of it" if rates else ""
    print_table(f"BD-rate against {best}{within}", columns, rows)
    for remark in remarks:
        print(remark)


def comparison_table(found: "list[Comparison]") -> tuple[list[str], list[list[str]], list[str]]:
    """Columns and rows, a row per clip and method, a column per judge; and why some are missing."""
    judges = [*dict.fromkeys(one.judge for one in found)]
    by = {(one.method, one.judge): one for one in found}
    rows, remarks = [], []
    for method in dict.fromkeys(one.method for one in found):
        for clip in by[method, judges[0]].clips:
            cells = [by[method, judge].clips[clip] for judge in judges]
            rows.append([method, clip, *("-" if isinstance(cell, str) else _percent(cell.percent) for cell in cells)])
            remarks += [f"{clip}, {j}: {cell}" for j, cell in zip(judges, cells, strict=True) if isinstance(cell, str)]
        means = [by[method, judge] for judge in judges]
        rows.append(
            [method, "mean", *("-" if one.mean is None else f"{_percent(one.mean)} of {len(one.percents)}" for one in means)]
        )
    return ["codec", "clip", *judges], rows, remarks


def _percent(value: float) -> str:
    return f"{value:+.1f} %"


def _figures(report: Report, clip: "Measured", sample: "Sample") -> list[str]:
    scores = [f"{sample.verdicts[judge.name].score:.3f}" for judge in report.judges]
    speeds = [figure_text(clip.seconds / seconds) for seconds in (sample.encode_s, sample.decode_s)]
    return [f"{sample.kbps:.1f}", *scores, *speeds]


def write_json(report: Report, path: Path, force: bool) -> None:
    """All figures; infinite ones are null."""
    from lacodec.evaluation.audio.figures import DEFINITIONS, clip_content, comparison_content

    content = {
        "title": report.title,
        "definitions": DEFINITIONS,
        "judges": {judge.name: judge.how for judge in report.judges},
        "methods": {method.name: {"how": method.how, "sweep": method.sweep} for method in report.methods},
        "clips": [clip_content(clip) for clip in report.clips],
        "bd_rate": {"range_kbps": report.rates, "curves": [comparison_content(one) for one in report.comparisons()]},
        "problems": report.problems,
    }
    with atomic_file(path, force) as out:
        out.write(json.dumps(content, indent=1).encode() + b"\n")


def write_plot(report: Report, path: Path, force: bool) -> None:
    """The curves by the first judge, a panel per clip, in the format that the name ends in."""
    from lacodec.evaluation.rd_plot import Plot, draw_panels

    judge = report.judges[0]
    plots = []
    for clip in report.clips:
        lines = [line for method in report.methods if len((line := clip.line(method.name, judge.name)).rates)]
        if lines:
            ours = [line for line in lines if line.name == report.ours]
            peers = [line for line in lines if line.name != report.ours]
            plots.append(Plot(clip.name, judge.name, ours, peers, [], report.rates, "kbit/s"))
    if not plots:
        raise BadInput(f"{path}: nothing to draw, no clip has a finite score")
    with atomic_file(path, force) as out:
        draw_panels(report.title, plots, out, path.suffix[1:].lower())
