"""What coding a short block changed in a primed model, put back, at a cost that follows the block and not the model.

The loop of `kernel.code_bytes` runs once more over the bytes, which finds the same places, and copies them from a model that was
kept; small pools are copied whole. All of a model is 24 MiB or more, so that short items could not each have a copy.
"""

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.kernel import HISTORY, MATCHES, MINIMUM, RECENT, Model, head_hash, pair_hash
from lacodec.entropy.mixing import APM_ROWS, CONTEXTS, EXPECTS, LINE_BITS, SELECTS, Engine
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import flat_kernel, inlined

_ODD = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
_WORDS = np.uint64(8)
"""Of a line of slots, and of a row of an APM: 64 bytes."""


def undo(engine: Engine, model: Model, kept: tuple[Engine, Model], data: np.ndarray, begin: int, stride: int) -> None:
    """Make engine and model what `kept` is, if data[begin:] has been coded since then, or a part of it from its beginning on."""
    before, known = kept
    wide = (pool.view(np.uint64) for pool in (engine.slots, before.slots, engine.apm, before.apm))
    _put_back(engine, model, *wide, known.heads, known.recent, data, begin, stride)
    for name in ("maps", "expect_maps", "weights", "final_weights"):
        getattr(engine, name)[:] = getattr(before, name)


@flat_kernel
def _put_back(
    engine: Engine,
    model: Model,
    slots: np.ndarray,
    old_slots: np.ndarray,
    apm: np.ndarray,
    old_apm: np.ndarray,
    old_heads: np.ndarray,
    old_recent: np.ndarray,
    data: np.ndarray,
    begin: int,
    stride: int,
) -> None:
    plan = engine.plan
    selectors, expects, contexts = np.uint64(plan[SELECTS]), np.uint64(plan[EXPECTS]), np.uint64(plan[CONTEXTS])
    shift = np.uint64(64 - plan[LINE_BITS])
    _put_back_followers(model, old_heads, old_recent, data, begin, expects)  # contexts depend on them
    mk.forget(model, begin)
    for at in range(np.uint64(begin), np.uint64(data.size)):
        mk.fill_contexts(model, data, at, np.uint64(stride))
        mk.follow_matches(model, data, at, expects)
        mk.fill_matched(model, selectors)
        c = np.uint64(data[at])
        near = (c >> np.uint64(5)) + _ONE  # the second nibble's line depends on three bits
        for i in range(contexts):
            first = model.ctx[i] >> shift
            _copy(slots, old_slots, first * _WORDS)
            _copy(slots, old_slots, (first ^ near) * _WORDS)
        history = model.memory[HISTORY]
        partial = _ONE
        row = np.uint64(0)
        for k in range(np.uint64(8)):
            if k & np.uint64(3) == 0:
                salt = np.uint64(0) if k == 0 else partial * GOLDEN
                hashed = ((history & np.uint64(0xFFFFFF)) + salt) * _ODD
                row = np.uint64(APM_ROWS) + (hashed >> np.uint64(52)) * np.uint64(16)
            depth = k & np.uint64(3)
            node = (partial & ((_ONE << depth) - _ONE)) | (_ONE << depth)
            _copy(apm, old_apm, (((history & np.uint64(255)) << np.uint64(8)) | partial) * _WORDS)
            _copy(apm, old_apm, (row + node) * _WORDS)
            partial = partial * np.uint64(2) + ((c >> (np.uint64(7) - k)) & _ONE)
        mk.remember(model, data, at, c, expects)
    _put_back_followers(model, old_heads, old_recent, data, begin, expects)


@inlined
def _put_back_followers(
    model: Model, old_heads: np.ndarray, old_recent: np.ndarray, data: np.ndarray, begin: int, expects: np.uint64
) -> None:
    """Where the newest bytes were last seen, and what followed them."""
    heads, recent = model.heads, model.recent
    places = np.uint64(heads.size // MATCHES)
    history = np.uint64(0)
    for at in range(np.uint64(begin), np.uint64(data.size)):
        for m in range(expects):
            if at >= np.uint64(model.matches[m * np.uint64(4) + np.uint64(MINIMUM)]):
                place = m * places + (head_hash(model, history, m) & (places - _ONE))
                heads[place] = old_heads[place]
        one = history & np.uint64(0xFF)
        two = np.uint64(RECENT) + (history & np.uint64(0xFFFF))
        three = np.uint64(2 * RECENT) + (pair_hash(history & np.uint64(0xFFFFFF), 3) >> np.uint64(48))
        recent[one] = old_recent[one]
        recent[two] = old_recent[two]
        recent[three] = old_recent[three]
        history = (history << np.uint64(8)) | np.uint64(data[at])


@inlined
def _copy(pool: np.ndarray, old: np.ndarray, begin: np.uint64) -> None:
    """A cache line."""
    for i in range(_WORDS):
        pool[begin + i] = old[begin + i]
