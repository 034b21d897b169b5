"""One binary decision: predicted by counters of all contexts and by the match, mixed, coded, learned."""

import numpy as np

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.state import NODES, WIDTH, State
from lacodec.codecs.columns.mixed.whole import S64, U
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS, STRETCH_LIMIT, code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import dot_product, prefetch, train_weights
from lacodec.kernels.jit import inlined

_ONE = U(1)
_EVEN = np.uint32(1 << 31)  # a counter that has seen nothing
_SURE = 3  # count at which a counter speaks with its full voice
_GAIN_RATE = 9


@inlined
def find_lines(s: State, path: int, short: int) -> None:
    """Point every context at its line for the coming bits.

    path: a hash of the bits so far; short: the same where most of them are forgotten.
    """
    shift = U(64 - s.plan[st.LINE_BITS])
    contexts = U(s.plan[st.CONTEXTS])
    for i in range(contexts):
        pathless = s.kinds[i * U(st.PARTS) + U(3)] == st.PATHLESS
        h = (s.hashes[i] + (short if pathless else path)) * GOLDEN
        s.where[i] = h
        prefetch(s.lines, (h >> shift) * U(NODES))
    known = S64(0)
    for i in range(contexts):
        h = s.where[i]
        line = (h >> shift) * U(NODES)
        check = np.uint32(h & U(0xFFFFFFFF)) | np.uint32(1)  # 0 is a line never used
        if s.lines[line] == check:
            known += 1
        else:
            s.lines[line] = check
            for b in range(_ONE, U(NODES)):
                s.lines[line + b] = _EVEN
        s.where[i] = line
    s.features[st.KNOWN] = known + 16 * min(s.features[st.LENGTH], 3)


@inlined
def decide(s: State, group: int, node: int, depth: int, told: int, place: int, bit: int) -> int:
    """Code a decision, learn from it, return it. told: 0 or 1 + the bit that the match expects.
    place: of the balance of its group, or 0."""
    plan = s.plan
    contexts = U(plan[st.CONTEXTS])
    for i in range(contexts):
        slot = s.lines[s.where[i] + node]
        x = S64(s.stretch[slot >> np.uint32(20)])
        count = S64(slot & np.uint32(1023))
        s.inputs[i] = np.int32(x) if count >= _SURE else np.int32((x * count) >> 2)
    matched = U(0)
    s.inputs[U(WIDTH - 2)] = 0
    if told:
        matched = U(s.registers[st.MATCH_LENGTH] * 2 + told - 1)
        s.inputs[U(WIDTH - 2)] = np.int32(s.stretch[s.match_map[matched] >> np.uint32(20)])
    p_mix, mixed = _mix(s, group, node, depth)
    p = p_mix
    at = U(0)
    near = U(0)
    if plan[st.REFINE]:
        position = U(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
        step = position // U(APM_STEP)
        right = S64(position - step * U(APM_STEP))
        row = min(group, U(3)) * U(NODES) + node + U(s.features[U(plan[st.REFINE])] & (st.CLASSES - 1)) * U(4 * NODES)
        at = row * U(APM_STEPS) + step
        told_p = S64(s.apm[at]) * (APM_STEP - right) + S64(s.apm[at + _ONE]) * right
        p = (p_mix + S64(U(told_p) // U(APM_STEP)) + 1) >> 1
        near = _ONE if right >= APM_STEP // 2 else U(0)
    p = min(max(p, 1), 65535)
    bit = code_decision(s.registers, s.stream, p, bit, plan[st.DECODING])

    y = S64(bit)
    _train(s, group, node, y, (y << 16) - p_mix)
    if plan[st.REFINE]:
        target = (y << 16) - y + (((1 - (y << 1)) << 6) >> 1)
        s.apm[at + near] += np.uint16((target - S64(s.apm[at + near])) >> 6)
    _count(s, contexts, node, y)
    if place:
        judge(s, place, (y << 16) - p)
    if told:
        s.match_map[matched] = learned(s.match_map[matched], (y << 22) - y, np.uint32(1022), s.reciprocal)
    return bit


@inlined
def _mix(s: State, group: int, node: int, depth: int) -> tuple[int, int]:
    """Every chosen set of weights makes a prediction; the final weights mix those: (16-bit probability, its stretch)."""
    s.inputs[U(WIDTH - 1)] = 256
    place = S64(group * U(NODES) + node)
    s.offsets[U(0)] = place * WIDTH
    first = st.GROUPS * NODES
    s.offsets[U(1)] = (first + (s.features[U(s.plan[st.SELECT_1])] & (st.CLASSES - 1)) * st.DEPTHS + S64(depth)) * WIDTH
    first += st.CLASSES * st.DEPTHS
    s.offsets[U(2)] = (first + (s.features[U(s.plan[st.SELECT_2])] & (st.CLASSES - 1)) * st.DEPTHS + S64(depth)) * WIDTH
    total = S64(0)
    for k in range(U(s.plan[st.SETS])):
        dot = dot_product(s.inputs, s.weights, s.offsets[k], WIDTH) >> 6
        dot = min(max(dot, -STRETCH_LIMIT), STRETCH_LIMIT)
        s.outputs[k] = dot
        total += dot * S64(s.final_weights[U(place) * U(4) + k])
    mixed = min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    return S64(s.squash[U(mixed + 3072)]), mixed


@inlined
def _train(s: State, group: int, node: int, y: int, final_error: int) -> None:
    """Move all weights used down the gradient of the coding cost."""
    scaled = final_error * s.plan[st.FINAL_RATE]
    place = (group * U(NODES) + node) * U(4)
    for k in range(U(s.plan[st.SETS])):
        output = s.outputs[k]
        error = (y << 16) - S64(s.squash[U(output + 3072)])
        train_weights(s.inputs, s.weights, s.offsets[k], WIDTH, (error * s.registers[st.RATE]) >> 8)
        w = S64(s.final_weights[place + k]) + ((output * scaled + (1 << 19)) >> 20)
        s.final_weights[place + k] = np.int32(min(max(w, -(1 << 20)), 1 << 20))


@inlined
def _count(s: State, contexts: int, node: int, y: int) -> None:
    """Move the counter of each context by one over its count."""
    target = (y << 22) - y
    limit = np.uint32(s.plan[st.MAP_LIMIT])
    for i in range(contexts):
        at = s.where[i] + node
        s.lines[at] = learned(s.lines[at], target, limit, s.reciprocal)


@inlined
def judge(s: State, place: int, p_error: int) -> None:
    """Let the balance of a group of bits know how far a probability was from its bit: what modelling saves against plain bits."""
    saved = 4096 - ((p_error * p_error) >> 18)
    s.gains[place] += ((saved << 8) - s.gains[place]) >> _GAIN_RATE
