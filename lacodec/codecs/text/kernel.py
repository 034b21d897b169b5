"""The loop of the text model: what it remembers -> expected bytes, contexts, selectors -> bit coder -> memory.

The structure follows M. Mahoney's PAQ8 (orders, words, sparse and indirect contexts, matches, runs); folded
characters, and what the contexts hash, are lacodec's own.
"""

import numpy as np

from lacodec.codecs.text.coder import absorb_symbol, code_symbol
from lacodec.codecs.text.contexts import fill_contexts, fill_selectors
from lacodec.codecs.text.match import follow_matches, learn_matches, prefetch_heads
from lacodec.codecs.text.memory import remember
from lacodec.codecs.text.model import LINE, LINE_BEFORE, MATCHES, MEMORY, MINIMUM, Model
from lacodec.codecs.text.slots import DECODING, EXPECTS, SELECTS, Coder, prefetch_slots
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION, READ_AHEAD, finish
from lacodec.kernels.jit import flat_kernel, inlined

_FIRST = 4  # bytes
_ONE = np.uint64(1)


@flat_kernel
def code_bytes(coder: Coder, model: Model, data: np.ndarray, begin: int, end: int, first: bool, last: bool) -> bool:
    """Code `data[begin:end]`, read when encoding and filled when decoding; what stands before `begin` is known to both sides.

    A block may be coded in slices: `first` starts the coder, `last` flushes it. Returns False, having stopped, when the coder
    left its stream: an encoder that would not shrink, or a decoder of a forged stream.
    """
    if first:
        start(coder)
        forget(model, begin)
    decoding = coder.plan[DECODING]
    limit = coder.stream.size + READ_AHEAD
    selectors, expects = np.uint64(coder.plan[SELECTS]), np.uint64(coder.plan[EXPECTS])
    for at in range(np.uint64(begin), np.uint64(end)):
        look(coder, model, data, at, expects)
        fill_selectors(model, at, selectors)
        symbol = np.int64(0) if decoding else np.int64(data[at])
        symbol = code_symbol(coder, model.ctx, model.slow, model.expect, model.select, symbol)
        data[at] = np.uint8(symbol)
        learn_matches(model, np.uint64(symbol), expects)
        remember(model, data, at, np.uint64(symbol))
        if coder.registers[POSITION] > limit:
            return False
    if last and not decoding:
        finish(coder)
    return True


@flat_kernel
def absorb_bytes(coder: Coder, model: Model, data: np.ndarray, end: int) -> None:
    """Learn `data[:end]` as context only, at a fraction of the time of coding: no map, weight or APM moves."""
    forget(model, 0)
    expects = np.uint64(coder.plan[EXPECTS])
    for at in range(np.uint64(end)):
        look(coder, model, data, at, expects)
        absorb_symbol(coder, model.ctx, model.slow, np.int64(data[at]))
        learn_matches(model, np.uint64(data[at]), expects)
        remember(model, data, at, np.uint64(data[at]))


@inlined
def start(coder: Coder) -> None:
    """Set the range coder's registers; a decoder reads its first four bytes."""
    registers = coder.registers
    registers[LOW] = 0
    registers[HIGH] = 0xFFFFFFFF
    registers[POSITION] = 0
    registers[CODE] = 0
    if coder.plan[DECODING]:
        for at in range(_FIRST):
            byte = np.int64(coder.stream[at]) if at < coder.stream.size else 0
            registers[CODE] = (registers[CODE] << 8) | byte
        registers[POSITION] = _FIRST


@inlined
def look(coder: Coder, model: Model, data: np.ndarray, at: np.uint64, expects: np.uint64) -> None:
    """What is expected at `at`, and the contexts of the byte there."""
    prefetch_heads(model, expects)
    follow_matches(model, data, at, expects)
    fill_contexts(model, data, at)
    prefetch_slots(coder, model.ctx, model.slow, _ONE, 0)


@inlined
def forget(model: Model, begin: int) -> None:
    """Start lines, words and matches anew; tables stay, so that a model may be primed."""
    for i in range(MEMORY):
        model.memory[i] = 0
    model.memory[LINE] = np.uint64(begin)
    model.memory[LINE_BEFORE] = np.uint64(begin)
    for m in range(MATCHES):
        for i in range(MINIMUM):
            model.matches[4 * m + i] = 0
