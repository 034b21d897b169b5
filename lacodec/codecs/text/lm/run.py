"""A block through the text model with a language model, behind its primer."""

from dataclasses import replace
from functools import cache

import numpy as np

from lacodec.codecs.text.kernel import absorb_bytes
from lacodec.codecs.text.lm import kernel
from lacodec.codecs.text.lm.setup import WITH_LANGUAGE
from lacodec.codecs.text.setup import setup
from lacodec.codecs.text.start import trained
from lacodec.codecs.text.slots import DECODING
from lacodec.codecs.text.state import Trained, new_coder, new_model
from lacodec.entropy.mixing import POSITION
from lacodec.entropy.mixing_state import ONE
from lacodec.io.progress import Report
from lacodec.models.text.language import Language, reader, scratch

CODED_END = 4096
"""Bytes at a primer's end that are coded, so that weights and APMs settle; a language model would be slow to read more."""
_OWN_WEIGHTS = (ONE // 3, ONE // 6, 0)
_OTHERS = 12  # sixteenths of the other inputs' weights
_SLICE = 1 << 13  # bytes between two reports of progress


def run_with(language: Language, begin: int, data: np.ndarray, stream: np.ndarray, on_work: Report, *, decoding: bool) -> int:
    """Code data[begin:], in place when decoding, after the primer data[:begin]; returns the position in the stream."""
    plan = WITH_LANGUAGE
    bits = plan.line_bits(data.size)
    memory, room = reader(language.model), scratch(language.model)
    coder = new_coder(plan, start_values(), bits, np.zeros(CODED_END + 64, np.uint8), decoding=False)._replace(
        language=memory.tree
    )
    model = new_model(plan, bits)
    at = max(0, begin - CODED_END)
    absorb_bytes(coder, model, data, at)
    if at < begin:
        kernel.code_bytes(coder, model, language, room, memory, data, at, begin, True, True)
    coder.plan[DECODING] = decoding
    coder = coder._replace(stream=stream)
    at = begin
    while True:
        stop = min(at + _SLICE, data.size)
        if not kernel.code_bytes(coder, model, language, room, memory, data, at, stop, at == begin, stop == data.size):
            break
        on_work(stop - at)
        at = stop
        if at == data.size:
            break
    return int(coder.registers[POSITION])


@cache
def start_values() -> Trained:
    """Those of effort 8; what the language model says comes in front of the last input, which is constant."""
    start, constant = trained(setup(8)), WITH_LANGUAGE.inputs - 1
    before = constant - len(_OWN_WEIGHTS)
    weights = np.zeros((len(start.weights), WITH_LANGUAGE.width), np.int32)
    weights[:, :before] = start.weights[:, :before] * _OTHERS // 16
    weights[:, before:constant] = _OWN_WEIGHTS
    weights[:, constant] = start.weights[:, before]
    return replace(start, weights=weights)
