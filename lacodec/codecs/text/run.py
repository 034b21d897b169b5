"""A block through the kernel, slice by slice, with a coder and a model that are ready."""

import numpy as np

from lacodec.codecs.text import kernel as tk
from lacodec.codecs.text.model import Model
from lacodec.codecs.text.slots import Coder
from lacodec.entropy.mixing import POSITION
from lacodec.io.progress import Report, ignore

_SLICE = 1 << 16  # bytes between two reports of progress


def run(coder: Coder, model: Model, data: np.ndarray, begin: int, on_work: Report = ignore) -> int:
    """Code data[begin:] (in place when decoding), after the bytes that the model has read; returns the position in the stream."""
    at = begin
    while True:
        stop = min(at + _SLICE, data.size)
        if not tk.code_bytes(coder, model, data, at, stop, at == begin, stop == data.size):
            break
        on_work(stop - at)
        at = stop
        if at == data.size:
            break
    return int(coder.registers[POSITION])
