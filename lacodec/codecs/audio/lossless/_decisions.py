"""A sample as binary decisions relative to the prediction: at or above it? which bucket? where in the bucket?

    deviation --> level: counters, width of the buckets         predictions, deviations --> experts, a distribution each
    decision --> chance by two counters, by every expert --mixed--> range coder --> counters, mixer, experts learn

The thresholds of the context, the rates of the counters and the limits of chances were chosen by hand; the other numbers follow
from tables or types, as said beside them. All of them are part of stream version 1.
"""

from typing import Any

import numpy as np

from lacodec.codecs.audio.lossless import _state as st
from lacodec.codecs.audio.lossless._state import Model
from lacodec.entropy.mixing import code_decision
from lacodec.kernels.float_vector import add_scaled, dot
from lacodec.kernels.jit import flat_kernel, inlined

U: Any = np.uint64
S64: Any = np.int64
F64: Any = np.float64

_TOP_LEVEL = 40  # log2 of the deviation in sixteenths: more than any sample has
_LARGEST = 9e9  # above every deviation of samples below 2**33; times 16, it is a whole number in 64 bits
_LEAST = 0.05  # of a step, added to deviations, so that silence divides nothing by zero
_CHANGE = 1.5  # ratio of the quick and the slow deviation above which they differ much
_SURPRISES = (0.4, 1.0, 2.0)  # sizes of the partner's error, in deviations, that are told apart
_LEAST_CHANCE = 1e-7  # that an expert leaves to both sides when it thinks that nothing is left
_SURE = 0.9999  # the highest chance that has a place in the table of 4096
_UNIT = 0.00390625  # 1 / 256: `stretch` and `squash` count in 256ths of a unit of the logistic function
_REACH, _MIDDLE = 11.9, 3072  # of `squash`, in units; the place of 0 in it. It reaches to 12
_LEAST_P = 24  # of 65536, that a decision may have
_EVEN = 32768  # of 65536: a bit that nothing is known about
_QUICK, _STEADY = 4, 7  # counters move by 1 / 16 and 1 / 128 of the way
_MOST_BITS = 34  # of a bucket's width: more than a distance has
_MODELLED = 3  # bits of the place in a bucket that are not coded as they are
_SIGN = 0  # kinds of decisions, for the second row of weights: the sign; the buckets 0, 1, 2, others; the three bits in a bucket
_FIRST_BUCKET, _FIRST_BIT = U(1), U(5)
_DISTINCT = U(3)  # buckets from this one on share a kind, and their decisions about places


@inlined
def code_sample(m: Model, c: np.uint64, x: int) -> Any:
    """Code the sample x of channel c, relative to the final prediction; returns it."""
    plan = m.plan
    base = S64(np.floor(m.centers[0] + 0.5))
    deviation = m.deviations[c * U(st.MIX * st.RANGES) + U(1)]
    level, row = _level(m, c, deviation)
    context = _context(m, c)
    _start_experts(m, c, base)
    up = _decide(m, row, U(_SIGN), U(_SIGN), context, S64(0), U(x >= base))
    _take_side(m, up)
    width_bits = max(level - 4 - plan[st.BUCKET_SHIFT], 0)
    away = _code_distance(m, row, context, width_bits, x - base if x >= base else base - 1 - x)
    value = base + away if up else base - 1 - away
    value = min(max(value, plan[st.LOWEST]), plan[st.HIGHEST])
    m.last[c] = abs(F64(value) - m.centers[0]) / (deviation + _LEAST)
    return value


@inlined
def _level(m: Model, c: np.uint64, deviation: float) -> Any:
    """(log2 of the deviation in sixteenths, found from the last sample's by steps; first counter of that quarter octave)."""
    scaled = S64(clamp(deviation, 0.0, _LARGEST) * 16.0)
    level = m.levels[c]
    while level < _TOP_LEVEL and (scaled >> level) > 1:
        level += 1
    while level > 0 and (scaled >> level) == 0:
        level -= 1
    m.levels[c] = level
    quarter = (scaled << 2 >> level) & 3 if level >= 2 else 0
    return level, U(min(level * 4 + quarter, st.LEVELS - 1)) * U(st.DECISIONS * 2)


@inlined
def _context(m: Model, c: np.uint64) -> Any:
    """What selects weights: how the deviation changes, and how surprising the partner channel's newest sample was."""
    fast = m.deviations[c * U(st.MIX * st.RANGES)]
    slow = m.deviations[c * U(st.MIX * st.RANGES) + U(2)]
    context = U(0)
    if fast > slow:
        context = U(2) + U(fast > slow * _CHANGE)
    else:
        context = U(fast * _CHANGE > slow)
    if m.plan[st.CHANNELS] > 1:
        surprise = m.last[c ^ U(1) if (c ^ U(1)) < U(m.plan[st.CHANNELS]) else c - U(1)]
        context = context * U(4) + U(surprise > _SURPRISES[0]) + U(surprise > _SURPRISES[1]) + U(surprise > _SURPRISES[2])
    return context


@inlined
def _code_distance(m: Model, row: np.uint64, context: np.uint64, width_bits: int, wanted: int) -> Any:
    """Code how far the sample lies from the prediction, on its side; returns it."""
    low, bits, bucket = _code_bucket(m, row, context, width_bits, wanted)
    node = U(1)
    first = U(st.INSIDE) + min(bucket, _DISTINCT) * U(16)
    for k in range(U(min(bits, _MODELLED))):
        bits -= 1
        threshold = low + (S64(1) << bits)
        bit = _decide(m, row, first + node, _FIRST_BIT + k, context, threshold, U(wanted >= threshold))
        _take_part(m, bit)
        if bit:
            low = threshold
        node = node * U(2) + bit
    while bits > 0:
        bits -= 1
        bit = U((wanted - low) >> bits) & U(1)
        low += S64(code_decision(m.registers, m.stream, _EVEN, bit, m.plan[st.DECODING])) << bits
    return low


@inlined
def _code_bucket(m: Model, row: np.uint64, context: np.uint64, width_bits: int, wanted: int) -> Any:
    """Code the bucket; returns (where it starts, log2 of its width, its number)."""
    low, bucket = S64(0), U(0)
    while True:
        bits = S64(min(width_bits + (S64(bucket) - st.EQUAL_BUCKETS if bucket > st.EQUAL_BUCKETS else 0), _MOST_BITS))
        threshold = low + (S64(1) << bits)
        kind = _FIRST_BUCKET + min(bucket, _DISTINCT)
        bit = _decide(m, row, U(1) + bucket, kind, context, threshold, U(wanted >= threshold))
        _take_part(m, bit)
        if bit:
            low = threshold
        if not bit or bucket == U(st.BUCKETS - 1):
            return low, bits, bucket
        bucket += U(1)


@flat_kernel
def _decide(
    m: Model, row: np.uint64, decision: np.uint64, kind: np.uint64, context: np.uint64, threshold: int, bit: np.uint64
) -> Any:
    """Code whether the distance is at least `threshold`, learn from it, return it."""
    experts, mixed = U(m.plan[st.EXPERTS]), m.plan[st.MIXED]
    counter = row + decision * U(2)
    quick, steady = m.counters[counter], m.counters[counter + U(1)]
    p16 = (quick + steady) >> 1
    first = S64(decision * U(st.INPUTS))
    second = S64((U(st.DECISIONS) + kind * U(st.CONTEXTS) + context) * U(st.INPUTS))
    if experts:
        _ask_experts(m, experts, threshold)
        m.inputs[experts] = F64(m.stretch[U(quick >> 4)]) * _UNIT
        m.inputs[experts + U(1)] = F64(m.stretch[U(steady >> 4)]) * _UNIT
        total = dot(m.inputs, 0, m.mixers, first, mixed) + dot(m.inputs, 0, m.mixers, second, mixed)
        p16 = S64(m.squash[U(S64(clamp(total, -_REACH, _REACH) * 256.0) + _MIDDLE)])
    p16 = min(max(p16, _LEAST_P), 65536 - _LEAST_P)
    bit = code_decision(m.registers, m.stream, p16, bit, m.plan[st.DECODING])

    target = S64(bit) * 65535
    m.counters[counter] = quick + ((target - quick) >> _QUICK)
    m.counters[counter + U(1)] = steady + ((target - steady) >> _STEADY)
    if experts:
        error = (F64(bit) - F64(p16) * (1.0 / 65536.0)) * m.rates[st.LEARN]
        add_scaled(m.mixers, first, m.inputs, 0, mixed, error)
        add_scaled(m.mixers, second, m.inputs, 0, mixed, error)
    return bit


@inlined
def _start_experts(m: Model, c: np.uint64, base: int) -> None:
    """Set every expert's distribution around its prediction; all distances are possible."""
    for e in range(U(m.plan[st.EXPERTS])):
        spot, state = e * U(3), e * U(st.EXPERT_STATE)
        center = U(m.experts[spot])
        deviation = m.deviations[(c * U(st.MIX) + center) * U(st.RANGES) + U(m.experts[spot + U(1)])]
        m.expert_state[state + U(st.OFFSET)] = F64(base) - m.centers[center] - 0.5
        m.expert_state[state + U(st.SLOPE)] = 1.0 / (deviation + _LEAST)
        m.expert_state[state + U(st.TAIL_LOW)] = 1.0
        m.expert_state[state + U(st.TAIL_HIGH)] = 0.0


@inlined
def _ask_experts(m: Model, experts: np.uint64, threshold: int) -> None:
    """Fill `inputs` with every expert's chance, stretched, that the distance is at least `threshold`, given its bounds."""
    for e in range(experts):
        state = e * U(st.EXPERT_STATE)
        z = (F64(threshold) + m.expert_state[state + U(st.OFFSET)]) * m.expert_state[state + U(st.SLOPE)]
        middle = _tail(m.tails, U(m.experts[e * U(3) + U(2)]), z)
        m.expert_state[state + U(st.TAIL_MIDDLE)] = middle
        high = m.expert_state[state + U(st.TAIL_HIGH)]
        p = (middle - high + _LEAST_CHANCE) / (m.expert_state[state + U(st.TAIL_LOW)] - high + 2.0 * _LEAST_CHANCE)
        m.inputs[e] = F64(m.stretch[U(clamp(p, 0.0, _SURE) * 4096.0)]) * _UNIT


@inlined
def _take_side(m: Model, up: np.uint64) -> None:
    """From here on only one side is possible: below the prediction, distances are turned around."""
    for e in range(U(m.plan[st.EXPERTS])):
        state = e * U(st.EXPERT_STATE)
        middle = m.expert_state[state + U(st.TAIL_MIDDLE)]
        if up:
            m.expert_state[state + U(st.TAIL_LOW)] = middle
        else:
            m.expert_state[state + U(st.OFFSET)] = -m.expert_state[state + U(st.OFFSET)]
            m.expert_state[state + U(st.TAIL_LOW)] = 1.0 - middle


@inlined
def _take_part(m: Model, bit: np.uint64) -> None:
    """The threshold that was decided about becomes the lower or the upper bound."""
    side = U(st.TAIL_LOW) if bit else U(st.TAIL_HIGH)
    for e in range(U(m.plan[st.EXPERTS])):
        state = e * U(st.EXPERT_STATE)
        m.expert_state[state + side] = m.expert_state[state + U(st.TAIL_MIDDLE)]


@inlined
def _tail(tails: np.ndarray, shape: np.uint64, z: float) -> float:
    """Probability of more than z deviations above the center, interpolated."""
    reach = st.TAIL_REACH - 0.01  # within the table
    place = clamp(z, -reach, reach) * st.TAIL_STEPS + st.TAIL_REACH * st.TAIL_STEPS
    whole = S64(place)
    at = shape * U(st.TAIL_SIZE) + U(whole)
    return tails[at] + (tails[at + U(1)] - tails[at]) * (place - F64(whole))


@inlined
def clamp(x: float, low: float, high: float) -> float:
    """x within bounds; no number becomes `low`."""
    return min(x, high) if x > low else low
