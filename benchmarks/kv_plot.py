"""The plot of benchmarks/kv.py: divergence against the ratio to BF16, by matplotlib (extra `plot`).

python benchmarks/kv_plot.py OUT.svg JUDGED.jsonl...    lines that the stage `judge` wrote, all of the same passages
"""

import json
import sys
from pathlib import Path

from lacodec.evaluation.rd_plot import check_plotting

_KINDS = {
    "layer+weights": ("#d62728", "basis layer, weights"), "layer": ("#e8833a", "basis layer"),
    "head+weights": ("#c9a227", "basis head, weights"), "head": ("#c9a227", "basis head"),
    "steps+weights": ("#b8577e", "basis steps, weights"), "steps": ("#b8577e", "basis steps"),
    "plain+weights": ("#8c564b", "no basis, weights"), "plain": ("#8c564b", "no basis"),
    "kivi": ("#1f5fa8", "KIVI-like"), "cachegen": ("#2a7f62", "CacheGen-like"),
}  # fmt: skip


def draw(rows: list[dict[str, float]], out: Path) -> None:
    """A line for each kind of way, with standard errors."""
    check_plotting()
    import matplotlib
    from matplotlib.figure import Figure

    if len({row["passages"] for row in rows}) != 1:
        raise SystemExit("the lines are of different passages")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lacodec", "font.size": 9}):
        figure = Figure(figsize=(7, 4.4), layout="constrained")
        axes = figure.subplots()
        for kind, (colour, label) in _KINDS.items():
            found = sorted((row["ratio"], row["kl"], row["kl_error"]) for row in rows if str(row["way"]).split("-")[0] == kind)
            if found:
                ratio, divergence, error = zip(*found, strict=True)
                axes.errorbar(ratio, divergence, error, color=colour, marker="o", markersize=4, label=label)
        axes.set_yscale("log")
        axes.set_xlabel("times smaller than BF16")
        axes.set_ylabel("divergence, nats a token")
        axes.grid(color="#d9d9d9", linewidth=0.5)
        axes.legend(frameon=False)
        figure.savefig(out, dpi=160, metadata={"Date": None} if out.suffix == ".svg" else None)


if __name__ == "__main__":
    lines = [line for path in sys.argv[2:] for line in Path(path).read_text().splitlines()]
    draw([json.loads(line) for line in lines], Path(sys.argv[1]))
