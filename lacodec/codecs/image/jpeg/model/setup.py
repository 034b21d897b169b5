"""Sizes and start values of the coefficient model."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.classes import ALL_MAPS, ALL_SETS
from lacodec.codecs.image.jpeg.model.start import Start, start_values
from lacodec.entropy import mixing as mx
from lacodec.entropy.mixing_state import ONE, aligned_copy, aligned_zeros
from lacodec.entropy.mixing_tables import HALF_RANGE, mixing_tables

# Natural places in zigzag order.
ZIGZAG = np.array(sorted(range(64), key=lambda k: (k % 8 + k // 8, k if (k % 8 + k // 8) % 2 else -k)))
_CLASSES = 3
_COUNT_LINES = [768, 6144, 768, 3072, 768, 6144, 6144, 6144, 6144, 12288, 12288, 768]
_VALUE_LINES = [4096, 4096, 4096, 16384, 4096, 49152, 4096, 4096, 4096, 4096, 16384, 4096]
_SIGN_LINES = [2048, 4096, 1728, 512, 1728, 576, 2048, 2048, 1536, 1296, 2048, 6144]
MAP_ROWS = ALL_MAPS * st.NODES


@dataclass(frozen=True)
class Setup:
    """What an effort mixes: which contexts of each kind, under how many sets of weights."""

    contexts: tuple[int, ...]
    sets: int
    mix_rate: int = 300
    final_rate: int = 6
    apm_rate: int = 6
    signed_rate: int = 3
    map_limit: int = 255


_ALL = tuple(range(st.MAX_CONTEXTS))
SETUPS = {
    3: Setup((0, 5), 1),
    4: Setup((0, 2, 11), 1),
    5: Setup((0, 2, 5, 11), 1),
    6: Setup((0, 2, 4, 5, 9, 11), 1),
    7: Setup((0, 2, 4, 5, 6, 8, 9, 11), 1),
    8: Setup(_ALL, 1),
    9: Setup(_ALL, 3),
}


@cache
def _class_table() -> np.ndarray:
    """0..7 for 0..7, then four to an octave."""
    n = np.arange(8192)
    octave = np.maximum(np.frexp(n)[1] - 3, 0)
    return (4 * octave + (n >> octave)).astype(np.uint8)


def coding_order() -> np.ndarray:
    """Natural places: inside (7x7) in zigzag order, first row, first column, DC."""
    inside = [k for k in ZIGZAG if k % 8 and k // 8]
    return np.array([*inside, *range(1, 8), *range(8, 64, 8), 0], np.int64)


class _Layout(NamedTuple):
    """Where the slots of the contexts that are mixed lie. moved: where they would with all contexts, where they do, how many."""

    bases: np.ndarray
    slots: int
    moved: tuple[tuple[int, int, int], ...]


@cache
def _layout(contexts: tuple[int, ...]) -> _Layout:
    bases, total, full, moved = np.zeros((3, st.MAX_CONTEXTS, 2), np.int64), 0, 0, []
    for kind, lines in enumerate((_COUNT_LINES, _VALUE_LINES, _SIGN_LINES)):
        for i in range(st.MAX_CONTEXTS):
            size = lines[i] * _CLASSES * st.NODES
            if i in contexts:
                bases[kind, i] = total, lines[i]
                moved.append((full, total, size))
                total += size
            full += size
    return _Layout(bases.reshape(-1), total, tuple(moved))


class _Begun(NamedTuple):
    """Start values in the layout of an effort."""

    places: np.ndarray
    counters: np.ndarray
    weights: np.ndarray


@cache
def _begun(setup: Setup) -> _Begun:
    return _begun_from(setup, start_values())


def _begun_from(setup: Setup, start: Start) -> _Begun:
    mixed, count = list(setup.contexts), len(setup.contexts)
    weights = np.zeros((ALL_SETS * st.NODES, _width(count)), np.int32)
    weights[:, :count] = ONE * 9 // (5 * count)
    weights[start.rows, :count] = start.weights[:, mixed]
    weights[start.rows, -1] = start.weights[:, -1]
    places, counters = [], []
    for full, at, size in _layout(setup.contexts).moved:
        some = slice(*np.searchsorted(start.places, [full, full + size]))
        places.append(start.places[some] - full + at)
        counters.append(start.counters[some] ^ st.HALF)
    return _Begun(np.concatenate(places), np.concatenate(counters), weights.reshape(-1))


def _width(count: int) -> int:
    """Inputs of the mixer: contexts and a constant, in whole vectors."""
    return -(-(count + 1) // 16) * 16


def new_state(setup: Setup, stream: np.ndarray, *, decoding: bool, start: Start | None = None) -> st.State:
    """A state at the start of a frame; `for_component` adds a component."""
    plan = np.zeros(st.PLAN, np.int64)
    mixed = list(setup.contexts)
    count = len(mixed)
    plan[st.DECODING], plan[st.CONTEXTS], plan[st.SETS] = decoding, count, setup.sets
    width = plan[st.MIX_WIDTH] = _width(count)
    places = np.full(st.MAX_CONTEXTS, -1, np.int64)
    places[mixed] = np.arange(count)
    plan[st.MIX_RATE], plan[st.FINAL_RATE], plan[st.APM_RATE] = setup.mix_rate, setup.final_rate, setup.apm_rate
    plan[st.SIGNED_RATE] = setup.signed_rate
    plan[st.MAP_LIMIT] = setup.map_limit
    layout = _layout(setup.contexts)
    begun = _begun(setup) if start is None else _begun_from(setup, start)
    inputs = np.zeros(width, np.int32)
    inputs[width - 1] = 256
    final = np.zeros((1024 * st.NODES, st.MAX_SETS), np.int32)
    final[:, : setup.sets] = ONE // setup.sets
    _, stretch, squash, reciprocal = mixing_tables()
    steps = squash[np.arange(mx.APM_STEPS) * mx.APM_STEP + HALF_RANGE - mx.APM_REACH]
    found = start or start_values()
    slots = aligned_zeros(layout.slots * 4).view(np.uint32)
    slots[begun.places] = begun.counters
    seen = np.arange(1024)
    none = np.zeros((1, 1, 64), np.int16)
    return st.State(
        plan=plan,
        registers=np.zeros(6, np.int64),
        stream=stream,
        coefficients=none,
        first=none,
        other=none,
        first_quant=np.zeros(64, np.int64),
        other_quant=np.zeros(64, np.int64),
        quant=np.zeros(64, np.int64),
        inverse=np.zeros(64, np.int64),
        order=coding_order(),
        zigzag=np.argsort(ZIGZAG).astype(np.int64),
        records=np.zeros(64, np.int16),
        counts=np.zeros((2, 2, 4), np.int64),
        luma=np.zeros(64, np.int64),
        beside=np.zeros(64, np.int64),
        sums=np.zeros(2, np.int64),
        starts=np.zeros(16, np.int64),
        signed_weights=found.signed.copy(),
        size_weights=found.sizes.copy(),
        class_of=_class_table(),
        bases=layout.bases,
        places=places,
        contexts=np.zeros(st.MAX_CONTEXTS, np.int64),
        sign_contexts=np.zeros(st.MAX_CONTEXTS, np.int64),
        slots=slots,
        tails=np.full(64 * 32 * 16, 1 << 15, np.uint16),
        inputs=inputs,
        weights=begun.weights.copy(),
        final_weights=final.reshape(-1),
        offsets=np.zeros(st.MAX_SETS, np.int64),
        outputs=np.zeros(st.MAX_SETS, np.int64),
        select=np.zeros(st.MAX_SETS + 3, np.int64),
        sign_select=np.zeros(st.MAX_SETS + 3, np.int64),
        apm=aligned_copy(np.tile(steps, MAP_ROWS)),
        stretch=stretch,
        squash=squash,
        reciprocal=reciprocal,
        confidence=((seen * 2 + 1) * 256 // (seen * 2 + 4)).astype(np.int32),
    )


def for_component(
    state: st.State, arrays: list[np.ndarray], quants: list[np.ndarray], index: int, ratio: tuple[int, int]
) -> st.State:
    """The state with component `index` of `arrays` (zigzag order) at its start; ratio: luma blocks to one of it, down, across."""
    rows, columns = arrays[index].shape[:2]
    kind = 0 if index > 2 else index
    state.plan[[st.ROWS, st.COLUMNS, st.CLASS]] = rows, columns, kind
    state.plan[[st.LUMA_DOWN, st.LUMA_ACROSS]] = ratio
    state.plan[st.LUMA_SHIFT] = (ratio[0] * ratio[1] - 1).bit_length()
    natural = [np.maximum(q.astype(np.int64), 1)[np.argsort(ZIGZAG)] for q in quants]
    return state._replace(
        coefficients=arrays[index],
        first=_some(arrays[0]),
        other=_some(arrays[max(index - 1, 0)]),
        first_quant=natural[0],
        other_quant=natural[max(index - 1, 0)],
        quant=natural[index],
        inverse=(1 << 24) // natural[index],
        records=np.zeros(2 * (columns + 2) * st.RECORD + 64, np.int16),
        counts=np.zeros((2, columns + 2, 4), np.int64),
        luma=np.zeros(64, np.int64),
        beside=np.zeros(64, np.int64),
    )


def _some(array: np.ndarray) -> np.ndarray:
    """The array, or a block of zeros if it has none."""
    return array if array.size else np.zeros((1, 1, 64), np.int16)
