"""One step of a frozen language model: a piece and a state in, the next state and masses of all pieces out; integers only.

stream[width], 256ths --norm--> sixteenths, 8 bits --matrix--> sums, 32 bits --scale, bias--> 8 bits, or added to the stream
"""

from typing import NamedTuple

import numpy as np

from lacodec.kernels.byte_vector import ROWS, multiply_group
from lacodec.kernels.jit import inlined
from lacodec.models.text.frozen import LOGIT_UNIT, SCALE_BITS, TAP_BITS, TAPS, TOP, Frozen

PIECES, WIDTH, RECURRENCE, HIDDEN, BLOCKS = range(5)
STREAM_TOP = (1 << 23) - 1
MASS_TOP = 1 << 24
"""Mass of the likeliest piece; the least one has 1."""
_NEAR = TAPS - 1
_BIAS_SHIFT = SCALE_BITS - 8
_HALF = 1 << (SCALE_BITS - 1)
_U = np.uint64


class Scratch(NamedTuple):
    """Arrays of one step's values."""

    stream: np.ndarray  # int32[width]
    inputs: np.ndarray  # int32[largest inputs]
    sums: np.ndarray  # int32[largest outputs, whole groups]
    logits: np.ndarray  # int32[pieces, whole groups]


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
        at_weights, at_rows = at_weights + _whole(3 * r) * width, at_rows + _whole(3 * r)
        _recurrence(model, sums, inputs, before, after, at_state, r)
        at_state += r
        _matrix(model, inputs, sums, width, r, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(width) * r, at_rows + _whole(width)
        _add(stream, sums, width)
        _norm(stream, inputs, width)
        _matrix(model, inputs, sums, 2 * hidden, width, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(2 * hidden) * width, at_rows + _whole(2 * hidden)
        _gated(model, sums, inputs, hidden)
        _matrix(model, inputs, sums, width, hidden, at_weights, at_rows)
        at_weights, at_rows = at_weights + _whole(width) * hidden, at_rows + _whole(width)
        _add(stream, sums, width)


@inlined
def masses(model: Frozen, scratch: Scratch, order: np.ndarray, cumulative: np.ndarray) -> None:
    """From `advance`'s stream: cumulative[i] = mass of the first i pieces in `order` (int32[pieces]); uint64[pieces + 1]."""
    width, pieces = model.sizes[WIDTH], model.sizes[PIECES]
    _norm(scratch.stream, scratch.inputs, width)
    logits = scratch.logits
    top = np.int32(-(1 << 30))
    for group in range(_U(_whole(pieces) // ROWS)):
        at = np.int64(group) * ROWS
        multiply_group(model.head, at * width, scratch.inputs, width, logits, at)
        for i in range(_U(at), _U(min(at + ROWS, pieces))):
            value = ((np.int64(logits[i]) * model.head_scale[i] + _HALF) >> SCALE_BITS) + model.head_bias[i]
            logits[i] = _held(value, 1 << 28)
            top = max(top, logits[i])
    total = _U(0)
    for i in range(_U(pieces)):
        cumulative[i] = total
        below = _U(top - logits[_U(order[i])])
        shift = min(below // _U(LOGIT_UNIT), _U(31))
        total += _U(1) + (_U(model.power[below & _U(LOGIT_UNIT - 1)]) >> shift)
    cumulative[_U(pieces)] = total


@inlined
def _whole(rows: np.int64) -> np.int64:
    return (rows + (ROWS - 1)) // ROWS * ROWS


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
    for group in range(_U(_whole(rows) // ROWS)):
        at = np.int64(group) * ROWS
        multiply_group(model.weights, at_weights + at * columns, inputs, columns, sums, at)
        for i in range(_U(at), _U(at + ROWS)):
            row = _U(at_rows) + i
            total = np.int64(sums[i]) * np.int64(model.scales[row]) + (model.biases[row] << _BIAS_SHIFT)
            sums[i] = _held((total + _HALF) >> SCALE_BITS, 1 << 30)


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
