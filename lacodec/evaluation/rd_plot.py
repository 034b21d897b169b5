"""Rate-distortion plots: measured and published lines -> a PNG, SVG or PDF, by matplotlib (extra `plot`)."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from lacodec.errors import MissingDependency
from lacodec.evaluation.bd_rate import Line, Pchip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_LABELS = {
    "psnr": "PSNR in dB (RGB)",
    "ms-ssim": "MS-SSIM in dB (RGB)",
    "visqol": "ViSQOL, MOS-LQO",
    "visqol-speech": "ViSQOL speech mode, MOS-LQO",
    "zimtohrli": "Zimtohrli, MOS",
    "snr": "SNR in dB",
}
_PANEL_COLUMNS, _PANEL_SIZE = 3, (4.0, 3.1)
_INK, _PALE = "#222222", "#d9d9d9"
# Ours stands out; a peer keeps its colour from plot to plot, relatives have related ones.
_OURS = "#d62728"
_PEERS = {
    "avif": "#1f5fa8",
    "avif-psnr": "#62a8e0",
    "webp": "#2a9d63",
    "jxl": "#8553b5",
    "jpeg": "#b5651d",
    "jpeg2000": "#dda15e",
    "opus": "#1f5fa8",
    "aac": "#2a9d63",
    "aac-snr": "#7cc9a2",
    "mp3": "#b5651d",
    "mp3-snr": "#dda15e",
    "vorbis": "#8553b5",
}
_OTHER_PEER = "#00808a"
_GREYS = ("#111111", "#6b6b6b", "#9a9a9a")
_DASHES = ((0, (5, 2)), (0, (1, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (2.5, 1.2)))


@dataclass(frozen=True)
class Plot:
    """The content of a plot: `ours` and `peers` were measured (at least one), `published` was not. Every line has points.

    `metric` is one of those of pictures or of sound. `rates` are the rates to show, None for all, in the unit of `rate_label`.
    """

    title: str
    metric: str
    ours: Sequence[Line]
    peers: Sequence[Line]
    published: Sequence[Line]
    rates: tuple[float, float] | None = None
    rate_label: str = "bits per pixel"


def check_plotting() -> None:
    """Raise MissingDependency when matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingDependency("a plot needs matplotlib; install it with: pip install 'lacodec[plot]'") from None


def draw(plot: Plot, out: BinaryIO, file_format: str) -> None:
    """Write the plot as one of `FORMATS`; raises MissingDependency without matplotlib."""
    with figure_file((9, 5.6), out, file_format) as figure:
        axes = figure.add_subplot()
        drawn = _lines(axes, plot)
        _frame(axes, plot)
        axes.set_title(plot.title, loc="left", fontsize=12, fontweight="bold", pad=10)
        _legend(figure, plot, drawn)


def draw_panels(title: str, plots: Sequence[Plot], out: BinaryIO, file_format: str) -> None:
    """Write several plots with the same methods side by side, rates on a logarithmic axis; otherwise as `draw`."""
    columns = min(_PANEL_COLUMNS, len(plots))
    rows = -(-len(plots) // columns)
    with figure_file((columns * _PANEL_SIZE[0], rows * _PANEL_SIZE[1] + 0.8), out, file_format) as figure:
        drawn: dict[str, Any] = {}
        for i, plot in enumerate(plots):
            axes = figure.add_subplot(rows, columns, i + 1)
            drawn = _lines(axes, plot) | drawn
            _frame(axes, plot)
            _doubling(axes, plot)
            axes.set_title(plot.title, loc="left", fontsize=10)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        figure.legend(drawn.values(), drawn.keys(), loc="outside lower left", ncols=2 * columns, frameon=False, handlelength=2.6)


@contextmanager
def figure_file(size: tuple[float, float], out: BinaryIO, file_format: str) -> "Iterator[Figure]":
    """A figure of so many inches that is written when the block ends."""
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text in an SVG, and the same curves give the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 11, "text.color": _INK}):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        metadata = {"Date": None} if file_format == "svg" else {"CreationDate": None} if file_format == "pdf" else None
        figure.savefig(out, format=file_format, dpi=160, metadata=metadata)


def _doubling(axes: "Axes", plot: Plot) -> None:
    """A logarithmic axis of rates with a tick at each doubling."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    measured = [*plot.ours, *plot.peers]
    low, high = plot.rates or (min(line.rates[0] for line in measured), max(line.rates[-1] for line in measured))
    axes.set_xscale("log")
    axes.set_xlim(low / 1.05, high * 1.05)
    axes.xaxis.set_major_locator(FixedLocator([2.0**k for k in range(-4, 12)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _lines(axes: "Axes", plot: Plot) -> dict[str, Any]:
    """Draw every line; returns the drawn artists, by name, for the legend."""
    drawn: dict[str, Any] = {}
    for i, line in enumerate(plot.published):
        style: dict[str, Any] = {"color": _GREYS[i % len(_GREYS)], "linestyle": _DASHES[i % len(_DASHES)], "linewidth": 1.4}
        drawn[line.name] = axes.plot(*_smooth(line), zorder=2, **style)[0]
    for line in plot.peers:
        drawn[line.name] = _with_dots(axes, line, _PEERS.get(line.name, _OTHER_PEER), width=1.8, dot=4, zorder=3)
    for line in plot.ours:
        drawn[line.name] = _with_dots(axes, line, _OURS, width=2.8, dot=6, zorder=4)
    return drawn


def _with_dots(axes: "Axes", line: Line, colour: str, width: float, dot: float, zorder: float) -> tuple[Any, Any]:
    """A curve and the points that were measured."""
    curve = axes.plot(*_smooth(line), color=colour, linewidth=width, zorder=zorder, solid_capstyle="round")[0]
    return curve, axes.plot(line.rates, line.qualities, "o", color=colour, markersize=dot, zorder=zorder)[0]


def _smooth(line: Line) -> tuple[Any, Any]:
    """The line as BD-rates see it: pchip over the logarithm of the rate."""
    if len(line.rates) < 2:
        return line.rates, line.qualities
    curve = Pchip(np.log(line.rates), line.qualities)
    logs = np.linspace(math.log(line.rates[0]), math.log(line.rates[-1]), 200)
    return np.exp(logs), [curve(x) for x in logs]


def _frame(axes: "Axes", plot: Plot) -> None:
    from matplotlib.ticker import MaxNLocator

    measured = [*plot.ours, *plot.peers]
    low, high = plot.rates or (0.0, max(line.rates[-1] for line in measured))
    margin = 0.03 * (high - low)
    left, right = max(0.0, low - margin), high + margin
    shown = [_visible(line, left, right) for line in (*measured, *plot.published)]
    bottom = min((span[0] for span in shown if span), default=0.0)
    top = max((span[1] for span in shown if span), default=1.0)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom - 0.03 * (top - bottom), top + 0.03 * (top - bottom))
    axes.set_xlabel(plot.rate_label, color=_INK)
    axes.set_ylabel(_LABELS[plot.metric], color=_INK)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=_PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#888888")


def _visible(line: Line, left: float, right: float) -> tuple[float, float] | None:
    """Lowest and highest quality of the visible part of a line."""
    if line.rates[-1] < left or line.rates[0] > right:
        return None
    if len(line.rates) == 1:
        return float(line.qualities[0]), float(line.qualities[0])
    ends = max(left, line.rates[0]), min(right, line.rates[-1])
    return line.quality_at(ends[0]), line.quality_at(ends[1])


def _legend(figure: "Figure", plot: Plot, drawn: dict[str, Any]) -> None:
    """The legend next to the plot: measured, then published, each from the best line to the worst, as the eye meets them."""
    from matplotlib.lines import Line2D

    nothing = Line2D([], [], linestyle="none")
    rows: list[tuple[str, Any]] = []
    for heading, lines in (("measured here", [*plot.ours, *plot.peers]), ("published", list(plot.published))):
        if lines:
            rows += [("", nothing)] * bool(rows)
            rows.append((heading, nothing))
            rows += [(line.name, drawn[line.name]) for line in sorted(lines, key=lambda line: -_merit(line, lines))]
    labels, handles = zip(*rows, strict=True)
    legend = figure.legend(handles, labels, loc="outside right upper", frameon=False, handlelength=2.6, labelspacing=0.55)
    for text, handle in zip(legend.get_texts(), handles, strict=True):
        text.set_fontweight("bold" if handle is nothing else "normal")


def _merit(line: Line, lines: Sequence[Line]) -> float:
    """Quality of a line at a rate that as many as possible of `lines` reach."""
    if len(line.rates) < 2:
        return float(line.qualities[0])
    middle = sorted(math.sqrt(one.rates[0] * one.rates[-1]) for one in lines)
    rate = middle[len(middle) // 2]
    return line.quality_at(min(max(rate, float(line.rates[0])), float(line.rates[-1])))
