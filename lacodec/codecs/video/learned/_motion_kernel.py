"""Motion of blocks between frames in quarters of a pixel: pictures moved, vectors coded, and searched for by encoders."""

from typing import Any

import numpy as np

from lacodec.codecs.video.learned._latent_kernel import code_rest
from lacodec.codecs.video.learned._state import State
from lacodec.entropy.mixing import code_decision
from lacodec.entropy.mixing_maps import learned
from lacodec.kernels.jit import flat_kernel, inlined, kernel

U: Any = np.uint64
S64: Any = np.int64
U32: Any = np.uint32

BLOCK = 8
"""Pixels a side that have a vector; blocks of twice the side have one or four."""
REACH = 255
"""Largest component of a vector, in quarters."""
MARGIN = REACH // 4 + 4 + BLOCK  # pixels around a picture that vectors may reach, and the filter's
_TAPS = np.array([[0, 0, 64, 0, 0, 0], [1, -5, 53, 19, -5, 1], [1, -7, 38, 38, -7, 1], [1, -5, 19, 53, -5, 1]], np.int32)
_STEPS = 12  # of a component's size that have a counter


@kernel
def moved(padded: np.ndarray, vectors: np.ndarray, out: np.ndarray) -> None:
    """out: int32[3, height, width], zero before: each pixel from where the vectors of four blocks around it point.

    `padded`, the other picture, has MARGIN more at each side. Weights fall linearly from a block's middle to its neighbours'.
    vectors: int16[blocks down, blocks across, 2], rows and columns.
    """
    height, width = out.shape[1:]
    side, half = 2 * BLOCK, BLOCK // 2
    rows = np.zeros((side + 5, side), np.int32)
    for by in range(-1, vectors.shape[0] + 1):
        for bx in range(-1, vectors.shape[1] + 1):
            v = vectors[min(max(by, 0), vectors.shape[0] - 1), min(max(bx, 0), vectors.shape[1] - 1)]
            my, mx = S64(v[0]), S64(v[1])
            down, across = my & 3, mx & 3
            begin, left = by * BLOCK - half, bx * BLOCK - half
            top, first = begin + (my >> 2) + MARGIN - 2, left + (mx >> 2) + MARGIN - 2
            y0, y1 = max(0, -begin), min(side, height - begin)
            x0, x1 = max(0, -left), min(side, width - left)
            for p in range(out.shape[0]):
                for i in range(y0, y1 + 5):
                    for j in range(x0, x1):
                        total = np.int32(0)
                        for k in range(6):
                            total += _TAPS[across, k] * padded[p, top + i, first + j + k]
                        rows[i, j] = total
                for i in range(y0, y1):
                    weight = min(2 * i + 1, 2 * side - 2 * i - 1)
                    for j in range(x0, x1):
                        total = np.int32(0)
                        for k in range(6):
                            total += _TAPS[down, k] * rows[i + k, j]
                        share = weight * min(2 * j + 1, 2 * side - 2 * j - 1)
                        out[p, begin + i, left + j] += ((total + 2048) >> 12) * share
    for p in range(out.shape[0]):
        for y in range(height):
            for x in range(width):
                out[p, y, x] = (out[p, y, x] + 128) >> 8


@flat_kernel
def code_vectors(s: State, decoding: int, vectors: np.ndarray) -> int:
    """Code int16[blocks down, blocks across, 2]; returns 0, or 1 if one reaches too far."""
    bad = S64(0)
    for by in range(0, vectors.shape[0], 2):
        for bx in range(0, vectors.shape[1], 2):
            split = U(not decoding and _is_split(vectors, by, bx))
            split = _code_bit(s, 0, split, decoding)
            for k in range(4 if split else 1):
                y, x = by + (k >> 1), bx + (k & 1)
                if y >= vectors.shape[0] or x >= vectors.shape[1]:
                    continue
                other = S64(0)
                for part in range(2):
                    near = expected(vectors, y, x, part)
                    context = (_agreement(vectors, y, x, part) * 2 + part) * 3 + other
                    apart = _code_difference(s, context, S64(vectors[y, x, part]) - near, decoding)
                    value, other = near + apart, S64(1) + (apart != 0)
                    if abs(value) > REACH:
                        bad, value = S64(1), S64(0)
                    vectors[y, x, part] = value
            if not split:
                for k in range(1, 4):
                    y, x = by + (k >> 1), bx + (k & 1)
                    if y < vectors.shape[0] and x < vectors.shape[1]:
                        vectors[y, x, 0], vectors[y, x, 1] = vectors[by, bx, 0], vectors[by, bx, 1]
    return bad


@inlined
def _is_split(vectors: np.ndarray, by: int, bx: int) -> bool:
    for k in range(1, 4):
        y, x = by + (k >> 1), bx + (k & 1)
        inside = y < vectors.shape[0] and x < vectors.shape[1]
        if inside and (vectors[y, x, 0] != vectors[by, bx, 0] or vectors[y, x, 1] != vectors[by, bx, 1]):
            return True
    return False


@inlined
def expected(vectors: np.ndarray, y: int, x: int, part: int) -> int:
    """The median of the vectors to the left, above, and above to the right of a block of 16; the left one at the top."""
    if y == 0:
        return S64(vectors[y, x - 1, part]) if x else S64(0)
    b = S64(vectors[y - 1, x, part])
    if x == 0:
        return b
    a = S64(vectors[y, x - 1, part])
    right = (x & ~1) + 2
    if y & 1 or right >= vectors.shape[1]:
        c = S64(vectors[y - 1, x - 1, part])
    else:
        c = S64(vectors[y - 1, right, part])
    return max(min(a, b), min(max(a, b), c))


@inlined
def _agreement(vectors: np.ndarray, y: int, x: int, part: int) -> int:
    """How far the vectors to the left and above differ: 0 to 3; 4 where one is missing."""
    if y == 0 or x == 0:
        return S64(4)
    apart = abs(S64(vectors[y, x - 1, part]) - S64(vectors[y - 1, x, part]))
    return S64(0) if apart == 0 else S64(1) if apart == 1 else S64(2) if apart < 4 else S64(3)


@inlined
def _code_difference(s: State, context: int, value: int, decoding: int) -> int:
    at, size = 16 + context * 16, abs(value)
    if not _code_bit(s, at, U(size > 0), decoding):
        return S64(0)
    up = _code_bit(s, at + 1, U(value > 0), decoding)
    k = S64(1)
    while k < _STEPS and _code_bit(s, at + 1 + k, U(size > k), decoding):
        k += 1
    if k == _STEPS:
        k += code_rest(s, size - k, decoding)
    return k if up else -k


@inlined
def _code_bit(s: State, at: int, bit: np.uint64, decoding: int) -> np.uint64:
    """A decision with one counter."""
    p = min(max(S64(s.fields[at] >> U32(16)), 64), 65535 - 64)
    bit = code_decision(s.registers, s.stream, p, bit, decoding)
    s.fields[at] = learned(s.fields[at], (S64(bit) << 22) - S64(bit), U32(60), s.reciprocal)
    return bit


@kernel
def phases(padded: np.ndarray, out: np.ndarray) -> None:
    """out: int16[4, 4, h, w], the plane int32[h, w] moved by quarters down and across; its edge, 3 wide, stays zero."""
    height, width = padded.shape
    rows = np.zeros((height, width), np.int32)
    for across in range(4):
        for y in range(height):
            for x in range(2, width - 3):
                total = np.int32(0)
                for k in range(6):
                    total += _TAPS[across, k] * padded[y, x + k - 2]
                rows[y, x] = total
        for down in range(4):
            for y in range(2, height - 3):
                for x in range(2, width - 3):
                    total = np.int32(0)
                    for k in range(6):
                        total += _TAPS[down, k] * rows[y + k - 2, x]
                    out[down, across, y, x] = np.int16((total + 2048) >> 12)


@kernel
def search(plane: np.ndarray, phased: np.ndarray, price: float, vectors: np.ndarray) -> None:
    """Improve `vectors` by steps of a pixel, a half and a quarter, for blocks of 16 and then of 8 where these pay.

    plane: int16[height, width]; phased: as `phases` makes them of the other plane. price: of a bit, in absolute differences.
    """
    down, across = vectors.shape[:2]
    four = np.zeros((4, 2), np.int64)
    for by in range(0, down, 2):
        for bx in range(0, across, 2):
            whole, y, x = _best(
                plane, phased, price, vectors, by, bx, 2 * BLOCK, S64(vectors[by, bx, 0]), S64(vectors[by, bx, 1])
            )
            total = 8 * price
            for k in range(4):
                i, j = by + (k >> 1), bx + (k & 1)
                if i < down and j < across:
                    cost, four[k, 0], four[k, 1] = _best(plane, phased, price, vectors, i, j, BLOCK, y, x)
                    vectors[i, j, 0], vectors[i, j, 1] = four[k, 0], four[k, 1]
                    total += cost
            if total >= whole:
                for k in range(4):
                    i, j = by + (k >> 1), bx + (k & 1)
                    if i < down and j < across:
                        vectors[i, j, 0], vectors[i, j, 1] = y, x


@inlined
def _best(
    plane: np.ndarray, phased: np.ndarray, price: float, vectors: np.ndarray, by: int, bx: int, side: int, y: int, x: int
) -> Any:
    """(cost, rows, columns) of the best vector around (y, x), the expected one and none."""
    near_y, near_x = expected(vectors, by, bx, 0), expected(vectors, by, bx, 1)
    best = _cost(plane, phased, price, by, bx, side, y, x, near_y, near_x)
    for k in range(2):
        to_y, to_x = (near_y, near_x) if k == 0 else (S64(0), S64(0))
        cost = _cost(plane, phased, price, by, bx, side, to_y, to_x, near_y, near_x)
        if cost < best:
            best, y, x = cost, to_y, to_x
    step = S64(4)
    while step:
        better = True
        while better:
            better = False
            from_y, from_x = y, x
            for k in range(9):
                to_y, to_x = from_y + (k // 3 - 1) * step, from_x + (k % 3 - 1) * step
                if k == 4 or abs(to_y) > REACH or abs(to_x) > REACH:
                    continue
                cost = _cost(plane, phased, price, by, bx, side, to_y, to_x, near_y, near_x)
                if cost < best:
                    best, y, x, better = cost, to_y, to_x, True
        step >>= 1
    return best, y, x


@inlined
def _cost(
    plane: np.ndarray, phased: np.ndarray, price: float, by: int, bx: int, side: int, y: int, x: int, near_y: int, near_x: int
) -> float:
    top, left = by * BLOCK, bx * BLOCK
    down, across = y & 3, x & 3
    total = S64(0)
    for i in range(top, min(top + side, plane.shape[0])):
        line = np.int32(0)
        for j in range(left, min(left + side, plane.shape[1])):
            one = np.int32(plane[i, j]) - np.int32(phased[down, across, i + (y >> 2) + MARGIN, j + (x >> 2) + MARGIN])
            line += abs(one)
        total += S64(line)
    bits = 0.0
    for k in range(2):
        apart = abs(y - near_y) if k == 0 else abs(x - near_x)
        bits += 0.5
        while apart:
            bits += 1.7
            apart >>= 1
    return np.float64(total) * (1.0 / 16.0) + price * bits
