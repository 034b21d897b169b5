"""Context mixing for `bytes`, efforts 4 to 9: blocks in and out of the kernel.

block -> profile, stride -> engine (trained start values) + model -> primed with the primer (text) -> coded bytes
"""

from collections.abc import Callable

import numpy as np

from lacodec.codecs.bytes.filters import DELTAS, FILTERS, NONE, X86, apply_filter, looks_like_x86, undo_filter
from lacodec.codecs.bytes.mixed.profile import is_text, record_stride
from lacodec.codecs.bytes.mixed.run import HEAD, ignore, run
from lacodec.codecs.bytes.mixed.setup import Setup, setup
from lacodec.codecs.bytes.mixed.start import fresh, primed, primer_text
from lacodec.entropy.mixing import READ_AHEAD
from lacodec.errors import CorruptFile

_MAX_STRIDE = 1024
_TRIAL = 24_000  # bytes on which filters are compared
_LONG_TRIAL = 120_000  # the same for x86, whose calls are further apart
_LEAST_GAIN = 1  # per cent
_TRIAL_EFFORT = 4
_FILTERS_FROM = 7  # effort


def cm_encode(data: np.ndarray, effort: int, on_work: Callable[[int], None] = ignore) -> bytes:
    """Code uint8[n]; the result may be longer than the input, and is then useless.

    Effort 4 to 9. `on_work` is told how many bytes were coded since its last call. Memory: see `cm_memory`.
    """
    text = is_text(data)
    number = _choose_filter(data) if effort >= _FILTERS_FROM and not text else NONE
    block = apply_filter(data, number)
    stride = 1 if text else record_stride(block, _MAX_STRIDE)
    coded = np.zeros(max(data.size, 64), np.uint8)
    used = _run(setup(effort, text), block, coded, stride, on_work, decoding=False)
    return HEAD.pack(effort, text, number, stride) + bytes(coded[: min(used, coded.size)]) + bytes(max(0, used - coded.size))


def cm_decode(payload: bytes, size: int, on_work: Callable[[int], None] = ignore) -> np.ndarray:
    """uint8[size] from the result of `cm_encode`. Raises `CorruptFile` if the payload is invalid, or not of this size."""
    if len(payload) < HEAD.size:
        raise CorruptFile("a context-mixing payload is too short to hold its head")
    effort, text, number, stride = HEAD.unpack_from(payload)
    if not 4 <= effort <= 9 or text > 1 or number >= FILTERS or not 1 <= stride <= _MAX_STRIDE:
        raise CorruptFile(f"invalid context-mixing settings: effort {effort}, profile {text}, filter {number}, stride {stride}")
    coded = np.frombuffer(payload, np.uint8, offset=HEAD.size).copy()
    block = np.zeros(size, np.uint8)
    if _run(setup(effort, bool(text)), block, coded, stride, on_work, decoding=True) != coded.size + READ_AHEAD:
        raise CorruptFile("a context-mixing stream does not end with its content")
    return undo_filter(block, number)


def cm_memory(size: int, payload: bytes | None, effort: int) -> int:
    """Bytes that coding `size` bytes at an effort, or decoding a payload of theirs, needs at most."""
    if payload is not None:
        effort = payload[0] if payload and 4 <= payload[0] <= 9 else 4  # others are refused before anything is allocated
    return 5 * size + max(setup(effort, text).memory(size) for text in (True, False))


def _choose_filter(data: np.ndarray) -> int:
    """The filter that suits a binary block, by trial on a sample from its middle."""
    if looks_like_x86(data):
        return _best_filter(data, _LONG_TRIAL, (NONE, X86))
    return _best_filter(data, _TRIAL, (NONE, *DELTAS))


def _best_filter(data: np.ndarray, size: int, numbers: tuple[int, ...]) -> int:
    begin = max(0, data.size - size) // 4 * 2  # even, so that 16-bit samples stay whole
    sample = data[begin : begin + size]
    sizes = {number: len(cm_encode(apply_filter(sample, number), _TRIAL_EFFORT)) for number in numbers}
    best = min(sizes, key=lambda number: (sizes[number], number))
    return best if sizes[best] * 100 < sizes[NONE] * (100 - _LEAST_GAIN) else NONE


def _run(plan: Setup, data: np.ndarray, coded: np.ndarray, stride: int, on_work: Callable[[int], None], *, decoding: bool) -> int:
    """Code `data` (in place when decoding) with a new or primed model; returns the position in the stream.

    The model, which may take hundreds of MiB, ends here: an error's traceback must not keep it.
    """
    begin, whole = 0, data
    if plan.primed:
        engine, model = primed(plan, data.size, coded, decoding=decoding)
        begin, whole = primer_text().size, np.concatenate([primer_text(), data])
    else:
        engine, model = fresh(plan, data.size, coded, decoding=decoding)
    position = run(engine, model, whole, begin, stride, on_work)
    if begin:
        data[:] = whole[begin:]
    return position
