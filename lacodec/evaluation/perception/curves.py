"""Scores of files -> the points of curves with bootstrap intervals, and the cheapest setting that keeps a metric.

The interval is the middle 95 % of the figure over resamples of the files (Efron's percentile bootstrap): it says how much the
choice of files matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.evaluation.perception.kept import Sample
from lacodec.evaluation.perception.measure import Measured
from lacodec.evaluation.perception.settings import Setting
from lacodec.evaluation.perception.task import Metric, Score, Task

_RESAMPLES = 2000
_BETWEEN = (2.5, 97.5)


@dataclass(frozen=True)
class Figure:
    """A metric over all files it applies to, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float
    files: int


@dataclass(frozen=True)
class Point:
    """A setting: total bytes, rate in bits per pixel or kbit/s (total bits by total extent), figures by metric.

    A point without a `label` is the undecoded.
    """

    method: str
    label: str
    size: int
    rate: float
    figures: dict[str, Figure]


def points(task: Task, settings: Sequence[Setting], measured: Measured) -> list[Point]:
    """The undecoded, then every setting."""
    files = measured.files
    unit = sum(file.extent for file in files) * (1 if task.kind == "pictures" else 1000)
    found = [Point("undecoded", "", 0, 0.0, _figures(task, [file.original for file in files]))]
    for i, setting in enumerate(settings):
        samples = [file.samples[i] for file in files]
        size = sum(sample.size for sample in samples)
        found.append(Point(setting.method, setting.label, size, 8 * size / unit, _figures(task, samples)))
    return found


def cheapest(found: Sequence[Point], metric: Metric, keep: float) -> dict[str, Point | None]:
    """By method, the point of the fewest bytes that keeps the part `keep` of the metric (`Metric.kept`), or None."""
    original = found[0].figures[metric.name].value
    best: dict[str, Point | None] = {}
    for point in found[1:]:
        held = metric.kept(point.figures[metric.name].value, original)
        now = best.setdefault(point.method, None)
        if held is not None and held >= keep and (now is None or point.size < now.size):
            best[point.method] = point
    return best


def figure(scores: Sequence[Score]) -> Figure:
    """The figure of some files, at least one, with its interval; the same for the same scores."""
    totals, counts = np.array(scores, np.float64).T
    drawn = np.random.default_rng(0).integers(0, len(totals), (_RESAMPLES, len(totals)))
    low, high = np.percentile(totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1), _BETWEEN)
    return Figure(float(totals.sum() / counts.sum()), float(low), float(high), len(totals))


def _figures(task: Task, samples: Sequence[Sample]) -> dict[str, Figure]:
    found = {}
    for metric in task.metrics:
        scores = [sample.scores[metric.name] for sample in samples if metric.name in sample.scores]
        if scores:
            found[metric.name] = figure(scores)
    return found
