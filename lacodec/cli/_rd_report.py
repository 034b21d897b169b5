"""The output of `lacodec eval rd`: measured curves -> tables on standard output, a JSON file, a plot."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.cli._files import UsageError
from lacodec.cli._report import figure_text, print_table
from lacodec.errors import BadInput
from lacodec.io.output import atomic_file, refuse_existing

if TYPE_CHECKING:
    from lacodec.evaluation.bd_rate import BdRate
    from lacodec.evaluation.curves import Point
    from lacodec.evaluation.published import Published
    from lacodec.evaluation.rate_distortion import Measured

_DEFINITIONS = {
    "bpp": "8 x bytes of the whole file / pixels, mean over pictures",
    "psnr": "dB, from the mean squared error of all 8-bit RGB samples of a picture, mean over pictures",
    "ms_ssim": "Wang 2003, five scales, mean over RGB channels and pictures; as a curve in dB: -10 log10(1 - MS-SSIM)",
    "seconds": "wall clock per picture, median over pictures; several threads compete for the cores",
    "bd_rate": "percent more bits than the reference at equal quality, pchip of log-rate over dB",
}


@dataclass(frozen=True)
class Report:
    """Everything to show. `against` names the reference of the BD-rates, `reference` is its curve if it is a published one."""

    title: str
    measured: "Measured"
    ours: list[str]
    published: "list[Published]"
    metric: str
    against: str | None
    reference: "Published | None"
    rates: tuple[float, float] | None

    def bd_rates(self) -> "dict[str, BdRate | str]":
        """By curve, its BD-rate or why it has none; empty without a reference."""
        from lacodec.evaluation.bd_rate import bd_rate

        if self.against is None:
            return {}
        lines = {one.name: one.line(self.metric) for one in self.measured.curves}
        lines |= {one.name: one.line(self.metric) for one in self.published}
        reference = self.reference.line(self.metric) if self.reference is not None else lines.get(self.against)
        found: dict[str, BdRate | str] = {}
        for name, line in lines.items():
            if name != self.against:
                try:
                    found[name] = (
                        f"{self.against} could not be measured" if reference is None else bd_rate(reference, line, self.rates)
                    )
                except BadInput as error:
                    found[name] = str(error)
        return found


def check_outputs(json_path: Path | None, plot_path: Path | None, html_path: Path | None, force: bool) -> None:
    """Raise the errors of writing before the minutes of measuring."""
    for path in (json_path, plot_path, html_path):
        if path is not None:
            refuse_existing(path, force)
            if not path.parent.is_dir():
                raise BadInput(f"{path.parent}: no such folder")
    if plot_path is not None:
        from lacodec.evaluation.rd_plot import FORMATS, check_plotting

        if plot_path.suffix[1:].lower() not in FORMATS:
            raise UsageError(f"--plot {plot_path}: the name must end in .{', .'.join(FORMATS)}")
        check_plotting()


def show(report: Report) -> None:
    """The tables."""
    print_table(f"{report.title}; means of bpp and dB, median seconds", *curve_table(report))
    found = report.bd_rates()
    if found:
        within = f", {report.rates[0]:g} to {report.rates[1]:g} bpp of it" if report.rates else ""
        print_table(f"BD-rate against {report.against}{within}, by {report.metric.upper()}", *bd_table(found))
        if report.reference is not None:
            print(f"{report.against}: {report.reference.description}")


def curve_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: every method at every setting."""
    rows = [
        [curve.name, _setting(curve.sweep, point), f"{point.bpp:.4f}", f"{point.psnr:.2f}", *_similarity(point), *_seconds(point)]
        for curve in report.measured.curves
        for point in curve.points
    ]
    columns = ["codec", "setting", "bpp", "PSNR dB", "MS-SSIM", "MS-SSIM dB", "encode s", "decode s"]
    return columns, rows


def bd_table(found: "dict[str, BdRate | str]") -> tuple[list[str], list[list[str]]]:
    """Columns and rows of `Report.bd_rates`."""
    return ["curve", "BD-rate", "over", "remark"], [_bd_row(name, one) for name, one in found.items()]


def _setting(sweep: str, point: "Point") -> str:
    return f"{sweep} {point.value:g}" + (f", {point.variant}" if point.variant else "")


def _similarity(point: "Point") -> tuple[str, str]:
    from lacodec.evaluation.metrics import decibels

    return ("-", "-") if point.ms_ssim is None else (f"{point.ms_ssim:.5f}", f"{decibels(point.ms_ssim):.2f}")


def _seconds(point: "Point") -> tuple[str, str]:
    return figure_text(point.encode_s), figure_text(point.decode_s)


def _bd_row(name: str, found: "BdRate | str") -> list[str]:
    if isinstance(found, str):
        return [name, "-", "-", found]
    return [name, f"{found.percent:+.1f} %", f"{found.low:.2f} to {found.high:.2f} dB", ""]


def write_json(report: Report, path: Path, force: bool) -> None:
    """All figures, including those of single pictures; infinite or undefined ones are null."""
    curves = []
    for curve in report.measured.curves:
        points = []
        for i, point in enumerate(curve.points):
            samples = [picture.samples[curve.name][i] for picture in report.measured.pictures]
            single = {
                "bytes": [sample.size for sample in samples],
                "psnr": [_rounded(sample.psnr) for sample in samples],
                "ms_ssim": [_rounded(sample.ms_ssim) for sample in samples],
            }
            points.append({key: _rounded(value) for key, value in vars(point).items()} | {"pictures": single})
        curves.append({"name": curve.name, "how": curve.how, "sweep": curve.sweep, "points": points})
    bd_rates = {
        name: {"problem": one} if isinstance(one, str) else {key: _rounded(value) for key, value in vars(one).items()}
        for name, one in report.bd_rates().items()
    }
    content = {
        "title": report.title,
        "definitions": _DEFINITIONS,
        "pictures": [{"name": p.name, "width": p.width, "height": p.height} for p in report.measured.pictures],
        "problems": report.measured.problems,
        "curves": curves,
        "published": [vars(one) for one in report.published],
        "bd_rate": {"against": report.against, "metric": report.metric, "range_bpp": report.rates, "curves": bd_rates},
    }
    with atomic_file(path, force) as out:
        out.write(json.dumps(content, indent=1).encode() + b"\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def write_plot(report: Report, path: Path, force: bool) -> None:
    """The curves, in the format that the name ends in."""
    from lacodec.evaluation.rd_plot import Plot, draw

    lines = [line for curve in report.measured.curves if len((line := curve.line(report.metric)).rates)]
    if not lines:
        raise BadInput(
            f"{path}: nothing to draw, no picture has a finite {report.metric.upper()} (MS-SSIM needs 161 pixels each way)"
        )
    published = [one.line(report.metric) for one in report.published]
    if report.reference is not None and report.reference not in report.published:
        published.append(report.reference.line(report.metric))
    plot = Plot(
        title=report.title,
        metric=report.metric,
        ours=[line for line in lines if line.name in report.ours],
        peers=[line for line in lines if line.name not in report.ours],
        published=[line for line in published if len(line.rates)],
        rates=report.rates,
    )
    with atomic_file(path, force) as out:
        draw(plot, out, path.suffix[1:].lower())
