"""What the pixel model consists of at each effort, and its state at the start of a tile."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from laconic.codecs.image import _state as st
from laconic.entropy._mixing_tables import HALF_RANGE, mixing_tables
from laconic.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS
from laconic.entropy.mixing_state import aligned_copy

# Neighbours (dy, dx), the most useful first: in the own plane, in a plane before it, which is a row ahead.
_OWN = [(0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0), (-1, 2), (-2, 1), (-1, -2), (-2, -1)]
_OWN += [(-2, 2), (-2, -2), (0, -3), (-3, 0), (-1, 3), (-3, 1), (-1, -3), (-3, -1), (-2, 3), (-2, -3)]
_BEFORE = [(0, 0), (0, 1), (0, -1), (-1, 0), (1, 0), (-1, 1), (-1, -1), (1, -1), (1, 1), (0, 2), (-2, 0), (0, -2), (-1, 2)]


@dataclass(frozen=True)
class Squares:
    """A least-squares predictor. taps: for each plane in coding order, numbers of neighbours in its own plane, in the plane next
    to it and in the one after that. Fading per column and row; ridge and least variance of the fit."""

    taps: tuple[tuple[int, int, int], ...]
    column_fade: float
    row_fade: float
    ridge: float = 0.03
    least_variance: float = 4.0


@dataclass(frozen=True)
class Setup:
    """An effort. softs: soft predictions (4 of the blend, then one per predictor). contexts: counted ones (4, 8 or 16).
    sets: mixer selectors. period: pixels between fits. context_bits: log2 of the slots of each context."""

    squares: tuple[Squares, ...]
    softs: int
    contexts: int
    sets: int
    period: int
    context_bits: int
    mix_rate: int = 200
    final_rate: int = 6


_DEFAULT = Setup((Squares(((16, 0, 0), (10, 10, 0), (10, 9, 7)), 0.89, 0.83),), 5, 4, 2, 8, 15)
_BEST = Setup(
    (
        Squares(((20, 0, 0), (14, 12, 0), (12, 10, 9)), 0.94, 0.91),
        Squares(((14, 0, 0), (10, 9, 0), (9, 8, 6)), 0.87, 0.82),
        Squares(((10, 0, 0), (6, 6, 0), (6, 5, 4)), 0.8, 0.75),
        Squares(((20, 0, 0), (16, 12, 0), (14, 12, 10)), 0.985, 0.98),
    ),
    12,
    16,
    4,
    1,
    18,
)
_QUICK = Setup((), 4, 4, 1, 1, 15)
SETUPS = dict.fromkeys(range(1, 4), _QUICK) | dict.fromkeys(range(4, 8), _DEFAULT) | dict.fromkeys((8, 9), _BEST)


def new_state(
    setup: Setup, shape: tuple[int, int, int], top: int, unit: float, stream: np.ndarray, *, decoding: bool
) -> st.State:
    """State for a tile of `shape` (planes, height, width), values 0..top. An encoder writes `stream`, a decoder reads it."""
    planes, height, width = shape
    taps, counts = _taps(setup, planes)
    packed = (counts + 1) * (counts + 2) // 2
    sizes = packed * width
    bases = (np.cumsum(sizes) - sizes.reshape(-1)).reshape(counts.shape)
    squares, inputs_used = len(setup.squares), setup.softs + setup.contexts
    mix_width = -(-(inputs_used + 1) // 16) * 16
    rates = (setup.mix_rate, setup.final_rate, 6, 250, setup.context_bits, 0)
    plan = [height, width, planes, top, int(decoding), squares, setup.period, setup.softs, setup.contexts, setup.sets, mix_width]
    row = width + 2 * st.PAD
    _, stretch, squash, reciprocal = mixing_tables()
    weights = np.zeros((setup.sets * st.MAX_PLANES * 64 * st.NODES, mix_width), np.int32)
    weights[:, : setup.softs] = int(65536 * 0.8 / setup.softs)
    weights[:, setup.softs : inputs_used] = int(65536 * 0.2 / setup.contexts)
    inputs = np.zeros(mix_width, np.int32)
    inputs[inputs_used] = 256
    final = np.zeros((st.NODES, 8), np.int32)
    final[:, : setup.sets] = 65536 // setup.sets
    steps = squash[np.arange(APM_STEPS) * APM_STEP + HALF_RANGE - APM_REACH]
    bias, spread = _running_means()
    total = int(sizes.sum())
    return st.State(
        plan=np.array([*plan, *rates], np.int64),
        registers=np.zeros(6, np.int64),
        stream=stream,
        pixels=np.full((planes, st.PAD + height + 1, row), (top + 1) // 2, np.int32),
        unit=np.array([unit]),
        taps=taps,
        counts=counts,
        bases=bases,
        columns=np.zeros(total),
        ahead=np.zeros(total),
        behind=np.zeros((planes, squares, st.MAX_PACKED)),
        fade=np.array([(s.column_fade, s.row_fade, s.ridge, s.least_variance) for s in setup.squares]).reshape(-1, 4),
        values=np.zeros((squares, st.MAX_TAPS + 1)),
        products=np.zeros(st.MAX_PACKED),
        matrix=np.zeros((st.MAX_TAPS + 1) ** 2),
        coefficients=np.zeros((planes, squares, st.MAX_TAPS)),
        guesses=np.zeros(st.MAX_PREDICTORS),
        errors=np.zeros((planes, 2, row, st.MAX_PREDICTORS)),
        signed=np.zeros((planes, 2, row)),
        local=np.zeros(st.MAX_PREDICTORS),
        bias=bias,
        spread=spread,
        means=np.zeros(setup.softs),
        slopes=np.zeros(setup.softs),
        below=np.zeros(setup.softs),
        above=np.zeros(setup.softs),
        middle=np.zeros(setup.softs),
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


def _taps(setup: Setup, planes: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64[planes, squares, MAX_TAPS, 3]: plane, dy, dx; int64[planes, squares]: how many)."""
    taps = np.zeros((planes, len(setup.squares), st.MAX_TAPS, 3), np.int64)
    counts = np.zeros((planes, len(setup.squares)), np.int64)
    for p in range(planes):
        others = range(p - 1, -1, -1)
        for o, squares in enumerate(setup.squares):
            own, *elsewhere = squares.taps[p]
            found = [(p, *place) for place in _OWN[:own]]
            for q, count in zip(others, elsewhere, strict=False):
                found += [(q, *place) for place in _BEFORE[:count]]
            taps[p, o, : len(found)] = found
            counts[p, o] = len(found)
    return taps, counts


def _running_means() -> tuple[np.ndarray, np.ndarray]:
    """Start of `bias` (nothing) and of `spread` (about what the class of the local errors says)."""
    bias = np.zeros((2, st.MAX_PLANES * st.CLASSES * 64, 2))
    bias[:, :, 1] = 4.0
    sizes = np.array([i if i < 8 else (4 + i % 4) << (i // 4 - 1) for i in range(st.CLASSES)]) / 64.0
    spread = np.zeros((2, st.MAX_PLANES * st.CLASSES * st.CLASSES, 2))
    spread[:, :, 0] = (np.tile(np.repeat(sizes, st.CLASSES), st.MAX_PLANES) + 0.3) * 2.0
    spread[:, :, 1] = 2.0
    return bias, spread


@cache
def _fine_stretch() -> np.ndarray:
    """int16[65536]: the inverse of `squash`, finer than the engine's `stretch`."""
    squash = mixing_tables()[2]
    table = (np.searchsorted(squash, np.arange(65536)) - HALF_RANGE).astype(np.int16)
    table = np.clip(table, 1 - HALF_RANGE, HALF_RANGE - 1)
    table.flags.writeable = False
    return table
