"""Context mixing for `bytes`, efforts 4 to 9: blocks in and out of the kernel.

block -> profile, stride -> engine (trained start values) + model -> primed with the primer (text) -> coded bytes
"""

import struct

import numpy as np

from laconic.codecs.bytes import _model_kernel as mk
from laconic.codecs.bytes._model_profile import is_text, record_stride
from laconic.codecs.bytes._model_setup import Setup, setup
from laconic.codecs.bytes._model_start import fresh, primed, primer_text
from laconic.entropy.mixing import POSITION, Engine
from laconic.errors import CorruptFile

_HEAD = struct.Struct("<BBH")  # effort, 1 for text, record stride
_MAX_STRIDE = 1024
_READ_AHEAD = 2  # a decoder has read this much past the encoder's two last bytes


def cm_encode(data: np.ndarray, effort: int) -> bytes:
    """Code uint8[n]; the result may be longer than the input when that does not shrink, and is then of no use.

    Effort 4 to 9. Memory: see `_model_setup`.
    """
    text = is_text(data)
    stride = 1 if text else record_stride(data, _MAX_STRIDE)
    head = _HEAD.pack(effort, text, stride)
    coded = np.zeros(max(data.size, 64), np.uint8)
    engine = _run(setup(effort, text), data.copy(), coded, stride, decoding=False)
    used = int(engine.registers[POSITION])
    return head + bytes(coded[: min(used, coded.size)]) + bytes(max(0, used - coded.size))


def cm_decode(payload: bytes, size: int) -> np.ndarray:
    """uint8[size] from what `cm_encode` made. Raises `CorruptFile` when the payload is none, or not of this size."""
    if len(payload) < _HEAD.size:
        raise CorruptFile("a context-mixing payload is too short to hold its head")
    effort, text, stride = _HEAD.unpack_from(payload)
    if not 4 <= effort <= 9 or text > 1 or not 1 <= stride <= _MAX_STRIDE:
        raise CorruptFile(f"a context-mixing payload asks for effort {effort}, profile {text}, stride {stride}")
    coded = np.frombuffer(payload, np.uint8, offset=_HEAD.size).copy()
    data = np.zeros(size, np.uint8)
    engine = _run(setup(effort, bool(text)), data, coded, stride, decoding=True)
    if int(engine.registers[POSITION]) != coded.size + _READ_AHEAD:
        raise CorruptFile("a context-mixing stream ends elsewhere than its content")
    return data


def _run(plan: Setup, data: np.ndarray, coded: np.ndarray, stride: int, *, decoding: bool) -> Engine:
    """Code `data` (in place when decoding) with a new or primed model; returns the engine."""
    if not plan.primed:
        engine, model = fresh(plan, data.size, coded, decoding=decoding)
        mk.code_bytes(engine, model, data, 0, data.size, stride)
        return engine
    engine, model = primed(plan, data.size, coded, decoding=decoding)
    primer = primer_text()
    whole = np.concatenate([primer, data])
    mk.code_bytes(engine, model, whole, primer.size, whole.size, stride)
    data[:] = whole[primer.size :]
    return engine
