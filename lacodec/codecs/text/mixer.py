"""Inputs -> sets of weights -> two rows of final weights -> adaptive probability maps -> 16-bit probability."""

from typing import Any

import numpy as np

from lacodec.codecs.text.slots import (
    APM_RATE,
    APMS,
    BASES,
    FINAL_RATE,
    FOUND,
    MAX_CONTEXTS,
    MAX_SELECTS,
    MIX_RATE,
    MIXED,
    SELECTS,
    WIDTH,
    Coder,
)
from lacodec.entropy.mixing import APM_REACH, APM_STEP, APM_STEPS, STRETCH_LIMIT
from lacodec.entropy.mixing_tables import HALF_RANGE
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.int_vector import dot_product, prefetch, train_weights
from lacodec.kernels.jit import inlined

MAX_APMS, APM_ROWS = 4, 65536
FINALS = 2
_FINAL_LIMIT = 1 << 20
_ODD = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)


@inlined
def find_rows(coder: Coder, select: np.ndarray, partial: np.uint64, k: np.uint64) -> None:
    """The 16 rows of each APM for the coming half, by hash."""
    salt = np.uint64(0) if k == 0 else partial * GOLDEN
    selects = np.uint64(coder.plan[SELECTS])
    for a in range(np.uint64(coder.plan[APMS])):
        row = (np.uint64(select[selects + a]) + salt) * _ODD
        coder.apm_at[a] = a * np.uint64(APM_ROWS) + (row >> np.uint64(52)) * np.uint64(16)


@inlined
def prefetch_rows(coder: Coder, node: np.uint64) -> None:
    """Ask for the APM rows of the bit after this one, whichever way this one goes: they are neighbours."""
    later = node * np.uint64(2)
    if later < 16:
        for a in range(np.uint64(coder.plan[APMS])):
            row = (coder.apm_at[a] + later) * np.uint64(APM_STEPS)
            prefetch(coder.apm, row)
            prefetch(coder.apm, row + np.uint64(APM_STEPS))


@inlined
def mix(coder: Coder, select: np.ndarray, partial: np.uint64, told: int) -> Any:
    """Every chosen set of weights makes a prediction; two rows of final weights mix those. Returns their stretched mean."""
    plan = coder.plan
    width, sets = plan[WIDTH], np.uint64(plan[SELECTS])
    outputs, offsets, final = coder.outputs, coder.offsets, coder.final_weights
    offsets[0] = (select[0] * 3 + told) * width
    offsets[1] = (plan[BASES + 1] + select[1] * 256 + np.int64(partial)) * width
    offsets[2] = (plan[BASES + 2] + select[2] * (MAX_CONTEXTS + 1) + coder.registers[FOUND]) * width
    for s in range(np.uint64(3), sets):
        offsets[s] = (plan[np.uint64(BASES) + s] + select[s]) * width
    row1, row2 = _final_rows(select, partial)
    total1, total2 = np.int64(0), np.int64(0)
    for s in range(sets):
        dot = dot_product(coder.inputs, coder.weights, offsets[s], width) >> 6
        dot = min(max(dot, -STRETCH_LIMIT), STRETCH_LIMIT)
        outputs[s] = dot
        total1 += dot * np.int64(final[row1 + s])
        total2 += dot * np.int64(final[row2 + s])
    mixed1: Any = min(max(total1 >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    mixed2: Any = min(max(total2 >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)
    coder.registers[MIXED] = mixed1
    coder.registers[MIXED + 1] = mixed2
    return (mixed1 + mixed2) >> 1


@inlined
def _final_rows(select: np.ndarray, partial: np.uint64) -> Any:
    """Final weights by the bits so far, and by the byte before."""
    return partial * np.uint64(MAX_SELECTS), (np.uint64(256) + np.uint64(select[3])) * np.uint64(MAX_SELECTS)


@inlined
def train(coder: Coder, select: np.ndarray, partial: np.uint64, y: int) -> None:
    """Move all weights used for this bit down the gradient of its coding cost."""
    width, sets, rate = coder.plan[WIDTH], np.uint64(coder.plan[SELECTS]), coder.plan[MIX_RATE]
    outputs, final = coder.outputs, coder.final_weights
    row1, row2 = _final_rows(select, partial)
    error1 = _error(coder, coder.registers[MIXED], y) * coder.plan[FINAL_RATE]
    error2 = _error(coder, coder.registers[MIXED + 1], y) * coder.plan[FINAL_RATE]
    for s in range(sets):
        output = outputs[s]
        train_weights(coder.inputs, coder.weights, coder.offsets[s], width, (_error(coder, output, y) * rate) >> 8)
        w = np.int64(final[row1 + s]) + ((output * error1 + (1 << 19)) >> 20)
        final[row1 + s] = np.int32(min(max(w, -_FINAL_LIMIT), _FINAL_LIMIT))
        w = np.int64(final[row2 + s]) + ((output * error2 + (1 << 19)) >> 20)
        final[row2 + s] = np.int32(min(max(w, -_FINAL_LIMIT), _FINAL_LIMIT))


@inlined
def _error(coder: Coder, stretched: int, y: int) -> Any:
    return (y << 16) - np.int64(coder.squash[np.uint64(stretched + HALF_RANGE)])


@inlined
def refine(coder: Coder, mixed: int, node: np.uint64) -> Any:
    """(probability for the coder, place in an APM's row, whether the right neighbour is nearer). The APMs have half a say."""
    apm = coder.apm
    position = np.uint64(min(max(mixed, -APM_REACH), APM_REACH) + APM_REACH)
    step = position // np.uint64(APM_STEP)
    right = np.int64(position - step * np.uint64(APM_STEP))
    total = np.int64(0)
    for a in range(np.uint64(coder.plan[APMS])):
        at = (coder.apm_at[a] + node) * np.uint64(APM_STEPS) + step
        total += np.int64(apm[at]) * (APM_STEP - right) + np.int64(apm[at + _ONE]) * right
    p_mix = np.int64(coder.squash[np.uint64(mixed + HALF_RANGE)])
    count = coder.plan[APMS]  # 2 or 4
    p = (count * p_mix + np.int64(np.uint64(total) // np.uint64(APM_STEP)) + count) >> (1 + (count >> 1))
    return min(max(p, 1), 65535), step + np.uint64(right >= APM_STEP // 2)


@inlined
def train_apms(coder: Coder, node: np.uint64, step: np.uint64, y: int) -> None:
    """The nearer place of each row, moved towards the bit; the target leaves room for half a step of rounding."""
    apm, rate = coder.apm, coder.plan[APM_RATE]
    target = (y << 16) - y + (((1 - (y << 1)) << rate) >> 1)
    for a in range(np.uint64(coder.plan[APMS])):
        at = (coder.apm_at[a] + node) * np.uint64(APM_STEPS) + step
        apm[at] += np.uint16((target - np.int64(apm[at])) >> rate)
