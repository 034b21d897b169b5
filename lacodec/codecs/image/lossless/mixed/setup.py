"""The parts of the pixel model for each effort, and its state at the start of a tile."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS
from lacodec.entropy.mixing_state import aligned_copy
from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables

# Neighbours (dy, dx), the most useful first: in the own plane, in a plane before it, which is a row ahead.
_OWN = [(0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0), (-1, 2), (-2, 1), (-1, -2), (-2, -1)]
_OWN += [(-2, 2), (-2, -2), (0, -3), (-3, 0), (-1, 3), (-3, 1), (-1, -3), (-3, -1), (-2, 3), (-2, -3)]
_BEFORE = [(0, 0), (0, 1), (0, -1), (-1, 0), (1, 0), (-1, 1), (-1, -1), (1, -1), (1, 1), (0, 2), (-2, 0), (0, -2), (-1, 2)]


@dataclass(frozen=True)
class Window:
    """How fast least squares forget: fading per column and row; ridge of the fit."""

    column_fade: float
    row_fade: float
    ridge: float = 0.03


@dataclass(frozen=True)
class Setup:
    """An effort.

    windows: of least squares. orders: for each plane in coding order its taps, in groups of neighbours (in its own plane, in the
    one before it, in the one before that); each group ends a predictor, which has the taps of those before as well. block: pixels
    between fits. fit_period: blocks between fits of the regressions. softs: soft predictions (4 of the blend, then one per
    predictor). contexts: counted ones (4, 8 or 16). sets: mixer selectors. context_bits: log2 of the slots of each context.
    reach: rows and columns within which one more predictor looks for similar pixels, with the taps of the second order.
    """

    windows: tuple[Window, ...]
    orders: tuple[tuple[tuple[int, ...], ...], ...]
    block: int
    fit_period: int
    softs: int
    contexts: int
    sets: int
    context_bits: int
    reach: int = 0
    mix_rate: int = 200
    final_rate: int = 6

    @property
    def squares(self) -> int:
        """Predictions by least squares."""
        return len(self.windows) * len(self.orders[0]) + (self.reach > 0)


# Windows, groups of taps, and all numbers of SETUPS and below were chosen by hand, and are part of stream version 1.
_ONE = (((16,),), ((10, 10),), ((10, 9, 7),))
_TWO = (((10,), (16,)), ((6, 6), (10, 10)), ((6, 5, 4), (10, 9, 7)))
_THREE = (((6,), (12,), (20,)), ((3, 3), (8, 7), (14, 12)), ((3, 2, 2), (7, 6, 4), (12, 10, 9)))
_LOCAL = Window(column_fade=0.89, row_fade=0.83)
_WIDE = Window(column_fade=0.96, row_fade=0.95)
_CLOSE = Window(column_fade=0.8, row_fade=0.75)
_SLOW = (_LOCAL, _CLOSE, _WIDE)
SETUPS = {
    4: Setup((_LOCAL,), _ONE, block=8, fit_period=8, softs=8, contexts=4, sets=1, context_bits=15),
    5: Setup((_LOCAL,), _TWO, block=8, fit_period=4, softs=8, contexts=4, sets=2, context_bits=15),
    6: Setup((_LOCAL, _CLOSE), _THREE, block=8, fit_period=4, softs=16, contexts=8, sets=3, context_bits=16),
    7: Setup(_SLOW, _THREE, block=4, fit_period=2, softs=16, contexts=16, sets=4, context_bits=17),
    8: Setup(_SLOW, _THREE, block=4, fit_period=1, softs=16, contexts=16, sets=4, context_bits=18, reach=6),
    9: Setup(_SLOW, _THREE, block=2, fit_period=1, softs=16, contexts=16, sets=4, context_bits=18, reach=10),
}
_NEARNESS = 0.025  # a similar pixel at distance d counts 1 / (1 + _NEARNESS * d**2)
_FIT_FADE = ((0.997, 4.0), (0.995, 4.0))  # factor per block, ridge: of the error's sign, of its size
_FIT_PRIOR = (2, 2, 1, 1, 1)  # eighths: at the start, the size of an error follows from the five next to it
_SCALE, _SURE = 0.3, 2.0  # added to the scale that errors suggest; how many errors the start counts for
_SOFT_SHARE = 0.8  # of the mixer's weights at the start, for soft predictions; the rest for contexts
_APM_RATE, _MAP_LIMIT = 6, 250  # probability maps move by 1 / 64; a context's count that ends its learning ever slower

_Pools = dict[str, np.ndarray]


def new_state(
    setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, *, decoding: bool
) -> st.State:
    """State for a tile of `shape` (planes, height, width), values 0..top. An encoder writes `stream`, a decoder reads it."""
    planes, height, width = shape
    row, rows = width + 2 * st.PAD, height + st.PAD + 1
    pixels = np.full((planes, rows, row), (top + 1) // 2, np.int32)
    return st.State(
        plan=_plan(setup, shape, top, decoding),
        registers=np.zeros(6, np.int64),
        stream=stream,
        pixels=pixels,
        flat=pixels.reshape(-1),
        unit=np.array([unit]),
        **_least_squares(setup, planes, rows * row, row),
        **_similar(setup, planes, width),
        **_blending(planes, row),
        **_regressions(setup),
        **_soft_predictions(setup),
        **_mixing(setup),
    )


def _plan(setup: Setup, shape: tuple[int, int, int], top: int, decoding: bool) -> np.ndarray:
    planes, height, width = shape
    numbers = {
        st.HEIGHT: height,
        st.WIDTH: width,
        st.PLANES: planes,
        st.TOP: top,
        st.DECODING: int(decoding),
        st.WINDOWS: len(setup.windows),
        st.ORDERS: len(setup.orders[0]),
        st.BLOCK: setup.block,
        st.BLOCKS: _blocks(setup, width),
        st.SOFTS: setup.softs,
        st.CONTEXTS: setup.contexts,
        st.SETS: setup.sets,
        st.MIX_WIDTH: _mix_width(setup),
        st.MIX_RATE: setup.mix_rate,
        st.FINAL_RATE: setup.final_rate,
        st.APM_RATE: _APM_RATE,
        st.MAP_LIMIT: _MAP_LIMIT,
        st.CONTEXT_BITS: setup.context_bits,
        st.FIT_PERIOD: setup.fit_period,
        st.SQUARES: setup.squares,
        st.SIMILAR: int(setup.reach > 0),
        st.REACH: setup.reach,
    }
    return np.array([numbers[place] for place in range(st.PLAN)], np.int64)


def _least_squares(setup: Setup, planes: int, plane: int, row: int) -> _Pools:
    """Of a picture whose planes and rows are so long, margins included."""
    taps, counts = _taps(setup, planes, plane, row)
    windows = len(setup.windows)
    sizes = np.array([sum((n // 8 + 1 - i // 8) * 8 for i in range(n)) for n in counts.max(1, initial=0)])
    totals = sizes * (_blocks(setup, row - 2 * st.PAD) * windows)
    total = int(totals.sum())
    return {
        "taps": taps,
        "counts": counts,
        "sizes": sizes,
        "bases": np.cumsum(totals) - totals,
        "columns": np.zeros(total),
        "ahead": np.zeros(total),
        "behind": np.zeros((windows, int(sizes.max()))),
        "fade": np.array([(_power(w.column_fade, setup.block), w.row_fade, w.ridge) for w in setup.windows]),
        "samples": np.zeros(st.MAX_BLOCK * st.STRIDE),
        "weighted": np.zeros(st.MAX_BLOCK * st.STRIDE),
        "centres": np.zeros(st.MAX_PLANES),
        "products": np.zeros(st.STRIDE * st.STRIDE),
        "matrix": np.zeros(st.STRIDE**2),
        "lower": np.zeros(st.STRIDE**2),
        "inverses": np.zeros(st.STRIDE),
        "coefficients": np.zeros(windows * counts.shape[1] * st.STRIDE),
    }


def _similar(setup: Setup, planes: int, width: int) -> _Pools:
    past = planes * st.PAST_ROWS * width if setup.reach else 0
    apart = np.arange(-setup.reach, setup.reach + 1) ** 2
    return {
        "past": np.zeros(past * st.STRIDE),
        "past_weight": np.zeros(past),
        "weighed": np.zeros((2 * setup.reach + 1) * st.STRIDE),
        "nearness": 1.0 / (1.0 + (apart[None, :] + apart[setup.reach :, None]) * _NEARNESS),
        "similar": np.zeros(st.STRIDE),
    }


def _blending(planes: int, row: int) -> _Pools:
    return {
        "around": np.zeros(st.AROUND),
        "seen": np.zeros(st.SEEN),
        "guesses": np.zeros(st.MAX_PREDICTORS),
        "errors": np.zeros((planes, 4, row, st.MAX_PREDICTORS)),
        "signed": np.zeros((planes, 4, row)),
        "local": np.zeros(st.MAX_PREDICTORS),
        "spread": _spread(),
    }


def _regressions(setup: Setup) -> _Pools:
    prior = np.zeros((2, st.STRIDE))
    prior[1, : len(_FIT_PRIOR)] = np.array(_FIT_PRIOR) / 8.0
    simple = setup.squares + st.SIMPLE
    return {
        "fit_counts": np.array([[5 + 5 * p + simple, 16 + 5 * p] for p in range(st.MAX_PLANES)]).T.copy(),
        "features": np.zeros(2 * st.FIT_BLOCK * st.STRIDE),
        "weighted_features": np.zeros(2 * st.FIT_BLOCK * st.STRIDE),
        "fit_sums": np.zeros((2, st.MAX_PLANES, st.STRIDE**2)),
        "fit_coefficients": np.tile(prior[:, None], (1, st.MAX_PLANES, 1)).reshape(-1),
        "fit_prior": prior,
        "fit_fade": np.array(_FIT_FADE),
    }


def _soft_predictions(setup: Setup) -> _Pools:
    padded = -(-setup.softs // 8) * 8
    pools: _Pools = {name: np.zeros(padded) for name in ("means", "slopes", "below", "above", "middle")}
    return {**pools, "chances": np.zeros(padded, np.int32)}


def _mixing(setup: Setup) -> _Pools:
    """Counted contexts, mixer, adaptive probability maps."""
    used, width = setup.softs + setup.contexts, _mix_width(setup)
    weights = np.zeros((setup.sets * st.MAX_PLANES * 64 * st.NODES, width), np.int32)
    weights[:, : setup.softs] = int(65536 * _SOFT_SHARE / setup.softs)
    weights[:, setup.softs : used] = int(65536 * (1 - _SOFT_SHARE) / setup.contexts)
    inputs = np.zeros(width, np.int32)
    inputs[used] = 256
    final = np.zeros((st.NODES, 8), np.int32)
    final[:, : setup.sets] = 65536 // setup.sets
    _, stretch, squash, reciprocal = mixing_tables()
    steps = squash[np.arange(APM_STEPS) * APM_STEP + HALF_RANGE - APM_REACH]
    return {
        "contexts": np.zeros(16, np.uint64),
        "slots": aligned_copy(np.full(setup.contexts << setup.context_bits, 1 << 31, np.uint32)),
        "inputs": inputs,
        "weights": weights.reshape(-1),
        "final_weights": final.reshape(-1),
        "offsets": np.zeros(st.MAX_SETS, np.int64),
        "outputs": np.zeros(st.MAX_SETS, np.int64),
        "select": np.zeros(st.MAX_SETS + 2, np.int64),
        "apm": np.tile(steps, 2 * st.MAX_PLANES * 64 * st.NODES),
        "fine_stretch": _fine_stretch(),
        "stretch": stretch,
        "squash": squash,
        "reciprocal": reciprocal,
    }


def _blocks(setup: Setup, width: int) -> int:
    return -(-width // setup.block)


def _mix_width(setup: Setup) -> int:
    """Inputs of the mixer, a constant one included, in whole vectors of 16."""
    return -(-(setup.softs + setup.contexts + 1) // 16) * 16


def _taps(setup: Setup, planes: int, plane: int, row: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64[planes, MAX_TAPS, 2]: distance, plane; int64[planes, orders]: how many) where a plane and a row are so long."""
    taps = np.zeros((planes, st.MAX_TAPS, 2), np.int64)
    counts = np.zeros((planes, len(setup.orders[0])), np.int64)
    for p in range(planes):
        found: list[tuple[int, int]] = []
        for g, (own, *elsewhere) in enumerate(setup.orders[p]):
            wanted = [(dy * row + dx, p) for dy, dx in _OWN[:own]]
            for q, count in zip(range(p - 1, -1, -1), elsewhere, strict=False):
                wanted += [((q - p) * plane + dy * row + dx, q) for dy, dx in _BEFORE[:count]]
            found += [tap for tap in wanted if tap not in found]
            counts[p, g] = len(found)
        taps[p, : len(found)] = found
    return taps, counts


def _power(factor: float, times: int) -> float:
    """By multiplication: `**` asks the C library, which may differ between machines."""
    result = 1.0
    for _ in range(times):
        result *= factor
    return result


def _spread() -> np.ndarray:
    """Start of `spread`: about the value that the class of the predicted error suggests."""
    sizes = np.array([i if i < 8 else (4 + i % 4) << (i // 4 - 1) for i in range(st.CLASSES)]) / 64.0
    spread = np.zeros((2, st.MAX_PLANES * st.CLASSES * st.CLASSES, 2))
    spread[:, :, 0] = (np.tile(np.repeat(sizes, st.CLASSES), st.MAX_PLANES) + _SCALE) * _SURE
    spread[:, :, 1] = _SURE
    return spread


@cache
def _fine_stretch() -> np.ndarray:
    """int16[65536]: the inverse of `squash`, finer than the engine's `stretch`."""
    squash = mixing_tables()[2]
    table = (np.searchsorted(squash, np.arange(65536)) - HALF_RANGE).astype(np.int16)
    table = np.clip(table, 1 - HALF_RANGE, HALF_RANGE - 1)
    table.flags.writeable = False
    return table
