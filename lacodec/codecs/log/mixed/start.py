"""Where a block's model starts: trained values, and the primer of codec `bytes`, which it has already read."""

import io
from functools import cache
from importlib.resources import files
from threading import Lock

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.start import MINIMA, copied, primer_text, trained_part
from lacodec.codecs.log.mixed.contexts import EXPECTS, KINDS
from lacodec.codecs.log.mixed.kernel import code_lines
from lacodec.codecs.log.mixed.memory import LINE_MEMORY, PLACE, RECENT_TABLES, TEXT, TOKENS_KEPT, Model
from lacodec.codecs.log.mixed.setup import APM_RATE, KEPT_LINE_BITS, Setup, place_bits
from lacodec.entropy.mixing import DECODING, LINE_BITS, MAX_SELECTS, Engine
from lacodec.entropy.mixing_state import Trained, new_engine
from lacodec.errors import MissingModel

_kept: dict[tuple[Setup, int], tuple[Engine, Model]] = {}
_lock = Lock()


def primed(plan: Setup, size: int, stream: np.ndarray, *, decoding: bool) -> tuple[Engine, Model]:
    """Engine and model for a block of `size` bytes that has read the primer, which then has to stand before the block's bytes."""
    bits = plan.shape(size).line_bits
    if bits > KEPT_LINE_BITS:
        engine, model = _read_primer(plan, size)
    else:
        with _lock:
            if (plan, bits) not in _kept:
                _kept.clear()  # one is enough: a process seldom changes its effort
                _kept[plan, bits] = _read_primer(plan, size)
            kept_engine, kept_model = _kept[plan, bits]
            engine, model = copied(kept_engine), copied(kept_model)
    engine.plan[DECODING] = decoding
    return engine._replace(stream=stream), model


@cache
def trained(plan: Setup) -> Trained | None:
    """Start values for this setup, or None for a setup that was never trained."""
    try:
        data = (files(__package__) / "trained.npz").read_bytes()
    except FileNotFoundError as error:
        raise MissingModel(f"trained.npz is missing from {__package__}; reinstall lacodec") from error
    with np.load(io.BytesIO(data)) as stored:
        return trained_part(stored, f"{plan.effort}_")


def fresh(plan: Setup, size: int, stream: np.ndarray, start: Trained | None) -> tuple[Engine, Model]:
    """An encoder's engine and model for a block of `size` bytes at start values."""
    engine = new_engine(plan.shape(size), stream, decoding=False, trained=start, apm_rate=APM_RATE)
    matches = np.zeros(4 * mk.MATCHES, np.int64)
    matches[mk.MINIMUM :: 4] = MINIMA
    bits = int(engine.plan[LINE_BITS])
    model = Model(
        kinds=np.array(plan.kinds, np.int64),
        every=np.zeros(KINDS, np.uint64),
        ctx=np.zeros(len(plan.kinds), np.uint64),
        expect=np.zeros(2 * mk.MATCHES, np.int64),
        select=np.zeros(MAX_SELECTS + 2, np.int64),
        memory=np.zeros(LINE_MEMORY, np.uint64),
        matches=matches,
        heads=np.zeros(mk.MATCHES << plan.head_bits(bits), np.uint32),
        recent=np.zeros(3 * mk.RECENT, np.uint32),
        told=np.zeros(2 * EXPECTS, np.int64),
        places=np.zeros(PLACE << place_bits(bits), np.uint64),
        last=np.zeros(RECENT_TABLES << bits, np.uint32),
        templates=np.zeros(1 << place_bits(bits), np.uint64),
        sources=np.zeros(1 << place_bits(bits), np.uint64),
        line=np.zeros(4 * TOKENS_KEPT, np.uint64),
        text=np.zeros(2 * TEXT, np.uint8),
    )
    return engine, model


def _read_primer(plan: Setup, size: int) -> tuple[Engine, Model]:
    primer = primer_text().copy()
    engine, model = fresh(plan, size, np.zeros(primer.size, np.uint8), trained(plan))
    code_lines(engine, model, primer, 0, primer.size, True, True)
    engine.registers[:] = 0
    return engine, model
