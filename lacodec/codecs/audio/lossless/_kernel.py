"""The kernels of codec `audio.lossless`: predict every sample, code what is left, learn; the same loop in both directions.

    samples of all channels --least squares--> residual --cascade of LMS filters--> predictions of every stage
    predictions --small least squares--> best prediction        predictions, scales --experts, mixed bit by bit--> range coder

Doubles, but only + - x / and square root in a fixed order (see `_float_vector`), so every machine predicts the same. The
structure follows what is known of OptimFROG, Monkey's Audio and S. Lehmann's SAC; tables and constants are our own.
"""

from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing import POSITION, code_decision, finish, start
from lacodec.kernels.float_vector import add_scaled, dot, fade_and_add
from lacodec.kernels.jit import flat_kernel, inlined

# The plan (int64). DECODING stands where the mixing engine has it, whose `start` and `finish` are used here.
CHANNELS, FRAMES, OWN, OTHER, ORDER, SOLVE, STAGES, EXPERTS, BUCKET_SHIFT, DECODING, LOWEST, HIGHEST, MIXED, SECOND, TAPS = range(
    15
)
# The rates (float64).
KEEP, RIDGE, MIX_KEEP, LEARN, SCALE_FAST, SCALE_MIDDLE, SCALE_SLOW, KEEP_LONG, MU = range(9)

PAD = 64  # zeros before the first sample of each channel
SLACK = 2048  # pushes between two moves of a filter's history
MIX = 8  # inputs of the final least squares
INPUTS = 16  # of the mixer
DECISIONS = 112
KINDS, CONTEXTS = 8, 16
LEVELS = 160
BUCKETS, EQUAL_BUCKETS = 40, 7  # buckets of a sample; those after the first few double in width
INSIDE = 48  # decisions from here on are about places in buckets
RANGES = 3
TAIL_STEPS, TAIL_REACH = 32, 24  # the table of tails: steps per deviation, deviations
TAIL_SIZE = 2 * TAIL_STEPS * TAIL_REACH + 2
TINY = 1e-30  # keeps fading sums out of the denormal numbers


class Model(NamedTuple):
    """All state of one coder; made by `_setup.new_model`. `c` below is a channel."""

    plan: np.ndarray  # int64[TAPS + stages]
    rates: np.ndarray  # float64[MU + stages]
    registers: np.ndarray  # int64[6]
    stream: np.ndarray  # uint8
    samples: np.ndarray  # int64[channels * (PAD + frames)]
    matrix: np.ndarray  # float64[2 * channels * ORDER * ORDER]: with a short memory, and with a long one
    factor: np.ndarray  # float64[ORDER * ORDER], scratch
    moments: np.ndarray  # float64[2 * channels * ORDER]
    weights: np.ndarray  # float64[2 * channels * ORDER]
    window: np.ndarray  # float64[ORDER]
    mix_matrix: np.ndarray  # float64[channels * MIX * MIX]
    mix_moments: np.ndarray  # float64[channels * MIX]
    mix_weights: np.ndarray  # float64[channels * MIX]
    mix_inputs: np.ndarray  # float64[MIX]
    taps: np.ndarray  # float64: weights of all filters
    history: np.ndarray  # float64: what each filter has seen
    places: np.ndarray  # int64[channels * stages * 3]: tap start, history start, position
    energy: np.ndarray  # float64[channels * stages]
    centers: np.ndarray  # float64[MIX]
    deviations: np.ndarray  # float64[channels * MIX * RANGES]
    experts: np.ndarray  # int64[EXPERTS * 3]: center, range of the deviation, shape
    expert_state: np.ndarray  # float64[EXPERTS * 5]: offset, 1 / scale, tail at the low, high and middle threshold
    inputs: np.ndarray  # float64[INPUTS]
    mixers: np.ndarray  # float64[(DECISIONS + KINDS * CONTEXTS) * INPUTS]
    counters: np.ndarray  # int64[LEVELS * DECISIONS * 2]
    levels: np.ndarray  # int64[channels]
    last: np.ndarray  # float64[channels]: |residual| / deviation of the newest sample
    tails: np.ndarray  # float64[shapes * TAIL_SIZE]
    stretch: np.ndarray  # int16[4096]
    squash: np.ndarray  # uint16[6144]


@flat_kernel
def code(m: Model) -> Any:
    """Code `samples` into `stream`, or the other way round; returns the frames done (all, or until the stream ended)."""
    start(m)
    plan = m.plan
    channels, frames = np.uint64(plan[CHANNELS]), np.uint64(plan[FRAMES])
    stride = np.uint64(PAD) + frames
    limit = np.int64(m.stream.size) + 64
    for t in range(frames):
        for c in range(channels):
            at = c * stride + np.uint64(PAD) + t
            _predict(m, c, t, stride)
            x = _code_sample(m, c, m.samples[at])
            m.samples[at] = x
            _learn(m, c, np.float64(x), np.int64(t) % plan[SOLVE] == 0)
        if m.registers[POSITION] > limit:
            return np.int64(t)
    if not plan[DECODING]:
        finish(m)
    return np.int64(frames)


@inlined
def _predict(m: Model, c: np.uint64, t: np.uint64, stride: np.uint64) -> None:
    """Fill `centers`: the final prediction, that of least squares, and the sums after each filter."""
    plan, window, samples = m.plan, m.window, m.samples
    own, other, order, stages = np.uint64(plan[OWN]), np.uint64(plan[OTHER]), plan[ORDER], np.uint64(plan[STAGES])
    at = c * stride + np.uint64(PAD) + t
    for i in range(own):
        window[i] = np.float64(samples[at - own + i])
    if plan[CHANNELS] > 1:
        partner = c ^ np.uint64(1)
        if partner >= np.uint64(plan[CHANNELS]):
            partner = c - np.uint64(1)
        at = partner * stride + np.uint64(PAD) + t + np.uint64(partner < c) - other
        for i in range(other):
            window[own + i] = np.float64(samples[at + i])
    total = dot(window, 0, m.weights, np.int64(c) * order, order)
    m.mix_inputs[0] = total
    m.centers[1] = total
    for s in range(stages):
        place = (c * stages + s) * np.uint64(3)
        oldest = m.places[place + np.uint64(1)] + m.places[place + np.uint64(2)]
        p = dot(m.taps, m.places[place], m.history, oldest, plan[np.uint64(TAPS) + s])
        m.mix_inputs[np.uint64(1) + s] = p
        total += p
        m.centers[np.uint64(2) + s] = total
    if plan[SECOND]:
        long = dot(window, 0, m.weights, np.int64(c + np.uint64(plan[CHANNELS])) * order, order)
        m.mix_inputs[np.uint64(1) + stages] = long
        m.centers[np.uint64(2) + stages] = long
    best = dot(m.mix_inputs, 0, m.mix_weights, np.int64(c) * MIX, MIX) if stages else total
    m.centers[0] = _clamp(best, np.float64(plan[LOWEST]), np.float64(plan[HIGHEST]))


@inlined
def _learn(m: Model, c: np.uint64, x: float, solve: bool) -> None:
    """Teach every stage the true sample."""
    plan, rates = m.plan, m.rates
    order, stages = plan[ORDER], np.uint64(plan[STAGES])
    _learn_squares(m.matrix, m.factor, m.moments, m.weights, m.window, np.int64(c), order, rates[KEEP], rates[RIDGE], x, solve)
    if plan[SECOND]:
        long, keep = np.int64(c) + plan[CHANNELS], rates[KEEP_LONG]
        _learn_squares(m.matrix, m.factor, m.moments, m.weights, m.window, long, order, keep, rates[RIDGE], x, solve)
    rest = x - m.centers[1]
    for s in range(stages):
        place = (c * stages + s) * np.uint64(3)
        taps, base, position = m.places[place], m.places[place + np.uint64(1)], m.places[place + np.uint64(2)]
        n = plan[np.uint64(TAPS) + s]
        error = rest - m.mix_inputs[np.uint64(1) + s]
        energy = c * stages + s
        oldest = m.history[np.uint64(base + position)]
        step = m.rates[np.uint64(MU) + s] * error / (m.energy[energy] + 1.0 + np.float64(n))
        add_scaled(m.taps, taps, m.history, base + position, n, step)
        m.energy[energy] = max(m.energy[energy] + (rest * rest - oldest * oldest), 0.0)
        m.history[np.uint64(base + position + n)] = rest
        position += 1
        if position == SLACK:
            for i in range(np.uint64(n)):
                m.history[np.uint64(base) + i] = m.history[np.uint64(base + position) + i]
            position = 0
        m.places[place + np.uint64(2)] = position
        rest = error
    if stages:
        _learn_squares(
            m.mix_matrix,
            m.factor,
            m.mix_moments,
            m.mix_weights,
            m.mix_inputs,
            np.int64(c),
            MIX,
            rates[MIX_KEEP],
            rates[RIDGE],
            x,
            solve,
        )
    for i in range(np.uint64(2) + stages + np.uint64(plan[SECOND])):
        away = abs(x - m.centers[i])
        at = (c * np.uint64(MIX) + i) * np.uint64(RANGES)
        for r in range(np.uint64(RANGES)):
            m.deviations[at + r] += (away - m.deviations[at + r]) * rates[np.uint64(SCALE_FAST) + r] + TINY


@inlined
def _learn_squares(
    matrix: np.ndarray,
    factor: np.ndarray,
    moments: np.ndarray,
    weights: np.ndarray,
    window: np.ndarray,
    c: int,
    n: int,
    keep: float,
    ridge: float,
    x: float,
    solve: bool,
) -> None:
    """Recursive least squares by the covariance method; the weights are solved for by Cholesky's method when `solve`."""
    base, start_ = c * n * n, c * n
    for i in range(n):
        fade_and_add(matrix, base + i * n, window, (i + 8) & -8, keep, window[np.uint64(i)], TINY)
    fade_and_add(moments, start_, window, n, keep, x, TINY)
    if solve:
        _solve(matrix, factor, moments, weights, base, start_, n, ridge)


@flat_kernel
def _solve(
    matrix: np.ndarray, factor: np.ndarray, moments: np.ndarray, weights: np.ndarray, base: int, start_: int, n: int, ridge: float
) -> None:
    """weights = (matrix + ridge)^-1 moments; unchanged when the matrix is not positive definite."""
    count = np.uint64(n)
    a0, w0 = np.uint64(base), np.uint64(start_)
    for i in range(count):
        row = i * count
        for j in range(count):
            factor[row + j] = 0.0
        for j in range(i + np.uint64(1)):
            value = matrix[a0 + row + j] - dot(factor, np.int64(row), factor, np.int64(j * count), (np.int64(j) + 7) & -8)
            if j < i:
                factor[row + j] = value * factor[j * count + j]
            else:
                value += ridge
                if not value > 1e-9:
                    return
                factor[row + i] = 1.0 / np.sqrt(value)  # the diagonal holds reciprocals: its own rows never meet it in `dot`
    for i in range(count):
        total = moments[w0 + i]
        for j in range(np.uint64(i)):
            total -= factor[i * count + j] * weights[w0 + j]
        weights[w0 + i] = total * factor[i * count + i]
    for k in range(count):
        row = count - np.uint64(1) - k
        total = weights[w0 + row]
        for j in range(row + np.uint64(1), count):
            total -= factor[j * count + row] * weights[w0 + j]
        weights[w0 + row] = total * factor[row * count + row]


@inlined
def _clamp(x: float, low: float, high: float) -> float:
    """x within bounds; no number becomes `low`."""
    return min(x, high) if x > low else low


@inlined
def _tail(tails: np.ndarray, shape: np.uint64, z: float) -> float:
    """Probability of more than z deviations above the center, interpolated."""
    place = _clamp(z, -(TAIL_REACH - 0.01), TAIL_REACH - 0.01) * TAIL_STEPS + TAIL_REACH * TAIL_STEPS
    whole = np.int64(place)
    at = shape * np.uint64(TAIL_SIZE) + np.uint64(whole)
    return tails[at] + (tails[at + np.uint64(1)] - tails[at]) * (place - np.float64(whole))


@inlined
def _code_sample(m: Model, c: np.uint64, x: int) -> Any:
    """Code the sample as sign, bucket and place in the bucket, relative to the final prediction."""
    plan, registers = m.plan, m.registers
    experts, decoding = np.uint64(plan[EXPERTS]), plan[DECODING]
    base = np.int64(np.floor(m.centers[0] + 0.5))
    deviation = m.deviations[c * np.uint64(MIX * RANGES) + np.uint64(1)]
    scaled = np.int64(_clamp(deviation, 0.0, 9e9) * 16.0)
    level = m.levels[c]  # log2 of the deviation in sixteenths
    while level < 40 and (scaled >> level) > 1:
        level += 1
    while level > 0 and (scaled >> level) == 0:
        level -= 1
    m.levels[c] = level
    quarter = (scaled << 2 >> level) & 3 if level >= 2 else 0
    width_bits = max(level - 4 - plan[BUCKET_SHIFT], 0)
    row = np.uint64(min(level * 4 + quarter, LEVELS - 1)) * np.uint64(DECISIONS * 2)
    # What selects weights: how the deviation changes, and how surprising the other channel's newest sample was.
    fast = m.deviations[c * np.uint64(MIX * RANGES)]
    slow = m.deviations[c * np.uint64(MIX * RANGES) + np.uint64(2)]
    context = np.uint64(0)
    if fast > slow:
        context = np.uint64(2) + np.uint64(fast > slow * 1.5)
    else:
        context = np.uint64(fast * 1.5 > slow)
    if plan[CHANNELS] > 1:
        surprise = m.last[c ^ np.uint64(1) if (c ^ np.uint64(1)) < np.uint64(plan[CHANNELS]) else c - np.uint64(1)]
        context = context * np.uint64(4) + np.uint64(surprise > 0.4) + np.uint64(surprise > 1.0) + np.uint64(surprise > 2.0)
    for e in range(experts):
        spot = e * np.uint64(3)
        center = np.uint64(m.experts[spot])
        dev = m.deviations[(c * np.uint64(MIX) + center) * np.uint64(RANGES) + np.uint64(m.experts[spot + np.uint64(1)])]
        state = e * np.uint64(5)
        m.expert_state[state] = np.float64(base) - m.centers[center] - 0.5
        m.expert_state[state + np.uint64(1)] = 1.0 / (dev + 0.05)
        m.expert_state[state + np.uint64(2)] = 1.0
        m.expert_state[state + np.uint64(3)] = 0.0
    up = True
    stage, bucket, node = 0, np.uint64(0), np.uint64(1)
    low, width = np.int64(0), np.int64(1)
    bits, modelled = np.int64(0), np.int64(0)
    wanted = x - base if x >= base else base - 1 - x
    while True:
        if stage == 0:
            threshold, decision, kind = np.int64(0), np.uint64(0), np.uint64(0)
            bit = np.uint64(x >= base)
        elif stage == 1:
            bits = np.int64(min(width_bits + (np.int64(bucket) - EQUAL_BUCKETS if bucket > EQUAL_BUCKETS else 0), 34))
            width = np.int64(1) << np.uint64(bits)
            threshold, decision = low + width, np.uint64(1) + bucket
            kind = np.uint64(1) + min(bucket, np.uint64(3))
            bit = np.uint64(wanted >= threshold)
        else:
            width >>= 1
            threshold, decision = low + width, np.uint64(INSIDE) + min(bucket, np.uint64(3)) * np.uint64(16) + node
            kind = np.uint64(5) + min(np.uint64(modelled), np.uint64(2))
            bit = np.uint64(wanted >= threshold)
        # Experts.
        for e in range(experts):
            state = e * np.uint64(5)
            z = (np.float64(threshold) + m.expert_state[state]) * m.expert_state[state + np.uint64(1)]
            middle = _tail(m.tails, np.uint64(m.experts[e * np.uint64(3) + np.uint64(2)]), z)
            m.expert_state[state + np.uint64(4)] = middle
            high = m.expert_state[state + np.uint64(3)]
            p = (middle - high + 1e-7) / (m.expert_state[state + np.uint64(2)] - high + 2e-7)
            m.inputs[e] = np.float64(m.stretch[np.uint64(_clamp(p, 0.0, 0.9999) * 4096.0)]) * 0.00390625
        counter = row + decision * np.uint64(2)
        quick, steady = m.counters[counter], m.counters[counter + np.uint64(1)]
        p16 = (quick + steady) >> 1
        first, second = np.uint64(0), np.uint64(0)
        if experts:
            m.inputs[experts] = np.float64(m.stretch[np.uint64(quick >> 4)]) * 0.00390625
            m.inputs[experts + np.uint64(1)] = np.float64(m.stretch[np.uint64(steady >> 4)]) * 0.00390625
            first = decision * np.uint64(INPUTS)
            second = (np.uint64(DECISIONS) + kind * np.uint64(CONTEXTS) + context) * np.uint64(INPUTS)
            sum1 = dot(m.inputs, 0, m.mixers, np.int64(first), plan[MIXED])
            sum2 = dot(m.inputs, 0, m.mixers, np.int64(second), plan[MIXED])
            p16 = np.int64(m.squash[np.uint64(np.int64(_clamp(sum1 + sum2, -11.9, 11.9) * 256.0) + 3072)])

        p16 = min(max(p16, 24), 65536 - 24)
        bit = code_decision(registers, m.stream, p16, bit, decoding)
        # Learn.
        target = np.int64(bit) * 65535
        m.counters[counter] = quick + ((target - quick) >> 4)
        m.counters[counter + np.uint64(1)] = steady + ((target - steady) >> 7)
        if experts:
            error = (np.float64(bit) - np.float64(p16) * (1.0 / 65536.0)) * m.rates[LEARN]
            add_scaled(m.mixers, np.int64(first), m.inputs, 0, plan[MIXED], error)
            add_scaled(m.mixers, np.int64(second), m.inputs, 0, plan[MIXED], error)
        # Go on.
        if stage == 0:
            up = bit == 1
            if not up:
                for e in range(experts):
                    state = e * np.uint64(5)
                    m.expert_state[state] = -m.expert_state[state]
                    m.expert_state[state + np.uint64(2)] = 1.0 - m.expert_state[state + np.uint64(4)]
            else:
                for e in range(experts):
                    state = e * np.uint64(5)
                    m.expert_state[state + np.uint64(2)] = m.expert_state[state + np.uint64(4)]
            stage = 1
            continue
        side = np.uint64(2) if bit else np.uint64(3)
        for e in range(experts):
            state = e * np.uint64(5)
            m.expert_state[state + side] = m.expert_state[state + np.uint64(4)]
        if bit:
            low = threshold
        if stage == 1:
            if bit and bucket < BUCKETS - 1:
                bucket += np.uint64(1)
                continue
            stage = 2
            modelled = np.int64(0)
            node = np.uint64(1)
        else:
            node = node * np.uint64(2) + bit
            modelled += np.int64(1)
        bits = bits if modelled == 0 else bits - 1
        if bits <= 0:
            break
        if modelled == 3:
            for k in range(bits):
                shift = np.uint64(bits - 1 - k)
                bit = np.uint64((wanted - low) >> np.int64(shift)) & np.uint64(1)
                bit = code_decision(registers, m.stream, 32768, bit, decoding)
                low += np.int64(bit << shift)
            break
    value = base + low if up else base - 1 - low
    value = min(max(value, plan[LOWEST]), plan[HIGHEST])
    m.last[c] = abs(np.float64(value) - m.centers[0]) / (deviation + 0.05)
    return value
