"""The payload of a chunk: the range coder's bytes, of the numbers of its items."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.features._header import Form
from lacodec.codecs.features._kernel import GOOD, MOST, code_items
from lacodec.codecs.features._options import LARGEST, LEAST, Options
from lacodec.codecs.features._state import new_state
from lacodec.entropy.mixing import HIGH, POSITION, READ_AHEAD
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.features.value import MOST_CHANNELS, Features

_FLUSHED = 2  # bytes that settle the last decision

Numbers = NDArray[np.int32]
"""[items, channels, rows, columns]."""


def form_for(value: Features, options: Options) -> Form:
    """What is written of these features; raises BadInput if the steps do not suit them."""
    shape, dtype = value.values.shape, value.values.dtype.str
    form = Form(shape, dtype, options.layout, b"")
    if form.channels > MOST_CHANNELS:
        raise BadInput(f"features have {form.channels} channels; 1 to {MOST_CHANNELS} are supported; is the layout right?")
    if options.step is not None:
        steps = [options.step]
    elif options.each is not None:
        steps = list(options.each)
        if len(steps) != form.channels:
            raise BadInput(f"{len(steps)} steps were given for {form.channels} channels")
    else:
        assert options.relative is not None
        steps = [float(step) for step in _relative(_by_channel(value.values, form), options.relative)]
    return Form(shape, dtype, options.layout, np.array(steps, "<f4").tobytes())


def numbers_of(values: np.ndarray, form: Form) -> Numbers:
    """Whole steps of some items; raises BadInput for NaN, infinity, and steps that are too small."""
    apart = _by_channel(values, form).astype(np.float64) / form.steps[:, None, None]
    if not np.isfinite(apart).all():
        raise BadInput("features hold NaN or infinity; without steps, codec 'arrays' keeps them as they are")
    found = np.rint(apart)
    if np.abs(found).max(initial=0) > MOST:
        raise BadInput(f"a feature is more than {MOST} steps from 0; use larger steps")
    return found.astype(np.int32)


def values_of(numbers: Numbers, form: Form) -> np.ndarray:
    """The features, in the shape of an array with an axis for items: single-precision products, the same everywhere."""
    kind = np.dtype(form.dtype)
    with np.errstate(over="ignore"):
        products = numbers.astype(np.float32) * form.steps.astype(np.float32)[:, None, None]
    most = np.float32(np.finfo(kind).max)
    return np.ascontiguousarray(_as_stored(np.clip(products, -most, most).astype(kind), form))


def encode_numbers(numbers: Numbers) -> bytes:
    """The payload."""
    _, channels, height, width = numbers.shape
    values = np.ascontiguousarray(numbers.transpose(0, 2, 3, 1))
    room = 8 * numbers.size + 64
    while True:
        state = new_state(channels, np.zeros(room, np.uint8), False)
        code_items(state, 0, values, np.zeros((height, width, channels), np.int32))
        size = int(state.registers[POSITION])
        if size <= room:
            return state.stream[:size].tobytes() + (int(state.registers[HIGH]) >> 16).to_bytes(_FLUSHED, "big")
        room = size


def decode_numbers(payload: bytes, shape: tuple[int, int, int, int]) -> Numbers:
    """The inverse of `encode_numbers`; raises CorruptFile."""
    items, channels, height, width = shape
    state = new_state(channels, np.frombuffer(payload, np.uint8).copy(), True)
    values = np.zeros((items, height, width, channels), np.int32)
    if code_items(state, 1, values, np.zeros((height, width, channels), np.int32)) != GOOD:
        raise CorruptFile("its stream ends early, or has numbers that no encoder writes")
    if int(state.registers[POSITION]) != len(payload) + READ_AHEAD - 1:
        raise CorruptFile("its stream does not end with its last number")
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _by_channel(values: np.ndarray, form: Form) -> np.ndarray:
    """[items, channels, rows, columns] of an array with or without an axis for items."""
    items = values.reshape(-1, *form.item)
    return items if form.layout == "CHW" else items.transpose(0, 3, 1, 2)


def _as_stored(values: np.ndarray, form: Form) -> np.ndarray:
    return values if form.layout == "CHW" else values.transpose(0, 2, 3, 1)


def _relative(values: np.ndarray, part: float) -> NDArray[np.float64]:
    """Steps by the standard deviations of channels; of a constant channel by its size, of zeros 1."""
    wide = values.astype(np.float64).transpose(1, 0, 2, 3).reshape(values.shape[1], -1)
    if not wide.shape[1]:
        return np.ones(len(wide))
    if not np.isfinite(wide).all():
        raise BadInput("features hold NaN or infinity; without steps, codec 'arrays' keeps them as they are")
    spread = wide.std(axis=1)
    usual = np.where(spread > 0, spread, np.abs(wide).max(axis=1))
    return np.clip(np.where(usual > 0, part * usual, 1.0), LEAST, LARGEST)
