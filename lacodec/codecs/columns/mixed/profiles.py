"""What an array can be modelled as: the geometry of its axes, a predictor, a scheme, contexts."""

from dataclasses import dataclass

from lacodec.codecs.columns.mixed import state as st


@dataclass(frozen=True)
class Profile:
    """A model.

    contexts: features of each, in the order in which efforts add them. scale, select: features that choose weights; where there
    are several columns, the column does so instead of `select`. map_limit: count at which counters stop slowing down.
    keep: what remains of a sum of least squares after a value.
    """

    scheme: int
    predictor: int
    contexts: tuple[tuple[int, ...], ...]
    scale: int
    select: int
    map_limit: int
    keep: float = 0.0


@dataclass(frozen=True)
class Geometry:
    """How far back the neighbours of a value are: along the main axis, in the row above (0: there is none); columns."""

    near: int
    above: int
    columns: int


_P = st.PATHLESS
_NUMBERS = (
    (st.TO_W,),
    (st.NEAR_L, st.TOKEN_L),
    (st.NEAR_W, st.NEAR_N),
    (st.COLUMN, st.NOTHING, st.NOTHING, _P),
    (st.LOCAL, st.FRACTION),
    (st.VALUE,),
    (st.NEAR_LINE, st.NEAR_PLANE),
    (st.NEAR_W, st.COLUMN),
    (st.TOKEN_W, st.TOKEN_N),
    (st.NEAR_MEAN, st.COLUMN),
    (st.TO_L, st.TOKEN_L),
    (st.VALUE_HIGH, st.COLUMN),
    (st.NEAR_PLANE, st.NEAR_N),
    (st.SCALE_BOTH, st.FRACTION),
)
_CODES = (
    (st.COLUMN,),
    (st.TO_L, st.COLUMN),
    (st.TO_L, st.TO_L2, st.COLUMN),
    (st.TO_W, st.COLUMN),
    (st.COLUMN, st.NOTHING, st.NOTHING, _P),
    (st.HIGH_W, st.COLUMN),
    (st.HIGH_W, st.HIGH_L),
    (st.TO_L, st.TO_L2, st.TO_L3, st.COLUMN),
    (st.TO_L2, st.COLUMN),
    (st.TO_N, st.COLUMN),
    (st.TO_W, st.TO_L, st.COLUMN),
    (st.TO_W, st.NOTHING, st.COLUMN, _P),
    (st.HIGH_N, st.COLUMN),
    (st.MATCHED, st.LENGTH),
)
_FLOATS = (
    (st.COLUMN,),
    (st.LOCAL, st.SCALE_SLOW),
    (st.HIGH_W, st.HIGH_L),
    (st.SCALE_SLOW, st.COLUMN),
    (st.COLUMN, st.NOTHING, st.NOTHING, _P),
    (st.HIGH_N, st.COLUMN),
    (st.LOCAL,),
    (st.SCALE, st.LOCAL),
    (st.TO_W, st.COLUMN),
    (st.HIGH_W, st.COLUMN),
    (st.SCALE_SLOW,),
    (st.TO_L, st.COLUMN),
    (st.HIGH_W, st.HIGH_N, st.COLUMN),
    (st.MATCHED, st.LENGTH),
)
PROFILES = (
    Profile(st.DIGITS, st.ZERO, _CODES, st.KNOWN, st.HIGH_L, 127),
    Profile(st.LOGARITHMIC, st.LAST, _NUMBERS, st.LOCAL, st.SCALE, 255),
    Profile(st.LOGARITHMIC, st.SQUARES, _NUMBERS, st.LOCAL, st.SCALE, 255, keep=0.9998),
    Profile(st.LOGARITHMIC, st.SQUARES, _NUMBERS, st.LOCAL, st.SCALE, 255, keep=0.997),
    Profile(st.DIGITS, st.ZERO, _FLOATS, st.SCALE_SLOW, st.LOCAL, 255),
)
#: Contexts, sets of weights, and log2 of the most lines of each effort.
CONTEXTS = {7: 6, 8: 10, 9: 14}
SETS = {7: 2, 8: 3, 9: 3}
LINE_BITS = {7: 20, 8: 21, 9: 22}
