"""The coder of one number of each point, from the settings that a payload states."""

from dataclasses import dataclass, replace

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.profiles import Geometry
from lacodec.codecs.columns.mixed.setup import Settings, new_state
from lacodec.codecs.points.spinning import _values_kernel as k

#: Engine of mixed columns (its effort) that an effort of this codec uses.
ENGINES = {4: 7, 5: 7, 6: 7, 7: 8, 8: 8, 9: 9}
_PROFILE = {st.LOGARITHMIC: 2, st.DIGITS: 0}
_KEEP = 0.9995
_SOLVE_EVERY = 16
_P = st.PATHLESS
_RANGES = (
    (k.LOCAL, k.FRACTION),
    (k.NEAR_W, k.NEAR_N),
    (k.NEAR_PLANE, k.NEAR_NE),
    (k.ERROR_W, k.ERROR_N),
    (k.RING, k.NOTHING, k.NOTHING, _P),
    (k.TO_N,),
    (k.TO_W,),
    (k.NEAR_LINE, k.GAP),
    (k.NEAR_NN, k.NEAR_NW),
    (k.CLASS, k.LOCAL),
    (k.HEIGHT, k.GAP),
    (k.ERROR_MEAN, k.ERROR_NE),
    (k.ERROR_W, k.ERROR_WW),
    (k.LOCAL, k.NEAR_W),
)
_AFTER = (  # a frame before
    (k.LOCAL, k.FRACTION),
    (k.NEAR_W, k.NEAR_N),
    (k.NEAR_RIGHT, k.NEAR_W),
    (k.NEAR_MOVED, k.NEAR_PAST),
    (k.RING, k.NOTHING, k.NOTHING, _P),
    (k.NEAR_PAST, k.NEAR_RIGHT),
    (k.NEAR_PAST, k.LOCAL),
    (k.NEAR_SHAPE, k.NEAR_N),
    (k.NEAR_RIGHT, k.NEAR_FAR),
    (k.ERROR_W, k.ERROR_N),
    (k.NEAR_LINE, k.GAP),
    (k.NEAR_NN, k.NEAR_NW),
    (k.ERROR_MEAN, k.ERROR_NE),
    (k.NEAR_LEFT, k.NEAR_RIGHT),
)
_AFTER_LATER = (
    *_AFTER[:10],
    (k.NEAR_LINE, k.GAP),
    (k.NEAR_MOVED, k.NEAR_W),
    (k.NEAR_MOVED, k.NEAR_SHAPE),
    (k.NEAR_LEFT, k.NEAR_RIGHT),
)
_LEVELS = (
    (k.VALUE_W, k.VALUE_N),
    (k.PREDICTED, k.RING),
    (k.MEAN, k.TOLD),
    (k.VALUE_W, k.VALUE_WW),
    (k.RING, k.TOLD_MORE),
    (k.VALUE_N, k.VALUE_NE),
    (k.MEAN, k.VALUE_W),
    (k.PREDICTED, k.LOCAL),
    (k.VALUE_N, k.RING),
    (k.VALUE_W, k.RING, k.TOLD),
    (k.PREDICTED, k.MEAN),
    (k.TOLD, k.TOLD_MORE, k.GAP),
    (k.MEAN, k.RING),
    (k.ERROR_W, k.ERROR_N, k.PREDICTED),
)


@dataclass(frozen=True)
class Model:
    """What a number of each point is modelled as.

    bits: of a number; select: features that choose weights, and rows of the last map; reach, target: limits in least squares;
    taps: their inputs.
    """

    bits: int
    scheme: int
    contexts: tuple[tuple[int, ...], ...]
    select: tuple[int, int, int]
    reach: float
    target: float
    taps: int = k.TAPS


OLDER_RANGES = Model(16, st.LOGARITHMIC, _RANGES, (k.LOCAL, k.CLASS, k.CLASS), 4096.0, 256.0)
LEVELS = Model(7, st.DIGITS, _LEVELS, (k.LOCAL, k.RING, k.RING), 4096.0, 256.0)
RANGES = replace(OLDER_RANGES, reach=1024.0, target=32.0)
RANGES_AFTER = replace(RANGES, contexts=_AFTER, select=(k.APART, k.CLASS, k.CLASS), taps=k.MORE_TAPS)
TIGHT_RANGES = replace(RANGES, reach=256.0, target=4.0)
TIGHT_RANGES_AFTER = replace(RANGES_AFTER, reach=256.0, target=4.0, contexts=_AFTER_LATER)
BYTES = replace(LEVELS, bits=8)


def new_values(
    model: Model, engine: int, first: int, count: int, stream: np.ndarray, raw: np.ndarray, *, decoding: bool
) -> st.State:
    """A coder at its start for `count` numbers."""
    geometry = Geometry(1, 0, k.CLASSES * (1 if model.taps == k.TAPS else 2))
    wide = 8 if model.bits <= 8 else 16
    s = new_state(Settings(engine, _PROFILE[model.scheme], geometry, 0, first), count, wide, stream, raw, decoding=decoding)
    contexts = model.contexts[: s.plan[st.CONTEXTS]]
    s.plan[st.BITS] = model.bits
    s.plan[st.SELECT_1], s.plan[st.SELECT_2], s.plan[st.REFINE] = model.select
    s.plan[st.TAPS] = model.taps
    s.plan[st.SOLVE_EVERY] = _SOLVE_EVERY
    s.plan[st.VALUE_SHIFT] = max(model.bits - 7, 0)
    s.rates[st.KEEP] = _KEEP
    s.means[:] = 0
    kinds = np.array([(*c, *[k.NOTHING] * (st.PARTS - len(c))) for c in contexts], np.int64)
    s.coefficients.reshape(-1, st.ORDER)[:, 2] = 0.5  # as the row above moves
    return s._replace(kinds=kinds.reshape(-1), errors=np.zeros(count + 1, np.int64), features=np.zeros(k.FEATURES, np.int64))


def limits(model: Model) -> np.ndarray:
    """f64[2]: of differences and targets in least squares."""
    return np.array([model.reach, model.target])
