"""The charts of `--html`: what an evaluation measured -> figures of the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lacodec.cli._report import figure_text

if TYPE_CHECKING:
    from lacodec.cli import _audio_report, _perception_report, _rd_report
    from lacodec.evaluation.bits_per_character import TextMeasurement
    from lacodec.evaluation.perception.curves import Point


def of_rd(report: "_rd_report.Report") -> str:
    """PSNR and MS-SSIM by rate; times of encoding and decoding by rate."""
    from lacodec.evaluation.curves import decibels_of
    from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn
    from lacodec.evaluation.report.page import side_by_side

    charts = []
    for metric, unit in (("psnr", "PSNR in dB"), ("ms-ssim", "MS-SSIM in dB")):
        series = []
        for curve in report.measured.curves:
            marks = []
            for point in curve.points:
                quality = decibels_of(metric, point.psnr, point.ms_ssim)
                if quality is not None:
                    said = f"{curve.sweep} {point.value:g} {point.variant}".strip()
                    marks.append(Mark(point.bpp, quality, f"{said}, {point.bpp:.3f} bpp, {quality:.2f} dB"))
            series.append(Series(curve.name, _best(marks), "ours" if curve.name in report.ours else "peer"))
        for one in report.published:
            line = one.line(metric)
            marks = [Mark(r, q, f"{r:.3f} bpp, {q:.2f} dB") for r, q in zip(line.rates, line.qualities, strict=True)]
            series.append(Series(one.name, marks, "published"))
        charts.append(drawn(Chart(unit, "bits per pixel", unit, series, log_x=True)))
    for what in ("encode", "decode"):
        series = [
            Series(
                curve.name,
                [_timed(point, curve.sweep, getattr(point, f"{what}_s")) for point in curve.points],
                "ours" if curve.name in report.ours else "peer",
            )
            for curve in report.measured.curves
        ]
        title = f"Time to {what} a picture (median)"
        charts.append(drawn(Chart(title, "bits per pixel", "seconds", series, log_x=True, log_y=True)))
    return side_by_side(*charts)


def _timed(point: Any, sweep: str, seconds: float) -> Any:
    from lacodec.evaluation.report.chart import Mark

    said = f"{sweep} {point.value:g} {point.variant}".strip()
    return Mark(point.bpp, seconds, f"{said}, {point.bpp:.3f} bpp, {figure_text(seconds)} s")


def _best(marks: Sequence[Any]) -> list[Any]:
    """Without those that another mark beats in rate and quality, such as the worse of two variants."""
    return [one for one in marks if not any(other.x <= one.x and other.y > one.y for other in marks)]


def of_audio(report: "_audio_report.Report") -> str:
    """By clip the score of the first judge; then the speeds of all clips."""
    from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn
    from lacodec.evaluation.report.page import side_by_side

    judge, charts = report.judges[0], []

    def series(figure: Any) -> list[Any]:
        return [
            Series(method.name, figure(method), "ours" if method.name == report.ours else "peer") for method in report.methods
        ]

    for clip in report.clips:

        def scores(method: Any, clip: Any = clip) -> list[Any]:
            found = [(one, one.verdicts[judge.name].score) for one in clip.samples.get(method.name, [])]
            return [
                Mark(one.kbps, s, f"{method.sweep} {one.value:g}, {one.kbps:.1f} kbit/s, {s:.2f} {judge.unit}")
                for one, s in found
            ]

        charts.append(drawn(Chart(clip.name, "kbit/s", f"{judge.name}, {judge.unit}", series(scores), log_x=True)))
    for what in ("encode", "decode"):

        def speeds(method: Any, what: str = what) -> list[Any]:
            found = [
                (clip, one, clip.seconds / max(getattr(one, f"{what}_s"), 1e-9))
                for clip in report.clips
                for one in clip.samples.get(method.name, [])
            ]
            return [
                Mark(one.kbps, x, f"{clip.name}, {one.kbps:.1f} kbit/s, {figure_text(x)} x real time") for clip, one, x in found
            ]

        charts.append(drawn(Chart(f"Speed: {what}", "kbit/s", "x real time", series(speeds), log_x=True, log_y=True)))
    return side_by_side(*charts)


def of_perception(report: "_perception_report.Report") -> str:
    """A chart for each metric."""
    from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn
    from lacodec.evaluation.report.page import side_by_side

    original, *coded = report.points
    ours = {one.method for one in report.settings if one.how.startswith("lacodec")}

    def mark(point: "Point", name: str) -> Any:
        figure = point.figures[name]
        text = f"{point.label}, {point.rate:.3f} {report.rate_unit}: {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
        return Mark(point.rate, figure.value, text, figure.low, figure.high)

    charts = []
    for metric in report.task.metrics:
        if metric.name not in original.figures:
            continue
        series = [
            Series(
                name,
                [mark(point, metric.name) for point in coded if point.method == name and metric.name in point.figures],
                "ours" if name in ours else "peer",
            )
            for name in dict.fromkeys(point.method for point in coded)
        ]
        level = ("undecoded", original.figures[metric.name].value)
        charts.append(
            drawn(Chart(f"{metric.name}: {metric.how}", report.rate_unit, metric.name, series, log_x=True, level=level))
        )
    return side_by_side(*charts)


def of_texts(rows: "Sequence[TextMeasurement]") -> str:
    """Bits per byte and time of `eval bpc`."""
    from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn

    methods = [*dict.fromkeys(row.method for row in rows)]
    series = [
        Series(
            name,
            [
                Mark(row.seconds, row.per_byte, f"{row.file}, {row.per_byte:.4f} bits per byte, {row.seconds:.1f} s")
                for row in rows
                if row.method == name
            ],
            "ours",
        )
        for name in methods
    ]
    return drawn(Chart("Bits per byte and time, a mark for each text", "seconds", "bits per byte", series, log_x=True))
