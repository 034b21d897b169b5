"""What is known of a coefficient before it is coded: records of blocks around, and trained sums over them."""

from typing import Any

import numpy as np

from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.state import LARGEST, LEVELS, RECORD, SIGNED, SIGNED_T, SIZES, SIZES_T, WEIGHT_BITS, State
from lacodec.codecs.image.jpeg.model.vectors import adapt_groups, dot_groups
from lacodec.kernels.jit import inlined

U: Any = np.uint64
S64: Any = np.int64
_LARGEST_STEP = (1 << 18) - 1  # times a record's largest value: within 32 bits


@inlined
def locate(s: State, y: int, x: int) -> int:
    """Where the block's record starts, emptied."""
    stride = U(s.plan[st.COLUMNS] + 2) * U(RECORD)
    here = (y & U(1)) * stride + (x + U(1)) * U(RECORD)
    for i in range(U(RECORD)):
        s.records[here + i] = 0
    return here


@inlined
def above(s: State, here: int) -> int:
    """Where the record of the block above starts."""
    stride = U(s.plan[st.COLUMNS] + 2) * U(RECORD)
    return here - stride if here >= stride else here + stride


@inlined
def gather_others(s: State, y: int, x: int) -> None:
    """Sizes in the luma blocks beside this one, summed, into `luma`; the block of the other chroma component into `beside`."""
    if s.plan[st.CLASS] == 0:
        return
    down, across = U(s.plan[st.LUMA_DOWN]), U(s.plan[st.LUMA_ACROSS])
    rows, columns = U(s.first.shape[0]), U(s.first.shape[1])
    for z in range(U(64)):
        s.luma[z] = 0
    for i in range(down):
        for j in range(across):
            block = s.first[min(y * down + i, rows - U(1)), min(x * across + j, columns - U(1))]
            for z in range(U(64)):
                s.luma[z] += abs(S64(block[z]))
    if s.plan[st.CLASS] == 2:
        block = s.other[min(y, U(s.other.shape[0]) - U(1)), min(x, U(s.other.shape[1]) - U(1))]
        for z in range(U(64)):
            s.beside[z] = S64(block[z])


@inlined
def predict(s: State, k: int, here: int) -> tuple[int, int, int]:
    """Class of the size that a coefficient may have, and two parts of its value (in 256ths), from above and from the left."""
    up, left = above(s, here), here - U(RECORD)
    column, row = (k & U(7)) * U(8), k & U(56)
    starts, kind = s.starts, S64(min(s.plan[st.CLASS], 1))
    starts[0] = S64(up + U(SIGNED_T) + column)
    starts[1] = S64(here + U(SIGNED_T) + column)
    starts[2] = S64(left + U(SIGNED) + row)
    starts[3] = S64(here + U(SIGNED) + row)
    at = (kind * 66 + S64(k)) * 32
    from_above = dot_groups(s.records, starts, s.signed_weights, at, 0, 2)
    from_left = dot_groups(s.records, starts, s.signed_weights, at, 2, 4)
    starts[8] = S64(up + U(SIZES_T) + column)
    starts[9] = S64(up + U(SIZES) + row)
    starts[10] = S64(left + U(SIZES) + row)
    starts[11] = S64(left + U(SIZES_T) + column)
    starts[12] = S64(here + U(SIZES_T) + column)
    starts[13] = S64(here + U(SIZES) + row)
    starts[14] = S64(s.records.size - 64)
    extras = U(s.records.size - 64)
    s.records[extras] = s.records[up - U(RECORD) + U(SIZES) + k]
    s.records[extras + U(1)] = s.records[up + U(RECORD) + U(SIZES) + k]
    z = U(s.zigzag[k])
    s.records[extras + U(2)] = np.int16(min((s.luma[z] * s.first_quant[k]) >> s.plan[st.LUMA_SHIFT], LARGEST))
    s.records[extras + U(3)] = np.int16(min(abs(s.beside[z]) * s.other_quant[k], LARGEST))
    s.records[extras + U(4)] = np.int16(min(s.quant[k], LARGEST))
    size = dot_groups(s.records, starts, s.size_weights, (kind * 64 + S64(k)) * 56 - 64, 8, 15)
    scaled = (size * s.inverse[k]) >> (24 + WEIGHT_BITS - 7)
    s.sums[0] = min(max(scaled, 128), 1 << 20)
    s.sums[1] = ((from_above + from_left) * s.inverse[k]) >> (24 + WEIGHT_BITS - 7)
    return (
        S64(s.class_of[U(min(max(scaled, 0), 8191))]),
        (from_above * s.inverse[k]) >> (24 + WEIGHT_BITS - 8),
        (from_left * s.inverse[k]) >> (24 + WEIGHT_BITS - 8),
    )


@inlined
def keep(s: State, here: int, k: int, value: int) -> None:
    """Note a coefficient in the block's record."""
    wide = min(max(value * s.quant[k], -LARGEST), LARGEST)
    turned = (k & U(7)) * U(8) + (k >> U(3))
    s.records[here + U(SIGNED) + k] = np.int16(wide)
    s.records[here + U(SIGNED_T) + turned] = np.int16(wide)
    s.records[here + U(SIZES) + k] = np.int16(abs(wide))
    s.records[here + U(SIZES_T) + turned] = np.int16(abs(wide))
    s.records[here + U(LEVELS) + k] = np.int16(min(max(value, -127), 127))


@inlined
def adapt(s: State, k: int, value: int) -> None:
    """Move the signed weights of `predict`, called last for this coefficient, towards its value."""
    foreseen, kind = s.sums[0], S64(min(s.plan[st.CLASS], 1))
    real = max((foreseen * s.quant[k]) >> 7, 1)
    miss = min(max((((value << 7) - s.sums[1]) * 256) // foreseen, -512), 512)
    step = (((miss << 16) // real) * s.plan[st.SIGNED_RATE]) >> 10
    step = min(max(step, -_LARGEST_STEP), _LARGEST_STEP)
    adapt_groups(s.records, s.starts, s.signed_weights, (kind * 66 + S64(k)) * 32, 0, 4, step)
