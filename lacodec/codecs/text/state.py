"""Making the coder and the model of `text`: sizes and start values of all pools."""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.text import mixer as mixing
from lacodec.codecs.text import model as tm
from lacodec.codecs.text import slots as ts
from lacodec.codecs.text.coder import RUN_BUCKETS
from lacodec.codecs.text.setup import Setup
from lacodec.entropy import mixing as mx
from lacodec.entropy.mixing_state import ONE, Shape, aligned_copy, aligned_zeros
from lacodec.entropy.mixing_state import untrained as engine_start
from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables

_HALF = 1 << 31
_WHOLE = 1 << 22
_RATES = (100, 6, 1022, 255)  # of weights and final weights, limits of maps and of slow probabilities
_APM_RATE = 5  # log2 of the averaging time
_FACTORS = (3, 256, ts.MAX_CONTEXTS + 1, *[1] * (ts.MAX_SELECTS - 3))


@dataclass(frozen=True)
class Trained:
    """Start values from training.

    maps: uint32[contexts, 256]. run_maps: uint32[contexts, RUN_ROW]. expect_maps: uint32[expects, EXPECT_ROW]. weights:
    int32[selectors, width]. final: int32[FINALS, selectors].
    """

    maps: np.ndarray
    run_maps: np.ndarray
    expect_maps: np.ndarray
    weights: np.ndarray
    final: np.ndarray


def untrained(plan: Setup) -> Trained:
    """Plain start values: probabilities from counts, equal weights."""
    n, m = plan.parts.contexts, len(plan.parts.minima)
    engine = engine_start(Shape(n, m, (1, 1, 1), 4))
    buckets = np.arange(RUN_BUCKETS)
    wrong = np.where(buckets < RUN_BUCKETS // 2, _WHOLE // (buckets // 2 + 3), _WHOLE // 3)
    runs = (np.stack([wrong, _WHOLE - wrong], 1).reshape(-1) << 10).astype(np.uint32)
    weights = np.zeros((len(plan.selectors), plan.width), np.int32)
    weights[:, :n] = ONE // 7
    expects = (2 + plan.parts.runs) * n
    weights[:, 2 * n : expects] = ONE // 20
    weights[:, expects : expects + 2 * m] = ONE // 6
    final = np.full((mixing.FINALS, len(plan.selectors)), ONE // len(plan.selectors), np.int32)
    return Trained(engine.maps, np.tile(runs, (n, 1)), engine.expect_maps, weights, final)


def weight_sets(plan: Setup) -> tuple[int, ...]:
    """Weight sets of each selector."""
    return tuple(size * factor for size, factor in zip(plan.selectors, _FACTORS, strict=False))


def new_coder(plan: Setup, start: Trained, line_bits: int, stream: np.ndarray, *, decoding: bool) -> ts.Coder:
    """A coder at its start: an encoder writes `stream` (uint8, room for the output), a decoder reads it."""
    n, m, d, width = plan.parts.contexts, len(plan.parts.minima), plan.parts.slows, plan.width
    sets, slow_bits = weight_sets(plan), plan.slow_bits(line_bits)
    bases = np.concatenate([[0], np.cumsum(sets)[:-1]])
    sizes = (n, n * plan.parts.runs, d, m, len(sets), width, line_bits, slow_bits)
    numbers = np.array([*sizes, *_RATES, plan.parts.apms, _APM_RATE, int(decoding), *bases], np.int64)
    maps, run_maps, expect_maps = start.maps.copy(), start.run_maps.copy(), start.expect_maps.copy()
    maps[:, 0] = mx.UNSEEN
    run_maps[:, :2] = mx.UNSEEN
    expect_maps[:, :2] = mx.UNSEEN
    inputs = np.zeros(width, np.int32)
    inputs[plan.constant] = 256
    final = np.zeros((mixing.FINALS, 256, ts.MAX_SELECTS), np.int32)
    final[:, :, : len(sets)] = start.final[:, None]
    slow = aligned_zeros(mx.LINE << slow_bits).view(np.uint32)
    slow[:] = _HALF
    next_state, stretch, squash, reciprocal = mixing_tables()
    steps = squash[np.arange(mx.APM_STEPS) * mx.APM_STEP + HALF_RANGE - mx.APM_REACH]
    return ts.Coder(
        plan=numbers,
        registers=np.zeros(ts.MIXED + mixing.FINALS, np.int64),
        stream=stream,
        slots=aligned_zeros(mx.LINE << line_bits),
        where=np.zeros(n, np.uint64),
        records=np.zeros(n, np.uint64),
        runs=np.zeros(n * ts.RECORD_SIZE, np.uint64),
        slow=slow,
        slow_at=np.zeros(d, np.uint64),
        maps=maps.reshape(-1),
        run_maps=run_maps.reshape(-1),
        expect_maps=expect_maps.reshape(-1),
        used=np.zeros(2 * n + m, np.uint64),
        inputs=inputs,
        weights=np.repeat(start.weights, sets, axis=0).reshape(-1),
        final_weights=final.reshape(-1),
        outputs=np.zeros(ts.MAX_SELECTS, np.int64),
        offsets=np.zeros(ts.MAX_SELECTS, np.int64),
        apm=aligned_copy(np.tile(steps, plan.parts.apms * mixing.APM_ROWS)),
        apm_at=np.zeros(mixing.MAX_APMS, np.uint64),
        next_state=next_state,
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
    )


def new_model(plan: Setup, line_bits: int) -> tm.Model:
    """The model's own arrays, empty, to go with a coder of so many lines."""
    matches = np.zeros(4 * tm.MATCHES, np.int64)
    matches[tm.MINIMUM :: 4][: len(plan.parts.minima)] = plan.parts.minima
    return tm.Model(
        kinds=np.array(plan.kinds, np.int64),
        slow_kinds=np.array(plan.slow_kinds, np.int64),
        every=np.zeros(tm.KINDS, np.uint64),
        ctx=np.zeros(len(plan.kinds), np.uint64),
        slow=np.zeros(len(plan.slow_kinds), np.uint64),
        expect=np.zeros(2 * tm.MATCHES, np.int64),
        select=np.zeros(ts.MAX_SELECTS + mixing.MAX_APMS, np.int64),
        memory=np.zeros(tm.MEMORY, np.uint64),
        matches=matches,
        heads=np.zeros(tm.MATCHES << plan.head_bits(line_bits), np.uint32),
        recent=np.zeros(tm.FOLLOWERS * tm.RECENT, np.uint32),
    )
