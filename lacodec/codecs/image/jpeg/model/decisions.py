"""A binary decision: counters under several contexts, mixed by chosen sets of weights, refined by two maps; coded, learned."""

from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.state import HALF, MAX_SETS, NODES, State
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS, STRETCH_LIMIT, code_decision
from lacodec.kernels.int_vector import dot_product, prefetch, train_weights
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64


@inlined
def decide(s: State, contexts: np.ndarray, select: np.ndarray, node: int, bit: int) -> int:
    """Code a bit under `contexts` (where their slots start) and return it; `select`: weight sets, map rows, final row."""
    width, count = s.plan[st.MIX_WIDTH], s.plan[st.CONTEXTS]
    for i in range(U(count)):
        slot = s.slots[U(contexts[i]) + U(node)] ^ HALF
        told = S64(s.stretch[slot >> np.uint32(20)])
        s.inputs[i] = np.int32((told * S64(s.confidence[slot & np.uint32(1023)])) >> 8)
    p_mix, mixed = _mix(s, select, node, width)

    position = U(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
    step = position // U(APM_STEP)
    right = S64(position - step * U(APM_STEP))
    at1 = (U(select[MAX_SETS]) * U(NODES) + U(node)) * U(APM_STEPS) + step
    at2 = (U(select[MAX_SETS + 1]) * U(NODES) + U(node)) * U(APM_STEPS) + step
    apm = s.apm
    p1 = S64(apm[at1]) * (APM_STEP - right) + S64(apm[at1 + U(1)]) * right
    p2 = S64(apm[at2]) * (APM_STEP - right) + S64(apm[at2 + U(1)]) * right
    p16 = min(max((2 * p_mix + S64(U(p1 + p2) // U(APM_STEP)) + 2) >> 2, 1), 65535)
    bit = code_decision(s.registers, s.stream, p16, U(bit), s.plan[st.DECODING])

    y = S64(bit)
    _train(s, select, node, width, y, (y << 16) - p_mix)
    rate = s.plan[st.APM_RATE]
    target = (y << 16) - y + (((1 - (y << 1)) << rate) >> 1)
    near = U(1) if right >= APM_STEP // 2 else U(0)
    apm[at1 + near] += np.uint16((target - S64(apm[at1 + near])) >> rate)
    apm[at2 + near] += np.uint16((target - S64(apm[at2 + near])) >> rate)
    _learn(s, contexts, count, node, y)
    return y


@inlined
def fetch_slots(s: State, contexts: np.ndarray) -> None:
    """Load the slots of contexts that will be needed into the caches."""
    for i in range(U(s.plan[st.CONTEXTS])):
        prefetch(s.slots, U(contexts[i]))


@inlined
def _mix(s: State, select: np.ndarray, node: int, width: int) -> tuple[int, int]:
    """Every chosen set of weights makes a prediction; the final weights mix those: (16-bit probability, its stretch)."""
    total = S64(0)
    final = (U(select[MAX_SETS + 2]) * U(NODES) + U(node)) * U(MAX_SETS)
    for k in range(U(s.plan[st.SETS])):
        s.offsets[k] = (select[k] * NODES + S64(node)) * width
        dot = dot_product(s.inputs, s.weights, s.offsets[k], width) >> 6
        dot = min(max(dot, -STRETCH_LIMIT), STRETCH_LIMIT)
        s.outputs[k] = dot
        total += dot * S64(s.final_weights[final + k])
    mixed = min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    return S64(s.squash[U(mixed + 3072)]), mixed


@inlined
def _train(s: State, select: np.ndarray, node: int, width: int, y: int, final_error: int) -> None:
    """Move all weights used down the gradient of the coding cost."""
    scaled = final_error * s.plan[st.FINAL_RATE]
    final = (U(select[MAX_SETS + 2]) * U(NODES) + U(node)) * U(MAX_SETS)
    for k in range(U(s.plan[st.SETS])):
        output = s.outputs[k]
        error = (y << 16) - S64(s.squash[U(output + 3072)])
        train_weights(s.inputs, s.weights, s.offsets[k], width, (error * s.plan[st.MIX_RATE]) >> 8)
        w = S64(s.final_weights[final + k]) + ((output * scaled + (1 << 19)) >> 20)
        s.final_weights[final + k] = np.int32(min(max(w, -(1 << 20)), 1 << 20))


@inlined
def _learn(s: State, contexts: np.ndarray, count: int, node: int, y: int) -> None:
    """Move the probability of each context's slot by one over its count."""
    target = (y << 22) - y
    limit = np.uint32(s.plan[st.MAP_LIMIT])
    for i in range(U(count)):
        at = U(contexts[i]) + U(node)
        slot = s.slots[at] ^ HALF
        seen = slot & np.uint32(1023)
        p = S64(slot >> np.uint32(10))
        p += ((target - p) * S64(s.reciprocal[seen])) >> 16
        s.slots[at] = ((np.uint32(p) << np.uint32(10)) | (seen + np.uint32(seen < limit))) ^ HALF


@inlined
def decide_simply(s: State, at: int, bit: int) -> int:
    """Code a bit by one counter of `tails`."""
    p = S64(s.tails[U(at)])
    y = S64(code_decision(s.registers, s.stream, min(max(p, 64), 65472), U(bit), s.plan[st.DECODING]))
    s.tails[U(at)] = np.uint16(p + ((((y << 16) - y) - p) >> 5))
    return y
