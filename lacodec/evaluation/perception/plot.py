"""A plot of perception curves with their intervals: points -> a PNG, SVG or PDF, by matplotlib (extra `plot`)."""

from collections.abc import Sequence
from typing import BinaryIO

from lacodec.evaluation.perception.curves import Point
from lacodec.evaluation.perception.task import Metric
from lacodec.evaluation.rd_plot import figure_file

_COLOURS = ("#d62728", "#1f5fa8", "#2a9d63", "#b5651d", "#8553b5", "#00808a", "#62a8e0", "#dda15e")


def draw(title: str, found: Sequence[Point], metric: Metric, rate_label: str, out: BinaryIO, file_format: str) -> None:
    """Write a curve for each method, rates on a logarithmic axis; the undecoded's figure is a line. Raises MissingDependency."""
    with figure_file((9, 5.6), out, file_format) as figure:
        axes = figure.add_subplot()
        original = found[0].figures[metric.name].value
        axes.axhline(original, color="#6b6b6b", linestyle="--", linewidth=1.2, label="undecoded")
        for i, method in enumerate(dict.fromkeys(point.method for point in found[1:])):
            line = sorted((point for point in found if point.method == method), key=lambda point: point.rate)
            figures = [point.figures[metric.name] for point in line]
            values = [one.value for one in figures]
            ends = [[one.value - one.low for one in figures], [one.high - one.value for one in figures]]
            colour = _COLOURS[i % len(_COLOURS)]
            axes.errorbar(
                [point.rate for point in line], values, ends, fmt="o-", color=colour, capsize=3, linewidth=1.8, label=method
            )
        axes.set_xscale("log")
        axes.set_xlabel(rate_label)
        axes.set_ylabel(metric.name)
        axes.grid(color="#d9d9d9", linewidth=0.7)
        axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=10)
        figure.legend(loc="outside right upper", frameon=False)
