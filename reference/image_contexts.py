"""Contexts and weight sets of a pixel's decisions in the pixel model."""

from dataclasses import dataclass

from reference.image_setup import Setup

MASK64 = (1 << 64) - 1
GOLDEN, ODD = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
CLASSES = 48  # of sizes, four to an octave
MAX_PLANES = 3
MEMORY = 250.0  # pixels that a running mean remembers
STEP_FROM = 4.0  # mean error at which decisions go in steps of two


@dataclass(frozen=True)
class Around:
    """Neighbours in the own plane, and those of the same place in the plane before (0 in the first plane)."""

    w: float
    n: float
    nw: float
    ne: float
    ww: float
    nn: float
    nne: float
    other: float
    other_w: float
    other_n: float
    other_nw: float
    other_ne: float


@dataclass(frozen=True)
class Seen:
    """Sizes of the errors around, in units: left, above, weighted mean, in the plane before; and its signed error."""

    error_w: float
    error_n: float
    energy: float
    error_other: float
    energy_other: float
    signed_other: float


def classify(v: float) -> int:
    """Class of a size: 0 to 7 for 0 to 7 64ths, then four to an octave."""
    i = int(min(v, 1e6) * 64.0)
    k = 0
    while i >= 8:
        i >>= 1
        k += 4
    return min(k + i, CLASSES - 1)


class Scales:
    """What sizes of errors came in a plane where they looked like this, from two views."""

    def __init__(self) -> None:
        sizes = [(i if i < 8 else (4 + i % 4) << (i // 4 - 1)) / 64.0 for i in range(CLASSES)]
        self.views = [[[[(size + 0.3) * 2.0, 2.0] for _ in range(CLASSES)] for size in sizes] for _ in range(2)]
        self.chosen: list[list[float]] = []

    def look(self, foreseen: float, seen: Seen) -> tuple[float, float]:
        """The two scales: sum over count."""
        row = classify(foreseen)
        places = classify(seen.energy_other * 0.5), classify(seen.error_other)
        self.chosen = [view[row][place] for view, place in zip(self.views, places, strict=True)]
        first, second = (pair[0] / pair[1] for pair in self.chosen)
        return first, second

    def learn(self, size: float) -> None:
        """Take in the size that came."""
        for pair in self.chosen:
            pair[0] += size
            pair[1] += 1.0
            if pair[1] > MEMORY:
                pair[0] *= 0.5
                pair[1] *= 0.5


def first_slot(number: int, a: int, b: int, bits: int) -> int:
    """The first of 32 slots of context `number` for the values a and b."""
    h = (a * GOLDEN + b) * ODD & MASK64
    h = (h ^ h >> 29) * GOLDEN & MASK64
    h = (h ^ h >> 32) * ODD & MASK64
    return (number << bits) + (h >> 69 - bits << 5)


def _clip(v: float, limit: int) -> int:
    """Towards zero, 0 to 2 * limit."""
    return int(min(max(v, -float(limit)), float(limit))) + limit


def step_bits_of(scale: float, unit: float) -> int:
    """log2 of the step of the decisions."""
    bits = 0
    while scale >= STEP_FROM * unit * float(1 << bits) and bits < 14:
        bits += 1
    return bits


def contexts(
    setup: Setup, p: int, step_bits: int, mean: float, unit: float, scale: float, around: Around, seen: Seen, more: "More"
) -> list[int]:
    """The first slot of each counted context."""
    a, bits, whole, scale_class = around, setup.context_bits, int(mean), classify(scale)
    key, pattern = p * 16 + step_bits, texture(around, mean)
    to_w, to_n = (a.w - mean) * unit, (a.n - mean) * unit
    found = [
        (key, (whole >> 2) * 65536 + (int(a.other) >> 2)),
        (key * 64 + _clip((a.ne - mean) * unit, 20), _clip((a.nw - mean) * unit, 20) >> 1),
        (key * 64 + _clip(to_w, 20), _clip(to_n, 20) >> 1),
        (key * 64 + pattern, scale_class >> 1),
    ]
    to_other_w, to_other_n = (a.other - a.other_w) * unit, (a.other - a.other_n) * unit
    rising = (to_other_w > 0.0) + 2 * (to_other_n > 0.0) + 4 * (seen.signed_other > 0.0)
    found += [
        (key, whole),
        (key * 64 + _clip(to_other_w, 31), _clip(to_w, 31) >> 1),
        (key * 64 + _clip(to_other_n, 31), _clip(to_n, 31) >> 1),
        (key * 64 + pattern, rising * 64 + (scale_class >> 1)),
    ]
    wide, w, n, other, first = scale_class >> 2, int(a.w), int(a.n), int(a.other), more.first
    found += [
        (key * 8192 + _clip(to_w * 2.0, 63), _clip((a.ww - mean) * unit, 63) * 16 + wide),
        (key * 64 + _clip(more.signed_w * 2.0, 24), wide * 64 + _clip(seen.signed_other * 2.0, 24)),
        (key * 64 + _clip(seen.signed_other * 1.5, 24), wide * 64 + _clip(more.signed_first * 1.5, 24)),
        (key * 65536 + whole, other),
        (key * 65536 + (whole >> 1), (w >> 1) * 65536 + (n >> 1)),
        (key * 65536 + (whole >> 1), (other >> 1) * 65536 + (first >> 1)),
        (key * 65536 + (whole >> 2), ((other >> 2) * 65536 + (w >> 2)) * 65536 + (n >> 2)),
        (key * 64 + _clip(more.signed_w, 24), wide * 64 + _clip(more.signed_n, 24)),
    ]
    return [first_slot(number, *pair, bits) for number, pair in enumerate(found[: setup.contexts])]


@dataclass(frozen=True)
class More:
    """What the last eight contexts look at besides: signed errors in units to the left, above and in the first plane; its value.

    In the first two planes the left neighbour stands for the first plane's value, the error above for its error.
    """

    signed_w: float
    signed_n: float
    signed_first: float
    first: int


def texture(around: Around, mean: float) -> int:
    """Which of six neighbours lie above the mean."""
    a = around
    return sum((value > mean) << k for k, value in enumerate((a.w, a.n, a.nw, a.ne, a.ww, a.nn)))


def selects(p: int, mean: float, scale: float, around: Around, seen: Seen) -> tuple[list[int], list[int]]:
    """(the row of weights that each of four selectors chooses, the rows of the two APMs)."""
    scale_class, pattern = classify(scale), texture(around, mean)
    chosen = (
        scale_class,
        classify(seen.error_w + seen.error_n),
        pattern,
        classify(seen.energy_other + seen.error_other),
    )
    rows = [(k * MAX_PLANES + p) * 64 + value for k, value in enumerate(chosen)]
    return rows, [p * 64 + scale_class, (MAX_PLANES + p) * 64 + (_clip(seen.signed_other, 16) if p else pattern)]
