"""A block through the kernel, slice by slice, with an engine and a model that are ready; and the head of a payload."""

import struct

import numpy as np

from lacodec.codecs.bytes.mixed import kernel as mk
from lacodec.codecs.bytes.mixed.narrow import both_inputs, code_narrow, is_narrow
from lacodec.entropy.mixing import POSITION, Engine
from lacodec.io.progress import Report, ignore

HEAD = struct.Struct("<BBBH")
"""Effort, 1 for text, filter, record stride."""

_SLICE = 1 << 18  # bytes between two reports of progress


def run(engine: Engine, model: mk.Model, data: np.ndarray, begin: int, stride: int, on_work: Report = ignore) -> int:
    """Code data[begin:] (in place when decoding), after the bytes that the model has read; returns the position in the stream."""
    at = begin
    while True:
        stop = min(at + _SLICE, data.size)
        if not _code(engine, model, data, at, stop, stride, at == begin, stop == data.size):
            break
        on_work(stop - at)
        at = stop
        if at == data.size:
            break
    return int(engine.registers[POSITION])


def _code(engine: Engine, model: mk.Model, data: np.ndarray, begin: int, end: int, stride: int, first: bool, last: bool) -> bool:
    """`kernel.code_bytes`, by the quicker kernel where that fits."""
    if not is_narrow(engine, model):
        return bool(mk.code_bytes(engine, model, data, begin, end, stride, first, last))
    narrow = engine._replace(outputs=engine.outputs.view(np.int32))
    return bool(code_narrow(narrow, model, both_inputs(), data, begin, end, stride, first, last))
