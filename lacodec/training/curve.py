"""The curve of a training: rows in a CSV file, and a picture of them where matplotlib is installed."""

import csv
from pathlib import Path
from typing import Any


class Curve:
    """Rows of named numbers. The file is rewritten at each `save`, so that a resumed run drops rows it will repeat."""

    def __init__(self, path: Path, rows: list[dict[str, Any]] | None = None) -> None:
        self.path, self.rows = path, [*(rows or [])]

    def add(self, **values: Any) -> None:
        """One row."""
        self.rows.append(values)

    def save(self) -> None:
        """Write the CSV file, and the picture next to it."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)
        self._draw(names)

    def _draw(self, names: list[str]) -> None:
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return  # the CSV file has everything
        shown = [name for name in names if name not in ("step", "seconds")]
        if not shown:
            return
        figure = Figure(figsize=(7, 2 * len(shown)), layout="constrained")
        for axis, name in zip(figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
            points = [(row["step"], row[name]) for row in self.rows if row.get(name) is not None]
            axis.plot([x for x, _ in points], [y for _, y in points], marker="." if len(points) < 30 else "")
            axis.set_ylabel(name)
            axis.grid(alpha=0.3)
        figure.savefig(self.path.with_suffix(".png"), dpi=80)
