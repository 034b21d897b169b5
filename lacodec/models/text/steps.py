"""One step of a frozen language model: a piece and a state in, the next state and masses of all pieces out; integers only.

stream[width], 256ths --norm--> sixteenths, 8 bits --matrix--> sums, 32 bits --scale, bias--> 8 bits, or added to the stream
"""

from typing import NamedTuple

import numpy as np

from lacodec.kernels.byte_vector import COLUMNS, ROWS, SCALE_BITS, multiply_rows
from lacodec.kernels.jit import inlined
from lacodec.models.text.frozen import LOGIT_UNIT, TAP_BITS, TAPS, TOP, Frozen

PIECES, WIDTH, RECURRENCE, HIDDEN, BLOCKS = range(5)
STREAM_TOP = (1 << 23) - 1
MASS_TOP = 1 << 24
"""Mass of the likeliest piece; the least one has 1."""
_NEAR = TAPS - 1
_SUM_TOP, _LOGIT_TOP = 1 << 30, 1 << 28
_HALF = 1 << (SCALE_BITS - 1)
_U = np.uint64


class Scratch(NamedTuple):
    """Arrays of one step's values."""

    stream: np.ndarray  # int32[width]
    inputs: np.ndarray  # int16[largest inputs, whole groups of columns]
    sums: np.ndarray  # int32[largest outputs, whole groups]
    logits: np.ndarray  # int32[pieces by their bytes, whole groups]


def state_size(width: int, recurrence: int, blocks: int) -> int:
    """int32 values of a memory: of each block TAPS - 1 norms, newest first, then h in 2^-16."""
    return blocks * (_NEAR * width + recurrence)


@inlined
def advance(model: Frozen, scratch: Scratch, piece: np.int64, before: np.ndarray, after: np.ndarray) -> None:
    """Read a piece: int32[state] `before` -> `after`, which may be the same; scratch.stream has what `masses` needs."""
    width, r, hidden = model.sizes[WIDTH], model.sizes[RECURRENCE], model.sizes[HIDDEN]
    stream, inputs, sums = scratch.stream, scratch.inputs, scratch.sums
    scale = np.int64(model.embedding_scale[_U(piece)])
    for c in range(_U(width)):
        stream[c] = _held((np.int64(model.embedding[_U(piece), c]) * scale + _HALF) >> SCALE_BITS, STREAM_TOP)
    at_weights, at_rows, at_state = np.int64(0), np.int64(0), np.int64(0)
    for block in range(_U(model.sizes[BLOCKS])):
        _norm(stream, inputs, width)
        _taps(model.taps, block, inputs, before, after, at_state, width)
        at_state += _NEAR * width
        _matrix(model, inputs, sums, 3 * r, width, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(3 * r, ROWS) * _whole(width, COLUMNS), at_rows + _whole(3 * r, ROWS)
        _recurrence(model, sums, inputs, before, after, at_state, r)
        at_state += r
        _matrix(model, inputs, sums, width, r, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(width, ROWS) * _whole(r, COLUMNS), at_rows + _whole(width, ROWS)
        _add(stream, sums, width)
        _norm(stream, inputs, width)
        _matrix(model, inputs, sums, 2 * hidden, width, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(2 * hidden, ROWS) * _whole(width, COLUMNS), at_rows + _whole(2 * hidden, ROWS)
        _gated(model, sums, inputs, hidden)
        _matrix(model, inputs, sums, width, hidden, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(width, ROWS) * _whole(hidden, COLUMNS), at_rows + _whole(width, ROWS)
        _add(stream, sums, width)


@inlined
def masses(model: Frozen, scratch: Scratch, cumulative: np.ndarray) -> None:
    """From `advance`'s stream: cumulative[i] = mass of the first i pieces, by their bytes; uint64[pieces + 1]."""
    width, pieces = model.sizes[WIDTH], model.sizes[PIECES]
    logits = scratch.logits
    _norm(scratch.stream, scratch.inputs, width)
    columns = _whole(width, COLUMNS)
    for group in range(_U(_whole(pieces, ROWS) // ROWS)):
        at = np.int64(group) * ROWS
        multiply_rows(
            model.head,
            at * columns,
            scratch.inputs,
            columns,
            model.head_scale,
            model.head_bias,
            at,
            logits,
            at,
            _LOGIT_TOP,
        )
    top = np.int32(-_LOGIT_TOP)
    for i in range(_U(pieces)):
        top = max(top, logits[i])
    total = _U(0)
    for i in range(_U(pieces)):
        cumulative[i] = total
        below = _U(top - logits[i])
        shift = min(below // _U(LOGIT_UNIT), _U(31))
        total += _U(1) + (_U(model.power[below & _U(LOGIT_UNIT - 1)]) >> shift)
    cumulative[_U(pieces)] = total


@inlined
def _whole(size: np.int64, unit: int) -> np.int64:
    return (size + (unit - 1)) // unit * unit


@inlined
def _held(value: np.int64, top: int) -> np.int32:
    return np.int32(min(max(value, np.int64(-top)), np.int64(top)))


@inlined
def _norm(stream: np.ndarray, out: np.ndarray, width: np.int64) -> None:
    total = np.int64(0)
    for c in range(_U(width)):
        total += np.int64(stream[c]) * np.int64(stream[c])
    # sixteenths; 1e-5 is 0.65536 in squares of 256ths. IEEE division and root are the same everywhere.
    factor = np.int64(np.float64(16 << SCALE_BITS) / np.sqrt(np.float64(total) / np.float64(width) + 0.65536))
    for c in range(_U(width)):
        out[c] = _held((np.int64(stream[c]) * factor + _HALF) >> SCALE_BITS, TOP)


@inlined
def _taps(taps: np.ndarray, block: np.uint64, inputs: np.ndarray, before: np.ndarray, after: np.ndarray, at: np.int64,
          width: np.int64) -> None:  # fmt: skip
    """inputs: the norm, replaced by its sum with those before; the state takes the norm in."""
    for c in range(_U(width)):
        newest, older = _U(at) + c, _U(at + width) + c
        now, last, last2 = inputs[c], before[newest], before[older]
        total = np.int64(taps[block, _U(0), c]) * now + np.int64(taps[block, _U(1), c]) * last
        total += np.int64(taps[block, _U(2), c]) * last2
        inputs[c] = _held((total + (1 << (TAP_BITS - 1))) >> TAP_BITS, TOP)
        after[newest], after[older] = now, last


@inlined
def _matrix(model: Frozen, inputs: np.ndarray, sums: np.ndarray, rows: np.int64, columns: np.int64, at_weights: np.int64,
            at_rows: np.int64) -> None:  # fmt: skip
    """sums[rows]: the products, scaled, with biases; 8 bits are not enough for them yet."""
    whole = _whole(columns, COLUMNS)
    for group in range(_U(_whole(rows, ROWS) // ROWS)):
        at = np.int64(group) * ROWS
        multiply_rows(
            model.weights,
            at_weights + at * whole,
            inputs,
            whole,
            model.scales,
            model.biases,
            at_rows + at,
            sums,
            at,
            _SUM_TOP,
        )


@inlined
def _recurrence(model: Frozen, sums: np.ndarray, out: np.ndarray, before: np.ndarray, after: np.ndarray, at: np.int64,
                r: np.int64) -> None:  # fmt: skip
    for c in range(_U(r)):
        value = np.int64(_held(np.int64(sums[c]), TOP))
        gate = _U(_held(np.int64(sums[_U(r) + c]), TOP) + TOP)
        output = _U(_held(np.int64(sums[_U(2 * r) + c]), TOP) + TOP)
        place = _U(at) + c
        h = (np.int64(model.keep[gate]) * before[place] + np.int64(model.take[gate]) * (value << 12) + 32768) >> 16
        after[place] = _held(h, 1 << 30)
        out[c] = _held((np.int64(after[place]) * model.silu[output] + _HALF) >> SCALE_BITS, TOP)


@inlined
def _gated(model: Frozen, sums: np.ndarray, out: np.ndarray, hidden: np.int64) -> None:
    for c in range(_U(hidden)):
        value = np.int64(_held(np.int64(sums[c]), TOP))
        gate = _U(_held(np.int64(sums[_U(hidden) + c]), TOP) + TOP)
        out[c] = _held((value * model.silu[gate] + 2048) >> 12, TOP)


@inlined
def _add(stream: np.ndarray, sums: np.ndarray, width: np.int64) -> None:
    for c in range(_U(width)):
        stream[c] = _held(np.int64(stream[c]) + sums[c], STREAM_TOP)
