"""Where a block's model starts: trained values, and for text a model that has already read the primer."""

import io
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.run import HEAD, run
from lacodec.codecs.bytes.mixed.setup import KEPT_LINE_BITS, Setup, setup
from lacodec.entropy.mixing import DECODING, LINE_BITS, MAX_SELECTS, READ_AHEAD, Engine
from lacodec.entropy.mixing_state import Trained, aligned_copy, new_engine
from lacodec.errors import MissingModel

WEIGHT_UNIT = 16  # trained weights are stored in 12 fractional bits

MINIMA = (7, 5)
"""Bytes that must agree before a match model follows."""

_Part = TypeVar("_Part", bound=Any)
_kept: dict[tuple[Setup, int], tuple[Engine, mk.Model]] = {}
_lock = Lock()


def fresh(plan: Setup, size: int, stream: np.ndarray, *, decoding: bool) -> tuple[Engine, mk.Model]:
    """Engine and model for a block of `size` bytes at the trained start values."""
    engine = new_engine(plan.shape(size), stream, decoding=decoding, trained=trained(plan))
    return engine, new_model(plan, engine)


def primed(plan: Setup, size: int, stream: np.ndarray, *, decoding: bool) -> tuple[Engine, mk.Model]:
    """The same after reading the primer, which then has to stand before the block's own bytes."""
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
def primer_text() -> np.ndarray:
    """uint8[n]: the text that text models read before a block."""
    stored = _data("primer.bin")
    text = np.zeros(int.from_bytes(stored[:4], "little"), np.uint8)
    effort, as_text, _, stride = HEAD.unpack_from(stored, 4)  # of an effort that needs no primer itself
    coded = np.frombuffer(stored, np.uint8, offset=4 + HEAD.size).copy()
    engine, model = fresh(setup(effort, bool(as_text)), text.size, coded, decoding=True)
    if run(engine, model, text, 0, stride) != coded.size + READ_AHEAD:
        raise MissingModel(f"primer.bin in {__package__} belongs to another version; reinstall lacodec")
    text.flags.writeable = False
    return text


@cache
def trained(plan: Setup) -> Trained | None:
    """Start values for this setup, or None for a setup that was never trained."""
    with np.load(io.BytesIO(_data("trained.npz"))) as stored:
        return trained_part(stored, f"{plan.effort}{'t' if plan.text else 'b'}_")


def trained_part(stored: Any, name: str) -> Trained | None:
    """Those start values of a `trained.npz` whose names begin so; None if there are none."""
    if name + "maps" not in stored:
        return None
    return Trained(
        maps=(stored[name + "maps"].astype(np.uint32) << 16) | stored[name + "counts"],
        expect_maps=(stored[name + "expect_maps"].astype(np.uint32) << 16) | stored[name + "expect_counts"],
        weights=stored[name + "weights"].astype(np.int32) * WEIGHT_UNIT,
        final=stored[name + "final"].astype(np.int32),
    )


def _data(name: str) -> bytes:
    try:
        return (files(__package__) / name).read_bytes()
    except FileNotFoundError as error:
        raise MissingModel(f"{name} is missing from {__package__}; reinstall lacodec") from error


def _read_primer(plan: Setup, size: int) -> tuple[Engine, mk.Model]:
    primer = primer_text().copy()
    engine, model = fresh(plan, size, np.zeros(primer.size, np.uint8), decoding=False)
    run(engine, model, primer, 0, 1)
    engine.registers[:] = 0
    return engine, model


def new_model(plan: Setup, engine: Engine) -> mk.Model:
    """The model's own arrays, empty, to go with an engine of this setup."""
    matches = np.zeros(4 * mk.MATCHES, np.int64)
    matches[mk.MINIMUM :: 4] = MINIMA
    head_bits = plan.head_bits(int(engine.plan[LINE_BITS]))
    return mk.Model(
        kinds=np.array(plan.kinds, np.int64),
        every=np.zeros(mk.KINDS, np.uint64),
        ctx=np.zeros(len(plan.kinds), np.uint64),
        expect=np.zeros(2 * mk.MATCHES, np.int64),
        select=np.zeros(MAX_SELECTS + 2, np.int64),
        memory=np.zeros(mk.MEMORY, np.uint64),
        matches=matches,
        heads=np.zeros(mk.MATCHES << head_bits, np.uint32),
        recent=np.zeros(3 * mk.RECENT, np.uint32),
    )


def copied(part: _Part) -> _Part:
    """An engine or a model with a copy of all its pools; slots stay aligned to cache lines."""
    return part._replace(**{name: aligned_copy(pool) for name, pool in part._asdict().items() if pool.flags.writeable})
