"""The output of `lacodec eval perception`: measured points -> tables on standard output, a JSON file, a plot."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli._report import print_table
from lacodec.io.output import atomic_file

if TYPE_CHECKING:
    from lacodec.evaluation.perception.curves import Figure, Point
    from lacodec.evaluation.perception.measure import Measured
    from lacodec.evaluation.perception.settings import Setting
    from lacodec.evaluation.perception.task import Metric, Task


@dataclass(frozen=True)
class Report:
    """Everything to show. `kept`: by method, the cheapest point that keeps the part `keep` of `metric`; empty without `keep`."""

    title: str
    task: "Task"
    settings: "list[Setting]"
    measured: "Measured"
    points: "list[Point]"
    metric: "Metric"
    keep: float | None
    kept: "dict[str, Point | None]"

    @property
    def rate_unit(self) -> str:
        """Of the points' rates."""
        return "bits per pixel" if self.task.kind == "pictures" else "kbit/s"


def show(report: Report) -> None:
    """The tables."""
    print_table(f"{report.title}; 95 % intervals over the files", *point_table(report))
    print(f"model: {report.task.how}")
    if report.keep is not None:
        print_table(f"cheapest setting that keeps {report.keep:g} of {report.metric.name}", *kept_table(report))


def point_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: the undecoded, then every setting."""
    names = [metric.name for metric in report.task.metrics if metric.name in report.points[0].figures]
    rows = [
        [point.method, point.label or "-", *_amounts(point), *(_text(point.figures[name]) for name in names)]
        for point in report.points
    ]
    return ["codec", "setting", "bytes", report.rate_unit, *names], rows


def kept_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: by codec, the cheapest setting that keeps enough, cheapest first."""
    found = sorted(report.kept.items(), key=lambda item: (item[1] is None, item[1].size if item[1] else 0))
    rows = [
        [method, "-", "-", "-", "none of its settings does"]
        if point is None
        else [method, point.label, *_amounts(point), _text(point.figures[report.metric.name])]
        for method, point in found
    ]
    return ["codec", "setting", "bytes", report.rate_unit, report.metric.name], rows


def _amounts(point: "Point") -> tuple[str, str]:
    return (f"{point.size:,}", f"{point.rate:.3f}") if point.label else ("-", "-")


def _text(figure: "Figure") -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def write_json(report: Report, path: Path, force: bool) -> None:
    """All figures, including those of single files: totals and counts, whose quotient is the figure."""
    files = [
        {
            "name": file.name,
            "extent": file.extent,
            "undecoded": file.original.scores,
            "settings": [{"bytes": sample.size, "scores": sample.scores} for sample in file.samples],
        }
        for file in report.measured.files
    ]
    content = {
        "title": report.title,
        "task": report.task.name,
        "model": report.task.how,
        "metrics": {metric.name: {"how": metric.how, "sense": metric.sense} for metric in report.task.metrics},
        "interval": "middle 95 % over 2000 resamples of the files",
        "rate": f"{report.rate_unit}: 8 x all bytes by all {'pixels' if report.task.kind == 'pictures' else 'seconds / 1000'}",
        "settings": [{"codec": one.method, "setting": one.label, "how": one.how} for one in report.settings],
        "points": [_point(point) for point in report.points],
        "keep": {
            "metric": report.metric.name,
            "part": report.keep,
            "cheapest": {name: point.label if point else None for name, point in report.kept.items()},
        },
        "files": files,
        "problems": report.measured.problems,
    }
    with atomic_file(path, force) as out:
        out.write(json.dumps(content, indent=1).encode() + b"\n")


def _point(point: "Point") -> dict[str, object]:
    figures = {name: {key: round(value, 6) for key, value in vars(figure).items()} for name, figure in point.figures.items()}
    return {"codec": point.method, "setting": point.label, "bytes": point.size, "rate": round(point.rate, 6), "figures": figures}


def write_plot(report: Report, path: Path, force: bool) -> None:
    """The curves of the metric, in the format that the name ends in."""
    from lacodec.evaluation.perception.plot import draw

    with atomic_file(path, force) as out:
        draw(report.title, report.points, report.metric, report.rate_unit, out, path.suffix[1:].lower())
