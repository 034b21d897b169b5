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

OLDER_RANGES, RANGES, RANGES_AFTER, LEVELS, BYTES = "older ranges", "ranges", "ranges after a frame", "levels", "bytes"
TIGHT_RANGES, TIGHT_RANGES_AFTER = "ranges, tighter limits", "ranges after a frame, tighter limits"
CLASSES, SOLVE_EVERY, KEEP, RIDGE = 16, 16, 0.9995, 1.0
NONE = 1000  # class where the frame before tells nothing
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
AFTER_CONTEXTS = (
    ("local", "fraction"),
    ("near_w", "near_n"),
    ("near_right", "near_w"),
    ("near_moved", "near_past"),
    ("ring", "nothing", "nothing", None),
    ("near_past", "near_right"),
    ("near_past", "local"),
    ("near_shape", "near_n"),
    ("near_right", "near_far"),
    ("error_w", "error_n"),
    ("near_line", "gap"),
    ("near_nn", "near_nw"),
    ("error_mean", "error_ne"),
    ("near_left", "near_right"),
)
LATER_CONTEXTS = (
    *AFTER_CONTEXTS[:10],
    ("near_line", "gap"),
    ("near_moved", "near_w"),
    ("near_moved", "near_shape"),
    ("near_left", "near_right"),
)
#: Bits, scheme, contexts, features that choose weights, count at which counters stop slowing down;
#: of least squares: inputs, limits of those and of targets.
MODELS = {
    OLDER_RANGES: (16, LOGARITHMIC, RANGE_CONTEXTS, ("local", "kind"), 255, 12, 4096.0, 256.0),
    RANGES: (16, LOGARITHMIC, RANGE_CONTEXTS, ("local", "kind"), 255, 12, 1024.0, 32.0),
    RANGES_AFTER: (16, LOGARITHMIC, AFTER_CONTEXTS, ("apart", "kind"), 255, 15, 1024.0, 32.0),
    TIGHT_RANGES: (16, LOGARITHMIC, RANGE_CONTEXTS, ("local", "kind"), 255, 12, 256.0, 4.0),
    TIGHT_RANGES_AFTER: (16, LOGARITHMIC, LATER_CONTEXTS, ("apart", "kind"), 255, 15, 256.0, 4.0),
    LEVELS: (7, DIGITS, LEVEL_CONTEXTS, ("local", "ring"), 127, 12, 4096.0, 256.0),
    BYTES: (8, DIGITS, LEVEL_CONTEXTS, ("local", "ring"), 127, 12, 4096.0, 256.0),
}


@dataclass
class Sides:
    """What is known of the points besides their numbers. places: among so many used ticks."""

    starts: list[int]
    places: list[int]
    used: int
    rings: list[int]
    told: list[tuple[int, int]] = field(default_factory=list)
    image: list[list[int]] | None = None  # by ring and place: numbers by the frame before, 0 where it tells none

    def past(self, i: int, aside: int = 0) -> int:
        """The number of a point, or beside it, by the frame before."""
        return 0 if self.image is None else self.image[self.rings[i]][(self.places[i] + aside) % self.used]

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
        bits, scheme, contexts, chosen_by, limit, taps, self.reach, self.target = MODELS[model]
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
        self.fits = [Squares(taps, KEEP, RIDGE, weights) for _ in range(2 * CLASSES)]  # type: ignore[assignment]
        self.seen, self.short = [0] * (2 * CLASSES), 0

    def run(self) -> tuple[list[int], list[int]]:
        """(numbers, by how much predictions missed)."""
        digits = self.s.scheme == DIGITS
        for i, (near, gap) in enumerate(self.sides.neighbours()):
            v = {name: self.values[at] for name, at in near.items()}
            e = {name: self.errors[at] for name, at in near.items()}
            past = self._past(i, near)
            window, kind = self._window(v, e, past)
            step = limited(self.fits[kind].predict(window), self.reach)
            whole = math.floor(step + 0.5)
            p = min(max(v["w"] + whole, 0), (1 << self.s.bits) - 1)
            told = self.sides.told[i] if self.sides.told else (0, 0)
            self.decisions.begin(i, self._features(v, e, p, past, gap, i, kind, int((step + 0.5 - whole) * 4.0), told))
            zero = 0 if digits else p
            x = zero + self._number(i, None) & (1 << self.s.bits) - 1
            self.values.append(x)
            self.errors.append(x - p)
            if past["here"]:
                self.short += min(max((x - past["here"]) * 16 - self.short, -800), 800) >> 2
            self.seen[kind] += 1
            target = limited(float(x - v["w"]), self.target)
            self.fits[kind].learn(window, target, self.seen[kind] % SOLVE_EVERY == 0)
        need(self.coder.at == len(self.coder.data) + READ_AHEAD, "it ends in another place than its numbers")
        need(-(-self.plain.at // 8) == len(self.plain.data), "its plain bits end in another place than its numbers")
        return self.values[1:], self.errors[1:]

    def _past(self, i: int, near: dict[str, int]) -> dict[str, int]:
        """Numbers by the frame before: of this point, of those beside it, of neighbours; 0 where it tells none."""
        sides = {"here": 0, "left": -1, "right": 1, "far": 2}
        found = {name: self.sides.past(i, aside) for name, aside in sides.items()}
        return found | {name: self.sides.past(near[name] - 1) if near[name] else 0 for name in ("w", "n")}

    def _window(self, v: dict[str, int], e: dict[str, int], past: dict[str, int]) -> tuple[np.ndarray, int]:
        """(what least squares see, the class of the surroundings)."""
        pairs = ("w ww", "ww www", "n nw", "ne n", "nw nww", "nee ne", "n w", "nn n", "nne nn")
        apart = [v[a] - v[b] for a, b in (pair.split() for pair in pairs)] + [e["n"], e["w"], e["ne"]]
        here, right = past["here"], past["right"]
        apart.append(here + (self.short >> 4) - v["w"] if here else 0)
        apart.append(here - past["w"] if here and past["w"] else 0)
        apart.append(right - here if here and right else 0)
        window = np.array([limited(float(x), self.reach) for x in apart] + [0.0])
        around = abs(v["w"] - v["ww"]) + abs(v["n"] - v["nw"]) + abs(v["ne"] - v["n"])
        return window, min((around >> 1).bit_length(), CLASSES - 2) + (CLASSES if here else 0)

    def _features(
        self,
        v: dict[str, int],
        e: dict[str, int],
        p: int,
        past: dict[str, int],
        gap: int,
        i: int,
        kind: int,
        fraction: int,
        told: tuple[int, int],
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
            **self._told_before(v, p, past),
            mean=2 * v["w"] + 2 * v["n"] + v["ww"] + v["ne"] + v["nw"] + v["nn"] >> 3,
        )

    def _told_before(self, v: dict[str, int], p: int, past: dict[str, int]) -> dict[str, int]:
        """Features from the frame before."""
        names = {"near_past": "here", "near_left": "left", "near_right": "right", "near_far": "far"}
        known = {name: past[side] + (self.short >> 4) - p for name, side in names.items() if past[side]}
        found = {name: fine(known[name]) if name in known else NONE for name in names}
        for name, neighbour in (("near_moved", "w"), ("near_shape", "n")):
            both = past["here"] and past[neighbour]
            found[name] = fine(v[neighbour] + past["here"] - past[neighbour] - p) if both else NONE
        apart = min(quarters(abs(known["near_past"])), 62) if past["here"] else 63
        return found | {"apart": apart}


def limited(x: float, most: float) -> float:
    """Within `most`; no number becomes the lower end."""
    return min(x, most) if x > -most else -most
