"""A block through the text model with a language model, behind its primer."""

import numpy as np

from lacodec.codecs.text.lm import kernel
from lacodec.codecs.text.lm.setup import OTHERS, WITH_LANGUAGE
from lacodec.codecs.text.start import primed
from lacodec.entropy.mixing import POSITION
from lacodec.io.progress import Report
from lacodec.models.text.language import Language, reader, scratch

_SLICE = 1 << 13  # bytes between two reports of progress


def run_with(
    language: Language, primer: int, data: np.ndarray, begin: int, stream: np.ndarray, on_work: Report, *, decoding: bool
) -> int:
    """Code data[begin:], in place when decoding, after the primer data[:begin]; returns the position in the stream.

    The primer is read without the language model, which says nothing of it.
    """
    coder, model = primed(WITH_LANGUAGE, primer, data.size - begin, stream, decoding=decoding)
    memory, room = reader(language.model), scratch(language.model)
    coder = coder._replace(language=memory.tree)
    others = coder.weights.reshape(-1, WITH_LANGUAGE.width)[:, : WITH_LANGUAGE.constant - 3]
    others[:] = others * OTHERS >> 4
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
