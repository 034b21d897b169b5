"""The loop of the line model: parsed lines, and the byte model's memory and matches -> expected bytes, contexts -> engine."""

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.log.mixed.contexts import fill_contexts, fill_expected, fill_selectors
from lacodec.codecs.log.mixed.memory import BLOCK, Model
from lacodec.codecs.log.mixed.parser import forget_line, parse
from lacodec.entropy.mixing import (
    DECODING,
    MAP_LIMIT,
    MIX_RATE,
    POSITION,
    READ_AHEAD,
    Engine,
    code_symbol,
    finish,
    prefetch_slots,
    start,
)
from lacodec.kernels.jit import flat_kernel, inlined

_LEAST_RATE, _MORE_RATE = 70, 380
_HALF_LIFE = 16  # log2 of the bytes after which half of the additional rate is gone
_EARLY, _EARLY_LIMIT, _LATE_LIMIT = 1 << 19, 255, 1022

_ONE = np.uint64(1)


@flat_kernel
def code_lines(engine: Engine, model: Model, data: np.ndarray, begin: int, end: int, first: bool, last: bool) -> bool:
    """Code `data[begin:end]`, read when encoding and filled when decoding; what stands before `begin` is known to both sides.

    A block may be coded in slices: `first` starts the coder, `last` flushes it. Returns False, having stopped, when the coder
    left its stream: an encoder that would not shrink, or a decoder of a forged stream.
    """
    if first:
        start(engine)
        mk.forget(model, begin)
        forget_line(model, begin)
    decoding = engine.plan[DECODING]
    limit = engine.stream.size + READ_AHEAD
    matches = np.uint64(mk.MATCHES)
    for at in range(np.uint64(begin), np.uint64(end)):
        mk.prefetch_heads(model, matches)
        _set_rates(engine, at - model.memory[BLOCK])
        mk.follow_matches(model, data, at, matches)
        fill_expected(model, data, at)
        fill_contexts(model, data, at)
        mk.fill_contexts(model, data, at, _ONE)
        fill_selectors(model)
        prefetch_slots(engine, model.ctx, _ONE, 0)
        symbol = np.int64(0) if decoding else np.int64(data[at])
        symbol = code_symbol(engine, model.ctx, model.told, model.select, symbol)
        data[at] = np.uint8(symbol)
        mk.remember(model, data, at, np.uint64(symbol), matches)
        parse(model, data, at, np.uint64(symbol))
        if engine.registers[POSITION] > limit:
            return False
    if last and not decoding:
        finish(engine)
    return True


@inlined
def _set_rates(engine: Engine, coded: np.uint64) -> None:
    """What is learned early weighs less later: weights and maps move fast at first."""
    if coded & np.uint64(1023) == 0:
        engine.plan[MIX_RATE] = _LEAST_RATE + (_MORE_RATE << _HALF_LIFE) // ((1 << _HALF_LIFE) + np.int64(coded))
        engine.plan[MAP_LIMIT] = _EARLY_LIMIT if coded < _EARLY else _LATE_LIMIT
