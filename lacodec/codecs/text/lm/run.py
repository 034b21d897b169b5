"""A block through the text model with a language model, behind its primer."""

import numpy as np

from lacodec.codecs.text.lm import kernel
from lacodec.codecs.text.lm.start import joined
from lacodec.entropy.mixing import POSITION
from lacodec.entropy.mixing_state import ONE
from lacodec.io.progress import Report
from lacodec.models.text.language import Language, reader, scratch

_WEIGHTS = (ONE // 3, ONE // 6, 0)  # at the start, of what the model says
_OTHERS = 12  # sixteenths that are left of other inputs' weights
_SLICE = 1 << 13  # bytes between two reports of progress


def run_with(
    language: Language, primer: int, data: np.ndarray, begin: int, stream: np.ndarray, on_work: Report, *, decoding: bool
) -> int:
    """Code data[begin:], in place when decoding, after the primer data[:begin]; returns the position in the stream."""
    coder, model = joined(primer, data.size - begin, stream, _WEIGHTS, _OTHERS, decoding=decoding)
    memory, room = reader(language.model), scratch(language.model)
    coder = coder._replace(language=memory.tree)
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
