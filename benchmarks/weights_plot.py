"""The picture of `weights_quant`: perplexity against bits of the file, by matplotlib (extra `plot`)."""

from collections.abc import Mapping
from pathlib import Path

from lacodec.evaluation.rd_plot import check_plotting

COLOURS = {"data-free": "#d62728", "calibrated": "#8c1a1b"}


def draw(known: Mapping[str, tuple[float, float, float]], out: Path) -> None:
    """known: "subject, n tokens, noise x" -> (bits of the file for each weight, perplexity, its standard error)."""
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    subjects = {key.rsplit(",", 2)[0]: point for key, point in known.items() if key.endswith("noise 0.0")}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 9}):
        figure = Figure(figsize=(7, 4.4), layout="constrained")
        axes = figure.subplots()
        for kind, colour in COLOURS.items():
            points = sorted(point for name, point in subjects.items() if name.startswith(kind))
            if points:
                bits, perplexity, error = zip(*points, strict=True)
                axes.errorbar(bits, perplexity, error, color=colour, marker="o", capsize=2, label=f"lacodec, {kind}")
        for name, (bits, perplexity, error) in subjects.items():
            if name == "uncompressed":
                axes.axhline(perplexity, color="#999999", linewidth=1, linestyle="--", label=name)
            elif not name.startswith(tuple(COLOURS)):
                axes.errorbar(bits, perplexity, error, color="#1f5fa8", marker="s", capsize=2)
                axes.annotate(name, (bits, perplexity), textcoords="offset points", xytext=(5, 4), fontsize=8)
        axes.margins(x=0.08)
        axes.set(xlabel="bits of the file for each weight, embeddings included", ylabel="perplexity", yscale="log")
        axes.grid(color="#d9d9d9", linewidth=0.5, which="both")
        axes.legend(frameon=False)
        figure.savefig(out, dpi=160, metadata={"Date": None} if out.suffix == ".svg" else None)
