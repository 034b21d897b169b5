"""Making models: the parts for each effort, the sizes and start values of all pools, the tables of tails."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache

import numpy as np

from lacodec.codecs.audio.lossless import _state as k
from lacodec.entropy.mixing_tables import mixing_tables

_FAST, _MIDDLE, _SLOW = range(3)
_LAPLACE, _LOGISTIC = range(2)


@dataclass(frozen=True)
class Profile:
    """The parts of a model.

    own, other: samples of this and of the partner channel that least squares looks at. solve: samples between two solutions.
    keep, mix_keep: how fast least squares forget, of samples and of stages; keep_long: a second one's, 0 for none. taps, mu:
    lengths and rates of the filters. experts: (center, speed of the deviation, shape); center 0 is the final prediction, 1 that
    of least squares, 2 + s the sum after filter s, after those the second least squares. learn: rate of the mixer. shift: how
    much narrower buckets are.
    """

    own: int
    other: int
    solve: int
    taps: tuple[int, ...] = ()
    mu: tuple[float, ...] = ()
    experts: tuple[tuple[int, int, int], ...] = ()
    keep: float = 0.998
    keep_long: float = 0.0
    mix_keep: float = 0.997
    ridge: float = 2.0
    learn: float = 0.004
    shift: int = 0
    scales: tuple[float, float, float] = (1 / 8, 1 / 24, 1 / 128)


_THREE = ((0, _MIDDLE, _LAPLACE), (0, _FAST, _LAPLACE), (0, _SLOW, _LOGISTIC))
_SIX = (*_THREE, (1, _MIDDLE, _LAPLACE), (2, _MIDDLE, _LAPLACE), (4, _MIDDLE, _LAPLACE))

_EIGHT = (
    *_THREE,
    (1, _MIDDLE, _LAPLACE),
    (5, _MIDDLE, _LAPLACE),
    (6, _MIDDLE, _LAPLACE),
    (0, _MIDDLE, _LOGISTIC),
    (0, _SLOW, _LAPLACE),
)

# All numbers of PROFILES, and those below, were chosen by hand, and are part of stream version 1.
PROFILES = {
    1: Profile(16, 8, 128),
    2: Profile(24, 8, 128),
    3: Profile(24, 8, 64, (256, 16), (0.03, 0.12)),
    4: Profile(16, 8, 64, (256, 16), (0.03, 0.12), _THREE),
    5: Profile(16, 8, 32, (256, 32, 16), (0.04, 0.1, 0.15), _THREE),
    6: Profile(24, 8, 32, (256, 32, 16), (0.04, 0.1, 0.15), _SIX),
    7: Profile(32, 16, 32, (256, 32, 16), (0.04, 0.1, 0.15), _SIX),
    8: Profile(32, 16, 16, (1024, 256, 16), (0.028, 0.06, 0.15), _SIX),
    9: Profile(32, 16, 8, (1024, 256, 32, 16), (0.028, 0.06, 0.12, 0.18), _EIGHT, keep_long=0.9995),
}

_EXPERTS_SHARE = 0.45  # of each of the mixer's two sums at the start, for all experts together
_COUNTER_SHARE = 0.05  # and for each of the two counters
_FIRST_DEVIATION, _FIRST_LEVEL = 32.0, 8  # before there is a sample
_LEAST_COUNTER = 64  # of 65536: the chance that a counter starts with, at least

_Pools = dict[str, np.ndarray]


def new_model(
    profile: Profile, channels: int, frames: int, lowest: int, highest: int, stream: np.ndarray, *, decoding: bool
) -> k.Model:
    """A model at its start: an encoder's `samples` are to be filled in, after PAD zeros; its stream has room for the output."""
    own, other = profile.own, profile.other if channels > 1 else 0
    order = -(-(own + other) // 8) * 8
    stages, experts = len(profile.taps), len(profile.experts)
    mixed = -(-(experts + 2) // 8) * 8
    second = int(profile.keep_long > 0)  # another least squares, with a longer memory
    shape = (channels, frames, own, other, order, profile.solve, stages, experts, profile.shift)
    return k.Model(
        plan=np.array([*shape, int(decoding), lowest, highest, mixed, second, *profile.taps], np.int64),
        rates=np.array(
            [profile.keep, profile.ridge, profile.mix_keep, profile.learn, *profile.scales, profile.keep_long, *profile.mu],
            np.float64,
        ),
        registers=np.zeros(6, np.int64),
        stream=stream,
        samples=np.zeros(channels * (k.PAD + frames), np.int64),
        **_least_squares(channels, order, stages),
        **_filters(profile.taps, channels),
        **_deciding(profile, channels),
    )


def _least_squares(channels: int, order: int, stages: int) -> _Pools:
    """Of samples, and of the stages' predictions, which are simply added at the start."""
    mix_weights = np.zeros((channels, k.MIX))
    mix_weights[:, : stages + 1] = 1.0
    return {
        "matrix": np.zeros(2 * channels * order**2),
        "factor": np.zeros(max(order, k.MIX) ** 2),
        "moments": np.zeros(2 * channels * order),
        "weights": np.zeros(2 * channels * order),
        "window": np.zeros(order),
        "mix_matrix": np.zeros(channels * k.MIX**2),
        "mix_moments": np.zeros(channels * k.MIX),
        "mix_weights": mix_weights.reshape(-1),
        "mix_inputs": np.zeros(k.MIX),
    }


def _filters(lengths: tuple[int, ...], channels: int) -> _Pools:
    places, taps, history = [], 0, 0
    for n in lengths * channels:
        places += [taps, history, 0]
        taps += n
        history += n + k.SLACK
    return {
        "taps": np.zeros(taps),
        "history": np.zeros(history),
        "places": np.array(places, np.int64),
        "energy": np.zeros(channels * len(lengths)),
    }


def _deciding(profile: Profile, channels: int) -> _Pools:
    """Deviations, experts, mixer, counters."""
    experts = len(profile.experts)
    mixers = np.zeros((k.DECISIONS + k.KINDS * k.CONTEXTS, k.INPUTS))
    mixers[:, :experts] = _EXPERTS_SHARE / max(1, experts)
    mixers[:, experts : experts + 2] = _COUNTER_SHARE
    _, stretch, squash, _ = mixing_tables()
    return {
        "centers": np.zeros(k.MIX),
        "deviations": np.full(channels * k.MIX * k.RANGES, _FIRST_DEVIATION),
        "experts": np.array(profile.experts, np.int64).reshape(-1),
        "expert_state": np.zeros(k.EXPERT_STATE * experts),
        "inputs": np.zeros(k.INPUTS),
        "mixers": mixers.reshape(-1),
        "counters": _counters(profile.shift).copy(),
        "levels": np.full(channels, _FIRST_LEVEL, np.int64),
        "last": np.zeros(channels),
        "tails": _tails(),
        "stretch": stretch,
        "squash": squash,
    }


@cache
def _counters(shift: int) -> np.ndarray:
    """int64[LEVELS * DECISIONS * 2]: where counters start, the probabilities of Laplace's distribution at every level."""
    counters = np.full((k.LEVELS, k.DECISIONS), 32768, np.int64)
    with localcontext() as context:
        context.prec = 20
        for row in range(k.LEVELS):
            level, quarter = divmod(row, 4)
            deviation = Decimal(2) ** level * (Decimal(9) / 8 + Decimal(quarter) / 4 if level >= 2 else Decimal(3) / 2) / 16
            bits = max(level - 4 - shift, 0)
            if bits > 1 and level > 6 + shift:
                counters[row] = counters[row - 4]  # widths grow with the deviation
                if bits > 3:
                    continue
            for bucket in range(k.BUCKETS):
                width = Decimal(2) ** (bits + max(bucket - k.EQUAL_BUCKETS, 0))
                counters[row, 1 + bucket] = int(65535 * (-width / deviation).exp())
            for node in range(1, 1 << min(bits, 3)):
                half = Decimal(2) ** (bits - node.bit_length())
                p = int(65535 / (1 + (half / deviation).exp()))
                counters[row, [k.INSIDE + 16 * bucket + node for bucket in range(4)]] = p
    return np.repeat(np.clip(counters, _LEAST_COUNTER, 65536 - _LEAST_COUNTER).reshape(-1), 2)


@cache
def _tails() -> np.ndarray:
    """float64[2 * TAIL_SIZE]: Laplace and logistic, both of mean absolute deviation 1; correctly rounded."""
    with localcontext() as context:
        context.prec = 25
        span = 2 * Decimal(2).ln()
        places = [Decimal(i) / k.TAIL_STEPS - k.TAIL_REACH for i in range(k.TAIL_SIZE)]
        laplace = [(-z).exp() / 2 if z >= 0 else 1 - z.exp() / 2 for z in places]
        logistic = [1 / (1 + (z * span).exp()) for z in places]
    return np.array([float(p) for p in laplace + logistic])
