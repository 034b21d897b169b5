"""The plot of the ladder: ratio against encoding and decoding speed, by matplotlib (extra `plot`)."""

from collections.abc import Sequence
from pathlib import Path

from lacodec.evaluation.bench import Measurement
from lacodec.evaluation.rd_plot import check_plotting

_OURS, _PEER, _INK, _PALE = "#d62728", "#1f5fa8", "#222222", "#d9d9d9"


def draw(sets: Sequence[Sequence[Measurement]], out: Path) -> None:
    """Write a plot of one row for each set of totals: speeds of encoding left, of decoding right; the frontier of all in grey."""
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 9, "text.color": _INK}):
        figure = Figure(figsize=(11, 4.6 * len(sets)), layout="constrained")
        axes = figure.subplots(len(sets), 2, squeeze=False)
        for row, totals in zip(axes, sets, strict=True):
            for place, way in zip(row, ("encode", "decode"), strict=True):
                _panel(place, totals, way)
        figure.savefig(out, dpi=160, metadata={"Date": None} if out.suffix == ".svg" else None)


def _panel(axes, totals: Sequence[Measurement], way: str) -> None:  # type: ignore[no-untyped-def]
    points = [(getattr(row, f"{way}_mb_s"), row.ratio, row.candidate) for row in totals]
    frontier, best = [], 0.0
    for speed, ratio, _ in sorted(points, reverse=True):
        if ratio > best:
            frontier.append((speed, ratio))
            best = ratio
    axes.plot(*zip(*frontier, strict=True), color=_PALE, linewidth=3, zorder=1)
    for speed, ratio, name in points:
        ours = name.startswith("bytes ")
        axes.plot(speed, ratio, "o", color=_OURS if ours else _PEER, markersize=6 if ours else 4, zorder=3)
        label = name.removeprefix("bytes --effort ") if ours else name
        axes.annotate(
            label,
            (speed, ratio),
            textcoords="offset points",
            xytext=(4, 4),
            color=_OURS if ours else _INK,
            fontsize=9 if ours else 7,
            fontweight="bold" if ours else "normal",
        )
    axes.set_xscale("log")
    axes.set_xlabel(f"{way[:-1]}ing, MB/s, one thread")
    axes.set_ylabel("ratio")
    axes.set_title(totals[0].file, loc="left", fontsize=10)
    axes.grid(color=_PALE, linewidth=0.5)
    axes.set_axisbelow(True)
