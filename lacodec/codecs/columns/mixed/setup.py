"""Making a coder's state from the settings that a payload states."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.profiles import CONTEXTS, LINE_BITS, PROFILES, SETS, Geometry
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS
from lacodec.entropy.mixing_state import aligned_copy, aligned_zeros
from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables

_ONE = 65536  # of a weight
_LEAST_LINE_BITS = 10
_LINES_PER_VALUE = 1
_MIX_RATE, _FINAL_RATE, _BOOST = 200, 16, 2000
_MOST_FITS = 64
_SMALL_POOLS = 16 << 20  # weights, APM, heads of matches, sums of least squares
_HOPE = 512 << 8  # of a group of bits, at the start
_SOLVE_EVERY = 16
_RIDGE = 1.0
SIZE_CUTS = {8: 0, 16: 9, 32: 22, 64: 51}  # bits of a float of that width below the half of an octave


@dataclass(frozen=True)
class Settings:
    """All that both directions must agree on. shift: log2 of the unit of least squares; first: the first value."""

    effort: int
    profile: int
    geometry: Geometry
    shift: int
    first: int


def new_state(settings: Settings, count: int, bits: int, stream: np.ndarray, raw: np.ndarray, *, decoding: bool) -> st.State:
    """A coder at its start, for `count` values."""
    profile, g = PROFILES[settings.profile], settings.geometry
    plan = np.zeros(st.PLAN, np.int64)
    above = g.above or 3 * g.near
    contexts = profile.contexts[: CONTEXTS[settings.effort]]
    line_bits = _line_bits(settings.effort, count)
    head_bits = min(max(count.bit_length(), 8), 20)
    taps = tap_pairs(g, above)
    plan[[st.COUNT, st.BITS, st.SCHEME, st.PREDICTOR, st.CONTEXTS]] = (
        count,
        bits,
        profile.scheme,
        profile.predictor,
        len(contexts),
    )
    plan[[st.EXPONENT_BITS, st.LINE_BITS, st.MAP_LIMIT]] = (bits - 1).bit_length(), line_bits, profile.map_limit
    plan[[st.COLUMNS, st.DECODING, st.NEAR, st.ABOVE]] = g.columns, decoding, g.near, above
    plan[[st.TAPS, st.FITS, st.SOLVE_EVERY]] = len(taps), min(g.columns, _MOST_FITS), _SOLVE_EVERY
    plan[[st.VALUE_SHIFT, st.MIX_RATE, st.FINAL_RATE]] = max(bits - 6, 0), _MIX_RATE, _FINAL_RATE
    select = profile.select if g.columns == 1 else st.COLUMN
    plan[[st.HEAD_BITS, st.SELECT_1, st.SELECT_2, st.REFINE]] = head_bits, profile.scale, select, select
    plan[st.SIZE_CUT] = SIZE_CUTS[bits]
    plan[[st.BOOST, st.SETS]] = _BOOST << 10, SETS[settings.effort]
    pad = 2 * above + 8 * g.near + 8
    kinds = np.array([(*c, *[st.NOTHING] * (st.PARTS - len(c))) for c in contexts], np.int64)
    sets = st.GROUPS * st.NODES + 2 * st.CLASSES * st.DEPTHS
    weights = np.zeros((sets, st.WIDTH), np.int32)
    weights[:, : len(contexts)] = _ONE * 2 // (len(contexts) + 2)
    weights[:, st.WIDTH - 2] = _ONE // 3
    _, stretch, squash, reciprocal = mixing_tables()
    steps = squash[np.arange(APM_STEPS) * APM_STEP + HALF_RANGE - APM_REACH]
    tap_table = np.ones((st.ORDER, 2), np.int64)
    tap_table[: len(taps)] = taps
    fits = int(plan[st.FITS])
    means = np.zeros((g.columns, 3), np.int64)
    means[:, 2] = settings.first
    return st.State(
        plan=plan,
        registers=np.zeros(st.REGISTERS, np.int64),
        stream=stream,
        raw=raw,
        values=_padded(count, pad, settings.first),
        errors=np.zeros(1 << (2 * above + 2 * g.near + 4).bit_length(), np.int64),
        kinds=kinds.reshape(-1),
        features=np.zeros(st.FEATURES, np.int64),
        hashes=np.zeros(len(contexts), np.uint64),
        where=np.zeros(len(contexts), np.uint64),
        lines=aligned_zeros(4 * st.NODES << line_bits).view(np.uint32),
        heads=np.zeros(1 << head_bits, np.int32),
        match_map=_match_map(),
        means=means.reshape(-1),
        inputs=np.zeros(st.WIDTH, np.int32),
        weights=weights.reshape(-1),
        final_weights=np.full(st.GROUPS * st.NODES * 4, _ONE // SETS[settings.effort], np.int32),
        offsets=np.zeros(st.MOST_SETS, np.int64),
        outputs=np.zeros(st.MOST_SETS, np.int64),
        apm=aligned_copy(np.tile(steps, 4 * st.NODES * st.CLASSES)),
        gains=np.full(64 * st.GROUPS, _HOPE, np.int64),
        runs=np.zeros(64 * st.GROUPS * 2, np.int64),
        taps=tap_table,
        squares=np.zeros(fits * st.ORDER * st.ORDER),
        coefficients=np.zeros(fits * st.ORDER),
        factor=np.zeros(st.ORDER * st.ORDER),
        window=np.zeros(st.ORDER),
        rates=np.array([profile.keep, _RIDGE, 2.0**-settings.shift]),
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
    )


def tap_pairs(g: Geometry, above: int) -> list[tuple[int, int]]:
    """Inputs of least squares: differences between two values before, each given by how far back it is."""
    n = g.near
    pairs = [(2 * n, n), (3 * n, n)]
    if g.above:
        pairs += [(above, n), (above + n, n), (above - n, n), (2 * above, n), (above - 2 * n, n), (above + 2 * n, n)]
    elif n > 1:
        pairs += [(4 * n, n), (5 * n, n)]
    else:
        pairs += [(k, 1) for k in range(4, 13)]
    for k in range(1, min(n, 4)):
        pairs += [(k, k + n), (k, k + above if g.above else n)]
    return pairs[: st.ORDER - 2]


def _padded(count: int, pad: int, first: int) -> np.ndarray:
    values = np.zeros(pad + count, np.int64)
    values[:pad] = first
    return values


def _match_map() -> np.ndarray:
    """Expected bits hold with a chance that grows with the length of the match."""
    wrong = (1 << 22) // (np.arange(st.LENGTHS) + 3)
    return (np.stack([wrong, (1 << 22) - wrong], 1).reshape(-1) << 10).astype(np.uint32)


def _line_bits(effort: int, count: int) -> int:
    wanted = (count * CONTEXTS[effort] * _LINES_PER_VALUE).bit_length()
    return min(max(wanted, _LEAST_LINE_BITS), LINE_BITS[effort])


def largest_pools(count: int, effort: int) -> int:
    """Bytes that a state for `count` values takes at most, besides them: lines, pads, and what does not depend on the values."""
    pads = 8 * (14 * min(count, st.PAD_MOST) + 16)
    return (4 * st.NODES << _line_bits(effort, count)) + 2 * pads + _SMALL_POOLS
