"""Line charts as inline SVG: series of marks -> a figure. The page shows a mark's `text` when it is pointed at or focused."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

_WIDTH, _HEIGHT = 520, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 44
_TICKS = 6


@dataclass(frozen=True)
class Mark:
    """A point: its place, what it says, and the ends of its interval if it has one."""

    x: float
    y: float
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """A line through marks in the order of x. `kind`: ours is drawn boldly, what was not measured here dashed."""

    name: str
    marks: Sequence[Mark]
    kind: Literal["ours", "peer", "published"] = "peer"


@dataclass(frozen=True)
class Chart:
    """`log_x`, `log_y`: whether an axis is logarithmic. `level`: a horizontal line with its name."""

    title: str
    x: str
    y: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    level: tuple[str, float] | None = None


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    length: float
    log: bool

    def place(self, value: float) -> float:
        return self.start + self.length * (self._at(value) - self._at(self.low)) / (self._at(self.high) - self._at(self.low))

    def ticks(self) -> list[float]:
        if self.log:
            return _logarithmic_ticks(self.low, self.high)
        step = _nice((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _at(self, value: float) -> float:
        return math.log(value) if self.log else value


def drawn(chart: Chart) -> str:
    """The chart as a figure; "" when no series has a mark that can be drawn."""
    series = [(place, one.name, one.kind, _drawable(one, chart)) for place, one in enumerate(chart.series)]
    series = [one for one in series if one[3]]
    if not series:
        return ""
    marks = [mark for *_, found in series for mark in found]
    ys = [y for mark in marks for y in (mark.y, mark.low, mark.high) if y is not None]
    if chart.level is not None:
        ys.append(chart.level[1])
    across = _axis([mark.x for mark in marks], _LEFT, _WIDTH - _LEFT - _RIGHT, chart.log_x)
    up = _axis(ys, _HEIGHT - _BOTTOM, _TOP + _BOTTOM - _HEIGHT, chart.log_y)
    parts = _frame(chart, across, up)
    for place, name, kind, found in series:
        parts.append(_series(place, name, kind, found, across, up))
    legend = "".join(
        f'<button type="button" class="{_style(place, kind)}" data-series="{place}" aria-pressed="true">{escape(name)}</button>'
        for place, name, kind, _ in series
    )
    return (
        f'<figure class="chart"><figcaption>{escape(chart.title)}</figcaption>'
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        f'{"".join(parts)}</svg></div><div class="legend">{legend}</div></figure>'
    )


def number(value: float) -> str:
    """Up to four significant digits, without a power of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _drawable(series: Series, chart: Chart) -> list[Mark]:
    """Its finite marks, those above 0 where an axis is logarithmic, from left to right."""
    found = [
        mark
        for mark in series.marks
        if math.isfinite(mark.x) and math.isfinite(mark.y) and (mark.x > 0 or not chart.log_x) and (mark.y > 0 or not chart.log_y)
    ]
    return sorted(found, key=lambda mark: mark.x)


def _axis(values: Sequence[float], start: float, length: float, log: bool) -> _Axis:
    """An axis with some room on both sides of the values."""
    low, high = min(values), max(values)
    if log:
        room = max((high / low) ** 0.04, 1.05)
        return _Axis(low / room, high * room, start, length, log)
    room = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    return _Axis(low - room, high + room, start, length, log)


def _nice(step: float) -> float:
    """1, 2 or 5 times a power of ten, at least `step`."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten, or the powers alone where those would be too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors if low <= factor * 10.0**power <= high]
        if len(found) <= 2 * _TICKS:
            return found
    return found[:: len(found) // _TICKS]


def _frame(chart: Chart, across: _Axis, up: _Axis) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')
    parts.append(f'<path class="base" d="M{_LEFT} {bottom}H{right}"/>')
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(chart.x)}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(f'<text transform="translate(12 {middle})rotate(-90)" text-anchor="middle">{escape(chart.y)}</text>')
    if chart.level is not None:
        name, value = chart.level
        y = up.place(value)
        parts.append(f'<path class="level" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{right - 2}" y="{y - 4:.1f}" text-anchor="end">{escape(name)}</text>')
    return parts


def _series(place: int, name: str, kind: str, marks: Sequence[Mark], across: _Axis, up: _Axis) -> str:
    points = [(across.place(mark.x), up.place(mark.y)) for mark in marks]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    parts = [f'<g class="{_style(place, kind)}" data-series="{place}"><path class="line" d="M{line}"/>']
    for mark, (x, y) in zip(marks, points, strict=True):
        if mark.low is not None and mark.high is not None:
            low, high = up.place(mark.low), up.place(mark.high)
            parts.append(f'<path class="interval" d="M{x:.1f} {low:.1f}V{high:.1f}m-4 0h8M{x - 4:.1f} {low:.1f}h8"/>')
        text = escape(f"{name}: {mark.text}", quote=True)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" tabindex="0" data-tip="{text}"><title>{text}</title></circle>')
    return "".join(parts) + "</g>"


def _style(place: int, kind: str) -> str:
    return f"{kind} s{place % 8}"
