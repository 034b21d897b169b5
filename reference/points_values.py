"""Numbers of a sweep's points by context mixing: ranges, intensities.

    section = first number, sizes of decisions and plain bits, these

Decisions and plain bits are those of mixed columns. A point is known by its neighbours: W, WW, WWW before it in its run; N, NW,
NE, NWW, NEE, the newest points of the runs before at its place and those beside it; NN, NNE, the newest ones before those.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from reference.audio_squares import Squares
from reference.columns_features import fine, quarters
from reference.columns_mixed import HOPE, READ_AHEAD, Column, Plain
from reference.columns_mixed_decisions import Decisions
from reference.columns_profiles import CONTEXTS, DIGITS, LOGARITHMIC, SETS
from reference.range_coder import RangeDecoder
from reference.stream import Stream, need

RANGES, LEVELS = "ranges", "levels"
TAPS, CLASSES, SOLVE_EVERY, KEEP, RIDGE = 12, 16, 16, 0.9995, 1.0
REACH, TARGET = 4096.0, 256.0
NAMES = ("w", "ww", "www", "n", "nw", "ne", "nn", "nww", "nee", "nne")

RANGE_CONTEXTS = (
    ("local", "fraction"),
    ("near_w", "near_n"),
    ("near_plane", "near_ne"),
    ("error_w", "error_n"),
    ("ring", "nothing", "nothing", None),
    ("to_n",),
    ("to_w",),
    ("near_line", "gap"),
    ("near_nn", "near_nw"),
    ("kind", "local"),
    ("height", "gap"),
    ("error_mean", "error_ne"),
    ("error_w", "error_ww"),
    ("local", "near_w"),
)
LEVEL_CONTEXTS = (
    ("value_w", "value_n"),
    ("predicted", "ring"),
    ("mean", "told"),
    ("value_w", "value_ww"),
    ("ring", "told_more"),
    ("value_n", "value_ne"),
    ("mean", "value_w"),
    ("predicted", "local"),
    ("value_n", "ring"),
    ("value_w", "ring", "told"),
    ("predicted", "mean"),
    ("told", "told_more", "gap"),
    ("mean", "ring"),
    ("error_w", "error_n", "predicted"),
)
#: Bits, scheme, contexts, features that choose weights, count at which counters stop slowing down.
MODELS = {
    RANGES: (16, LOGARITHMIC, RANGE_CONTEXTS, ("local", "kind"), 255),
    LEVELS: (7, DIGITS, LEVEL_CONTEXTS, ("local", "ring"), 127),
}


@dataclass
class Sides:
    """What is known of the points besides their numbers. places: among so many used ticks."""

    starts: list[int]
    places: list[int]
    used: int
    rings: list[int]
    told: list[tuple[int, int]] = field(default_factory=list)

    def neighbours(self) -> list[tuple[dict[str, int], int]]:
        """(1 + the position of each neighbour, 0 where there is none at all; ticks since W, at most 4) of every point."""
        out = []
        newest, older = [0] * self.used, [0] * self.used
        for first, stop in zip(self.starts, self.starts[1:], strict=False):
            for i in range(first, stop):
                at = self.places[i]
                right, left = (at + 1) % self.used, at - 1
                n = newest[at] or newest[left] or newest[right]
                w = i if i > first else n
                n = n or w
                ww = i - 1 if i > first + 1 else (i if i > first else 0)
                www = i - 2 if i > first + 2 else ww
                nw, ne = newest[left] or newest[at] or n, newest[right] or newest[at] or n
                found = (
                    *(w, ww or w, www or w, n, nw, ne, older[at] or n),
                    *(newest[(at - 2) % self.used] or nw, newest[(at + 2) % self.used] or ne, older[right] or ne),
                )
                gap = at - self.places[i - 1] if i > first else 4
                out.append((dict(zip(NAMES, found, strict=True)), min(gap, 4) if gap >= 0 else 4))
            for i in range(first, stop):
                at = self.places[i]
                older[at], newest[at] = newest[at], i + 1
        return out


class Points(Column):
    """One number of each point on its way out of a section."""

    def __init__(self, data: Stream, model: str, engine: int, count: int, sides: Sides) -> None:
        bits, scheme, contexts, chosen_by, limit = MODELS[model]
        first, decisions, plain = data.number(), data.number(), data.number()
        need(not first >> bits, "a first number that is too large")
        self.coder, self.plain = RangeDecoder(data.take(decisions)), Plain(data.take(plain))
        self.s = SimpleNamespace(  # type: ignore[assignment]
            bits=bits,
            scheme=scheme,
            contexts=contexts[: CONTEXTS[engine]],
            chosen_by=chosen_by,
            map_limit=limit,
            effort=engine,
            count=count,
            sets=SETS[engine],
            exponent_bits=(bits - 1).bit_length(),
        )
        self.decisions = Decisions(self.s, self.coder)
        self.gains = defaultdict(lambda: HOPE)
        self.runs = defaultdict(lambda: (0, 0))
        self.sides, self.values, self.errors = sides, [first], [0]
        weights = [0.0] * 16
        weights[2] = 0.5
        self.fits = [Squares(TAPS, KEEP, RIDGE, weights) for _ in range(CLASSES)]  # type: ignore[assignment]
        self.seen = [0] * CLASSES

    def run(self) -> tuple[list[int], list[int]]:
        """(numbers, by how much predictions missed)."""
        digits = self.s.scheme == DIGITS
        for i, (near, gap) in enumerate(self.sides.neighbours()):
            v = {name: self.values[at] for name, at in near.items()}
            e = {name: self.errors[at] for name, at in near.items()}
            window, kind = self._window(v, e)
            step = limited(self.fits[kind].predict(window), REACH)
            whole = math.floor(step + 0.5)
            p = min(max(v["w"] + whole, 0), (1 << self.s.bits) - 1)
            told = self.sides.told[i] if self.sides.told else (0, 0)
            self.decisions.begin(i, self._features(v, e, p, gap, i, kind, int((step + 0.5 - whole) * 4.0), told))
            zero = 0 if digits else p
            x = zero + self._number(i, None) & (1 << self.s.bits) - 1
            self.values.append(x)
            self.errors.append(x - p)
            self.seen[kind] += 1
            target = limited(float(x - v["w"]), TARGET)
            self.fits[kind].learn(window, target, self.seen[kind] % SOLVE_EVERY == 0)
        need(self.coder.at == len(self.coder.data) + READ_AHEAD, "it ends in another place than its numbers")
        need(-(-self.plain.at // 8) == len(self.plain.data), "its plain bits end in another place than its numbers")
        return self.values[1:], self.errors[1:]

    def _window(self, v: dict[str, int], e: dict[str, int]) -> tuple[np.ndarray, int]:
        """(what least squares see, the class of the surroundings)."""
        pairs = ("w ww", "ww www", "n nw", "ne n", "nw nww", "nee ne", "n w", "nn n", "nne nn")
        apart = [v[a] - v[b] for a, b in (pair.split() for pair in pairs)] + [e["n"], e["w"], e["ne"]]
        window = np.array([limited(float(x), REACH) for x in apart] + [0.0] * 4)
        around = abs(v["w"] - v["ww"]) + abs(v["n"] - v["nw"]) + abs(v["ne"] - v["n"])
        return window, min((around >> 1).bit_length(), CLASSES - 2)

    def _features(
        self, v: dict[str, int], e: dict[str, int], p: int, gap: int, i: int, kind: int, fraction: int, told: tuple[int, int]
    ) -> SimpleNamespace:
        local = 2 * abs(e["w"]) + 2 * abs(e["n"]) + abs(e["ww"]) + abs(e["ne"]) + abs(e["nw"])
        return SimpleNamespace(
            nothing=0,
            ring=self.sides.rings[i],
            kind=kind,
            gap=gap,
            fraction=fraction,
            length=0,
            to_w=v["w"] - p,
            to_n=v["n"] - p,
            **{f"near_{name}": fine(v[name] - p) for name in ("w", "n", "ne", "nw", "nn")},
            near_plane=fine(v["w"] + v["n"] - v["nw"] - p),
            near_line=fine(2 * v["w"] - v["ww"] - p),
            **{f"error_{name}": fine(e[name]) for name in ("w", "n", "ne", "ww")},
            error_mean=fine(2 * e["w"] + 2 * e["n"] + e["ww"] + e["ne"] + e["nw"] >> 2),
            local=min(quarters(local), 63),
            height=p >> max(self.s.bits - 7, 0),
            told=told[0],
            told_more=told[1],
            **{f"value_{name}": v[name] for name in ("w", "n", "ww", "ne")},
            predicted=p,
            mean=2 * v["w"] + 2 * v["n"] + v["ww"] + v["ne"] + v["nw"] + v["nn"] >> 3,
        )


def limited(x: float, most: float) -> float:
    """Within `most`; no number becomes the lower end."""
    return min(x, most) if x > -most else -most
