"""The frame before a sweep, as method 4 of codec `points` uses it: what range each laser should measure at each tick.

motion = 12 doubles: three rows of a rotation, each with its place at the end: from the frame before into this one

Moved points go into cells: 2000 around the turn, and between two rings each. A cell keeps the point nearest to the axis. All
is in doubles, in this order.
"""

import math

from reference.points_sensor import CONSTANTS, NANO, RINGS, TICKS, Sensor
from reference.stream import need

BINS, REACH = 2000, 3
LARGEST, LEAST, NEAREST, FARTHEST, EDGE, WIDE = 1e4, 1.0, 0.5, 1e4, 1.25, 0.012


class Before:
    """The cells: distance from the axis and height."""

    def __init__(self, points: list[tuple[float, ...]], motion: tuple[float, ...]) -> None:
        need(all(abs(x) <= LARGEST for x in motion), "an impossible motion")
        self.sensor = Sensor()
        self.cells: dict[tuple[int, int], tuple[float, float]] = {}
        rows = [motion[i : i + 4] for i in (0, 4, 8)]
        for point in points:
            x, y, z = (a * point[0] + b * point[1] + c * point[2] + place for a, b, c, place in rows)
            flat = math.sqrt(x * x + y * y)
            if LEAST <= flat < FARTHEST and abs(z) < FARTHEST:
                cell = self._bin(x, y), self._below(flat, z)
                if cell not in self.cells or flat < self.cells[cell][0]:
                    self.cells[cell] = flat, z

    def _bin(self, x: float, y: float) -> int:
        """Which part of the turn a direction is in: the last one of a half turn whose start is not ahead of it."""
        turned = y < 0.0 or (y == 0.0 and x < 0.0)
        if turned:
            x, y = -x, -y
        low, high = 0, BINS // 2
        for _ in range(10):
            middle = (low + high) // 2
            c, s = self.sensor.ticks[2 * middle]
            low, high = (middle, high) if c * y - s * x >= 0.0 else (low, middle)
        return low + BINS // 2 if turned else low

    def _above(self, ring: int, flat: float, z: float) -> float:
        c, s, height = self.sensor.rings[ring][:3]
        return z * c - flat * s - height

    def _below(self, flat: float, z: float) -> int:
        """How many rings a point is below."""
        low, high = 0, RINGS
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._above(middle, flat, z) < 0.0 else (low, middle)
        return low

    def image(self, ticks: list[int]) -> list[list[int]]:
        """Range counts by ring and place; 0 where the frame tells nothing."""
        return [[self._count(ring, tick) for tick in ticks] for ring in range(RINGS)]

    def _count(self, ring: int, tick: int) -> int:
        c, s, height, zero, _, _, side = self.sensor.rings[ring]
        shift = CONSTANTS[ring][3] / NANO * (TICKS / (2 * math.pi))
        azimuth = (float(tick) + shift) * (BINS / TICKS)
        flat = self._flat(ring, azimuth)
        if flat < NEAREST:
            return 0
        flat = self._flat(ring, azimuth + side / flat * (BINS / 6.283185307179586))
        if not NEAREST <= flat < FARTHEST:
            return 0
        distance = (flat + height * s) / c
        return int(min(max((distance - zero) / 0.002 + 0.5, 1.0), 65535.0))

    def _flat(self, ring: int, azimuth: float) -> float:
        """Distance from the axis at which a ring meets what is there; 0 if nothing tells."""
        whole = math.floor(azimuth)
        at = int(whole) % BINS
        beside = (1, -1) if azimuth - whole > 0.5 else (-1, 1)
        upper = self._first(at, beside, [ring - k for k in range(REACH)])
        lower = self._first(at, beside, [ring + 1 + k for k in range(REACH)])
        off = 0.0 if upper is None else self._above(ring, *upper) / upper[0]
        under = 0.0 if lower is None else -self._above(ring, *lower) / lower[0]
        if upper and lower:
            if upper[0] < lower[0] * EDGE and lower[0] < upper[0] * EDGE:
                return (off + under + 1e-9) / (under / upper[0] + off / lower[0] + 1e-9 / upper[0])
            return upper[0] if off < under else lower[0]
        if upper and off < WIDE:
            return upper[0]
        return lower[0] if lower and under < WIDE else 0.0

    def _first(self, at: int, beside: tuple[int, int], cells: list[int]) -> tuple[float, float] | None:
        """The point in the first of these cells that has one, there or beside."""
        for cell in cells:
            for step in (0, *beside):
                found = self.cells.get(((at + step) % BINS, cell))
                if found:
                    return found
        return None
