"""What the sound model consists of at each effort, and its constant tables."""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache

from reference.stream import need

FAST, MIDDLE, SLOW = range(3)
LAPLACE, LOGISTIC = range(2)

LEVELS, DECISIONS = 160, 112
BUCKETS, EQUAL_BUCKETS = 40, 7  # buckets of a sample; those after the first few double in width
INSIDE = 48  # decisions from here on are about places in buckets
TAIL_STEPS, TAIL_REACH = 32, 24  # of the table of tails: steps per deviation, deviations
TAIL_SIZE = 2 * TAIL_STEPS * TAIL_REACH + 2


@dataclass(frozen=True)
class Profile:
    """An effort.

    own, other: samples of this and of the partner channel that least squares looks at. solve: samples between two solutions.
    taps, mu: lengths and rates of the filters. experts: (center, speed of the deviation, shape); center 0 is the final
    prediction, 1 that of least squares, 2 + s the sum after filter s, behind those the second least squares. keep, mix_keep: how
    fast least squares forget, of samples and of stages; keep_long: a second one's, 0 for none. learn: rate of the mixer.
    """

    own: int
    other: int
    solve: int
    taps: tuple[int, ...] = ()
    mu: tuple[float, ...] = ()
    experts: tuple[tuple[int, int, int], ...] = ()
    keep_long: float = 0.0


KEEP, MIX_KEEP, RIDGE, LEARN = 0.998, 0.997, 2.0, 0.004
SPEEDS = (1 / 8, 1 / 24, 1 / 128)  # of deviations

THREE = ((0, MIDDLE, LAPLACE), (0, FAST, LAPLACE), (0, SLOW, LOGISTIC))
SIX = (*THREE, (1, MIDDLE, LAPLACE), (2, MIDDLE, LAPLACE), (4, MIDDLE, LAPLACE))
EIGHT = (
    *(*THREE, (1, MIDDLE, LAPLACE), (5, MIDDLE, LAPLACE), (6, MIDDLE, LAPLACE)),
    *((0, MIDDLE, LOGISTIC), (0, SLOW, LAPLACE)),
)
PROFILES = {
    1: Profile(16, 8, 128),
    2: Profile(24, 8, 128),
    3: Profile(24, 8, 64, (256, 16), (0.03, 0.12)),
    4: Profile(16, 8, 64, (256, 16), (0.03, 0.12), THREE),
    5: Profile(16, 8, 32, (256, 32, 16), (0.04, 0.1, 0.15), THREE),
    6: Profile(24, 8, 32, (256, 32, 16), (0.04, 0.1, 0.15), SIX),
    7: Profile(32, 16, 32, (256, 32, 16), (0.04, 0.1, 0.15), SIX),
    8: Profile(32, 16, 16, (1024, 256, 16), (0.028, 0.06, 0.15), SIX),
    9: Profile(32, 16, 8, (1024, 256, 32, 16), (0.028, 0.06, 0.12, 0.18), EIGHT, 0.9995),
}


def profile(effort: int) -> Profile:
    """The profile of an effort from 1 to 9."""
    need(effort in PROFILES, f"profile {effort} is unknown")
    return PROFILES[effort]


@cache
def first_counters() -> list[list[int]]:
    """[level][decision]: where counters start, from Laplace's distribution with the deviation of each level.

    A level is four times log2 of the deviation in sixteenths, plus a quarter of the octave. Widths of buckets grow with it, so
    that above level 28 all octaves are alike but for what there is to decide within the buckets.
    """
    counters = [[32768] * DECISIONS for _ in range(LEVELS)]
    with localcontext(Context(prec=20)):
        for row in range(LEVELS):
            level, quarter = divmod(row, 4)
            deviation = Decimal(2) ** level * (Decimal(9) / 8 + Decimal(quarter) / 4 if level >= 2 else Decimal(3) / 2) / 16
            bits = max(level - 4, 0)
            if bits > 2:
                counters[row] = list(counters[row - 4])
                if bits > 3:
                    continue
            for bucket in range(BUCKETS):
                width = Decimal(2) ** (bits + max(bucket - EQUAL_BUCKETS, 0))
                counters[row][1 + bucket] = int(65535 * (-width / deviation).exp())
            for node in range(1, 1 << min(bits, 3)):
                half = Decimal(2) ** (bits - node.bit_length())
                for bucket in range(4):
                    counters[row][INSIDE + 16 * bucket + node] = int(65535 / (1 + (half / deviation).exp()))
    return [[min(max(p, 64), 65472) for p in row] for row in counters]


@cache
def tails() -> tuple[list[float], list[float]]:
    """Probability of more than z deviations above the center, by Laplace and logistic distributions, for z = i / 32 - 24."""
    with localcontext(Context(prec=25)):
        span = 2 * Decimal(2).ln()
        places = [Decimal(i) / TAIL_STEPS - TAIL_REACH for i in range(TAIL_SIZE)]
        laplace = [(-z).exp() / 2 if z >= 0 else 1 - z.exp() / 2 for z in places]
        logistic = [1 / (1 + (z * span).exp()) for z in places]
    return [float(p) for p in laplace], [float(p) for p in logistic]
