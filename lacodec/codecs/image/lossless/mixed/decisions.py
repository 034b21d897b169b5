"""A pixel's value as binary decisions, each with a probability mixed from soft predictions and counted contexts.

    value >= the boundary nearest to the mean?  then away from it in steps (a power of two, doubling after a while),
    then halves of the last step.

A soft prediction is a Student distribution around a mean (4 or 8 degrees of freedom: their distribution functions need only a
square root). For a threshold it gives the split of the probability that is left.
"""

from typing import Any

import numpy as np

from lacodec.codecs.image.lossless.mixed import state as st
from lacodec.codecs.image.lossless.mixed.state import NODES, State
from lacodec.codecs.image.lossless.mixed.student import copy, distributions, split
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS, STRETCH_LIMIT, code_decision
from lacodec.kernels.int_vector import dot_product, train_weights
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_UP, _DOWN = U(1), U(15)  # first node of the steps in each direction
_STEPS = U(13)  # nodes of steps after the first
_DOUBLING = U(7)
_SURE = np.uint32(2)  # counts above which a context speaks with its full voice


@inlined
def code_value(s: State, mean: float, step_bits: int, value: int) -> int:
    """Code a value of 0..TOP close to `mean` (within 0..TOP) in steps of 2**step_bits; returns it."""
    top = s.plan[st.TOP]
    padded = s.means.size
    distributions(s.below, -0.5, s.means, s.slopes, padded)
    distributions(s.above, np.float64(top) + 0.5, s.means, s.slopes, padded)
    first = min(max(S64(mean) + 1, 1), top)
    low, high = S64(0), top
    step = S64(1) << step_bits
    q = U(0)
    if _decide(s, U(0), np.float64(first) - 0.5, U(value >= first)):
        low = first
        while low + step <= high:
            border = low + step
            if not _decide(s, _UP + q, np.float64(border) - 0.5, U(value >= border)):
                high = border - 1
                break
            low = border
            q = min(q + U(1), _STEPS)
            if q > _DOUBLING:
                step += step
    else:
        high = first - 1
        while high - step >= low:
            border = high - step
            if _decide(s, _DOWN + q, np.float64(border) + 0.5, U(value > border)):
                low = border + 1
                break
            high = border
            q = min(q + U(1), _STEPS)
            if q > _DOUBLING:
                step += step
    while low < high:
        middle = (low + high + 1) >> 1
        node = U(29) if high - low == 1 else U(30) if high - low < 4 else U(31)
        if _decide(s, node, np.float64(middle) - 0.5, U(value >= middle)):
            low = middle
        else:
            high = middle - 1
    return low


@inlined
def _decide(s: State, node: int, threshold: float, bit: int) -> int:
    """Code whether the value lies above `threshold`, learn from it, return it."""
    softs, contexts, width = U(s.plan[st.SOFTS]), U(s.plan[st.CONTEXTS]), s.plan[st.MIX_WIDTH]
    padded = s.means.size
    split(s.middle, s.chances, threshold, s.means, s.slopes, s.below, s.above, padded)
    for i in range(softs):
        s.inputs[i] = np.int32(s.fine_stretch[U(s.chances[i])])
    for i in range(contexts):
        slot = s.slots[s.contexts[i] + node]
        told = S64(s.stretch[slot >> np.uint32(20)])
        count = slot & np.uint32(1023)
        s.inputs[softs + i] = np.int32(told) if count > _SURE else np.int32((told * S64(count)) >> 2)
    p_mix, mixed = _mix(s, node, width)

    position = U(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
    step = position // U(APM_STEP)
    right = S64(position - step * U(APM_STEP))
    at1 = (U(s.select[st.MAX_SETS]) * U(NODES) + node) * U(APM_STEPS) + step
    at2 = (U(s.select[st.MAX_SETS + 1]) * U(NODES) + node) * U(APM_STEPS) + step
    apm = s.apm
    p1 = S64(apm[at1]) * (APM_STEP - right) + S64(apm[at1 + U(1)]) * right
    p2 = S64(apm[at2]) * (APM_STEP - right) + S64(apm[at2 + U(1)]) * right
    p16 = min(max((2 * p_mix + S64(U(p1 + p2) // U(APM_STEP)) + 2) >> 2, 1), 65535)
    bit = code_decision(s.registers, s.stream, p16, bit, s.plan[st.DECODING])

    y = S64(bit)
    _train(s, node, width, y, (y << 16) - p_mix)
    rate = s.plan[st.APM_RATE]
    target = (y << 16) - y + (((1 - (y << 1)) << rate) >> 1)
    near = U(1) if right >= APM_STEP // 2 else U(0)
    apm[at1 + near] += np.uint16((target - S64(apm[at1 + near])) >> rate)
    apm[at2 + near] += np.uint16((target - S64(apm[at2 + near])) >> rate)
    _count(s, contexts, node, y)
    if bit:
        copy(s.below, s.middle, padded)
    else:
        copy(s.above, s.middle, padded)
    return bit


@inlined
def _mix(s: State, node: int, width: int) -> tuple[int, int]:
    """Every chosen set of weights makes a prediction; the final weights mix those: (16-bit probability, its stretch)."""
    total = S64(0)
    for k in range(U(s.plan[st.SETS])):
        s.offsets[k] = (s.select[k] * NODES + S64(node)) * width
        dot = dot_product(s.inputs, s.weights, s.offsets[k], width) >> 6
        dot = min(max(dot, -STRETCH_LIMIT), STRETCH_LIMIT)
        s.outputs[k] = dot
        total += dot * S64(s.final_weights[node * U(8) + k])
    mixed = min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    return S64(s.squash[U(mixed + 3072)]), mixed


@inlined
def _train(s: State, node: int, width: int, y: int, final_error: int) -> None:
    """Move all weights used down the gradient of the coding cost."""
    scaled = final_error * s.plan[st.FINAL_RATE]
    for k in range(U(s.plan[st.SETS])):
        output = s.outputs[k]
        error = (y << 16) - S64(s.squash[U(output + 3072)])
        train_weights(s.inputs, s.weights, s.offsets[k], width, (error * s.plan[st.MIX_RATE]) >> 8)
        at = node * U(8) + k
        w = S64(s.final_weights[at]) + ((output * scaled + (1 << 19)) >> 20)
        s.final_weights[at] = np.int32(min(max(w, -(1 << 20)), 1 << 20))


@inlined
def _count(s: State, contexts: int, node: int, y: int) -> None:
    """Move the probability of each context's slot by one over its count."""
    target = (y << 22) - y
    limit = np.uint32(s.plan[st.MAP_LIMIT])
    for i in range(contexts):
        at = s.contexts[i] + node
        slot = s.slots[at]
        count = slot & np.uint32(1023)
        p = S64(slot >> np.uint32(10))
        p += ((target - p) * S64(s.reciprocal[count])) >> 16
        s.slots[at] = (np.uint32(p) << np.uint32(10)) | (count + np.uint32(count < limit))
