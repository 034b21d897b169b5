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


_ONE = (((16,),), ((10, 10),), ((10, 9, 7),))
_TWO = (((10,), (16,)), ((6, 6), (10, 10)), ((6, 5, 4), (10, 9, 7)))
_THREE = (((6,), (12,), (20,)), ((3, 3), (8, 7), (14, 12)), ((3, 2, 2), (7, 6, 4), (12, 10, 9)))
_LOCAL, _WIDE, _CLOSE = Window(0.89, 0.83), Window(0.96, 0.95), Window(0.8, 0.75)
SETUPS = {
    4: Setup((_LOCAL,), _ONE, 8, 8, 8, 4, 1, 15),
    5: Setup((_LOCAL,), _TWO, 8, 4, 8, 4, 2, 15),
    6: Setup((_LOCAL, _CLOSE), _THREE, 8, 4, 16, 8, 3, 16),
    7: Setup((_LOCAL, _CLOSE, _WIDE), _THREE, 4, 2, 16, 16, 4, 17),
    8: Setup((_LOCAL, _CLOSE, _WIDE), _THREE, 4, 1, 16, 16, 4, 18, reach=6),
    9: Setup((_LOCAL, _CLOSE, _WIDE), _THREE, 2, 1, 16, 16, 4, 18, reach=10),
}
_NEARNESS = 0.025
_FIT_FADE = ((0.997, 4.0), (0.995, 4.0))  # factor per block, ridge: of the error's sign, of its size


def new_state(
    setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, *, decoding: bool
) -> st.State:
    """State for a tile of `shape` (planes, height, width), values 0..top. An encoder writes `stream`, a decoder reads it."""
    planes, height, width = shape
    row, rows = width + 2 * st.PAD, height + st.PAD + 1
    taps, counts = _taps(setup, planes, rows * row, row)
    most = counts.max(1, initial=0)
    sizes = np.array([sum((n // 8 + 1 - i // 8) * 8 for i in range(n)) for n in most])
    blocks = -(-width // setup.block)
    totals = sizes * (blocks * len(setup.windows))
    bases = np.cumsum(totals) - totals
    windows, inputs_used = len(setup.windows) * counts.shape[1], setup.softs + setup.contexts
    squares = windows + (setup.reach > 0)
    past = planes * st.PAST_ROWS * width if setup.reach else 0
    apart = np.arange(-setup.reach, setup.reach + 1) ** 2
    padded = -(-setup.softs // 8) * 8
    mix_width = -(-(inputs_used + 1) // 16) * 16
    rates = (
        setup.mix_rate,
        setup.final_rate,
        6,
        250,
        setup.context_bits,
        setup.fit_period,
        squares,
        int(setup.reach > 0),
        setup.reach,
    )
    plan = [height, width, planes, top, int(decoding)]
    plan += [len(setup.windows), counts.shape[1], setup.block, blocks, setup.softs, setup.contexts, setup.sets, mix_width]
    _, stretch, squash, reciprocal = mixing_tables()
    weights = np.zeros((setup.sets * st.MAX_PLANES * 64 * st.NODES, mix_width), np.int32)
    weights[:, : setup.softs] = int(65536 * 0.8 / setup.softs)
    weights[:, setup.softs : inputs_used] = int(65536 * 0.2 / setup.contexts)
    inputs = np.zeros(mix_width, np.int32)
    inputs[inputs_used] = 256
    final = np.zeros((st.NODES, 8), np.int32)
    final[:, : setup.sets] = 65536 // setup.sets
    steps = squash[np.arange(APM_STEPS) * APM_STEP + HALF_RANGE - APM_REACH]
    total = int(totals.sum())
    prior = np.zeros((2, st.STRIDE))
    prior[1, :5] = np.array([2, 2, 1, 1, 1]) / 8.0
    pixels = np.full((planes, rows, row), (top + 1) // 2, np.int32)
    return st.State(
        plan=np.array([*plan, *rates], np.int64),
        registers=np.zeros(6, np.int64),
        stream=stream,
        pixels=pixels,
        flat=pixels.reshape(-1),
        unit=np.array([unit]),
        taps=taps,
        counts=counts,
        sizes=sizes,
        bases=bases,
        columns=np.zeros(total),
        ahead=np.zeros(total),
        behind=np.zeros((len(setup.windows), int(sizes.max()))),
        fade=np.array([(_power(w.column_fade, setup.block), w.row_fade, w.ridge) for w in setup.windows]),
        samples=np.zeros(st.MAX_BLOCK * st.STRIDE),
        weighted=np.zeros(st.MAX_BLOCK * st.STRIDE),
        centres=np.zeros(st.MAX_PLANES),
        products=np.zeros(st.STRIDE * st.STRIDE),
        matrix=np.zeros(st.STRIDE**2),
        lower=np.zeros(st.STRIDE**2),
        inverses=np.zeros(st.STRIDE),
        coefficients=np.zeros(windows * st.STRIDE),
        past=np.zeros(past * st.STRIDE),
        past_weight=np.zeros(past),
        weighed=np.zeros((2 * setup.reach + 1) * st.STRIDE),
        nearness=1.0 / (1.0 + (apart[None, :] + apart[setup.reach :, None]) * _NEARNESS),
        similar=np.zeros(st.STRIDE),
        around=np.zeros(st.AROUND),
        seen=np.zeros(st.SEEN),
        guesses=np.zeros(st.MAX_PREDICTORS),
        errors=np.zeros((planes, 4, row, st.MAX_PREDICTORS)),
        signed=np.zeros((planes, 4, row)),
        local=np.zeros(st.MAX_PREDICTORS),
        spread=_spread(),
        fit_counts=np.array([[5 + 5 * p + squares + st.SIMPLE, 16 + 5 * p] for p in range(st.MAX_PLANES)]).T.copy(),
        features=np.zeros(2 * st.FIT_BLOCK * st.STRIDE),
        weighted_features=np.zeros(2 * st.FIT_BLOCK * st.STRIDE),
        fit_sums=np.zeros((2, st.MAX_PLANES, st.STRIDE**2)),
        fit_coefficients=np.tile(prior[:, None], (1, st.MAX_PLANES, 1)).reshape(-1),
        fit_prior=prior,
        fit_fade=np.array(_FIT_FADE),
        means=np.zeros(padded),
        slopes=np.zeros(padded),
        below=np.zeros(padded),
        above=np.zeros(padded),
        chances=np.zeros(padded, np.int32),
        middle=np.zeros(padded),
        contexts=np.zeros(16, np.uint64),
        slots=aligned_copy(np.full(setup.contexts << setup.context_bits, 1 << 31, np.uint32)),
        inputs=inputs,
        weights=weights.reshape(-1),
        final_weights=final.reshape(-1),
        offsets=np.zeros(st.MAX_SETS, np.int64),
        outputs=np.zeros(st.MAX_SETS, np.int64),
        select=np.zeros(st.MAX_SETS + 2, np.int64),
        apm=np.tile(steps, 2 * st.MAX_PLANES * 64 * st.NODES),
        fine_stretch=_fine_stretch(),
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
    )


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
    spread[:, :, 0] = (np.tile(np.repeat(sizes, st.CLASSES), st.MAX_PLANES) + 0.3) * 2.0
    spread[:, :, 1] = 2.0
    return spread


@cache
def _fine_stretch() -> np.ndarray:
    """int16[65536]: the inverse of `squash`, finer than the engine's `stretch`."""
    squash = mixing_tables()[2]
    table = (np.searchsorted(squash, np.arange(65536)) - HALF_RANGE).astype(np.int16)
    table = np.clip(table, 1 - HALF_RANGE, HALF_RANGE - 1)
    table.flags.writeable = False
    return table
