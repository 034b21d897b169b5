"""The loop of the text model with a language model beside it."""

import numpy as np

from lacodec.codecs.text.coder import code_symbol
from lacodec.codecs.text.contexts import fill_selectors
from lacodec.codecs.text.kernel import forget, look, start
from lacodec.codecs.text.match import learn_matches
from lacodec.codecs.text.memory import remember
from lacodec.codecs.text.model import Model
from lacodec.codecs.text.slots import DECODING, EXPECTS, SELECTS, Coder
from lacodec.entropy.mixing import POSITION, READ_AHEAD, finish
from lacodec.kernels.jit import flat_kernel, inlined
from lacodec.models.text import predict
from lacodec.models.text.language import Language
from lacodec.models.text.predict import Reader
from lacodec.models.text.steps import Scratch


@flat_kernel
def code_bytes(coder: Coder, model: Model, words: Language, room: Scratch, memory: Reader, data: np.ndarray, begin: int,
               end: int, first: bool, last: bool) -> bool:  # fmt: skip
    """`text.kernel.code_bytes` with a language model, whose counts (`memory.tree`) are the coder's `language`.

    The language model knows nothing of what stands before the block.
    """
    if first:
        start(coder)
        forget(model, begin)
        predict.start(words.model, room, words.trie, memory)
    decoding = coder.plan[DECODING]
    limit = coder.stream.size + READ_AHEAD
    selectors, expects = np.uint64(coder.plan[SELECTS]), np.uint64(coder.plan[EXPECTS])
    for at in range(np.uint64(begin), np.uint64(end)):
        symbol = _code(coder, model, memory.tree, data, at, selectors, expects)
        predict.take(words.model, room, words.trie, words.merges, words.classes, memory, symbol)
        if coder.registers[POSITION] > limit:
            return False
    if last and not decoding:
        finish(coder)
    return True


@flat_kernel
def code_byte(coder: Coder, model: Model, data: np.ndarray, at: int, first: bool, last: bool) -> np.int64:
    """The same for one byte, where something else fills the counts of the next one, `coder.language`.

    Returns the byte, or -1 when the coder left its stream.
    """
    if first:
        start(coder)
        forget(model, at)
    selectors, expects = np.uint64(coder.plan[SELECTS]), np.uint64(coder.plan[EXPECTS])
    symbol = _code(coder, model, coder.language, data, np.uint64(at), selectors, expects)
    if coder.registers[POSITION] > coder.stream.size + READ_AHEAD:
        return np.int64(-1)
    if last and not coder.plan[DECODING]:
        finish(coder)
    return symbol


@inlined
def _code(coder: Coder, model: Model, tree: np.ndarray, data: np.ndarray, at: np.uint64, selectors: np.uint64,
          expects: np.uint64) -> np.int64:  # fmt: skip
    """Code a byte, with these counts of it, and let the text model learn it."""
    look(coder, model, data, at, expects)
    fill_selectors(model, at, selectors)
    model.select[selectors + np.uint64(3)] = _expected(tree)
    symbol = np.int64(0) if coder.plan[DECODING] else np.int64(data[at])
    symbol = code_symbol(coder, model.ctx, model.slow, model.expect, model.select, symbol)
    data[at] = np.uint8(symbol)
    learn_matches(model, np.uint64(symbol), expects)
    remember(model, data, at, np.uint64(symbol))
    return symbol


@inlined
def _expected(tree: np.ndarray) -> np.int64:
    """The likeliest byte, and how likely it is in sixteenths."""
    best = np.uint64(256)
    for i in range(np.uint64(257), np.uint64(512)):
        if tree[i] > tree[best]:
            best = np.uint64(i)
    return np.int64((best - np.uint64(256)) * np.uint64(16)) + (tree[best] * 15) // tree[1]
