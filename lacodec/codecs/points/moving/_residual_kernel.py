"""From places in the map to the floats of the file, and what they are off: steps of the lattice, then steps of float32."""

import numpy as np

from lacodec.codecs.points.spinning.bits import Bits, code_flag, code_size
from lacodec.kernels.jit import flat_kernel, inlined

U = np.uint64
MOST_BITS = 40
_EDGES, _NEARS, _FARS, _BEFORE, _AXES = 16, 4, 6, 3, 3
_LATTICE = 0
_FLOATS = _LATTICE + _AXES * 64 * _BEFORE
_SIGNS = _FLOATS + _AXES * _EDGES * _NEARS * _FARS * _BEFORE
_SIZES = _SIGNS + _AXES * (64 + _EDGES * _NEARS)
COUNTERS = _SIZES + 2 * _AXES * 2 * MOST_BITS
SPACINGS = 2.0 ** (np.maximum(np.arange(256), 1) - 150.0)
"""Of float32 numbers, by their exponent."""
_FAR = (750, 2500, 5000, 10000, 20000)  # range counts


@inlined
def _spacing(spacings, single, bits, value):  # type: ignore[no-untyped-def]
    """Of float32 numbers as large as a double; single, f32[1], and bits, i32[1], are the same memory."""
    single[U(0)] = np.float32(abs(value))
    return spacings[(U(bits[U(0)]) >> U(23)) & U(255)]


@inlined
def _ordered(bits):  # type: ignore[no-untyped-def]
    """The bits of a float32 as a number that grows with it."""
    return np.int64(bits) if bits >= 0 else -np.int64(np.int64(bits) & 0x7FFFFFFF) - 1


@flat_kernel
def code_floats(  # type: ignore[no-untyped-def]
    b: Bits, mapped, counts, centres, steps, turn, move, lattice, floats, spacings, single, bits, moved
) -> None:
    """floats, i64[n, 3]: coordinates as ordered numbers, of points at `mapped`, f64[n, 3]; lattice, i64[n, 3]: their steps, where
    steps[axis] is not 0, less those that follow from `mapped`.

    counts: ranges; spacings, f64[256]: of float32 numbers, by exponent; single and bits: the memory of one number; moved: f64[3].
    """
    for i in range(U(len(mapped))):
        far = U(0)
        for k in range(U(5)):
            far += U(counts[i] >= _FAR[k])
        missed, near = U(0), U(_NEARS - 1)
        for axis in range(U(3)):
            at = centres[axis] + mapped[i, axis]
            known = steps[axis] > 0.0
            unit = steps[axis] if known else _spacing(spacings, single, bits, at)
            scaled = at / unit + 0.5
            whole = np.floor(scaled)
            edge = U(min((scaled - whole) * 64.0, 63.0))
            if known:
                step = lattice[i, axis]
                place = axis * U(64) + edge
                if code_flag(b, U(_LATTICE) + place * U(_BEFORE) + missed, U(step != 0)):
                    negative = code_flag(b, U(_SIGNS) + place, U(step < 0))
                    size = code_size(b, U(_SIZES) + axis * U(2 * MOST_BITS), U(MOST_BITS), abs(step) - 1) + 1
                    step = -size if negative else size
                    missed = min(missed + U(1), U(2))
                else:
                    step = np.int64(0)
                lattice[i, axis] = step
                whole += np.float64(step)
            else:
                apart = min(edge, U(63) - edge)
                near = min(near, U(0) if apart < U(2) else U(1) if apart < U(6) else U(2) if apart < U(14) else U(3))
            moved[axis] = whole * unit - centres[axis]
        for axis in range(U(3)):
            exact = turn[axis, U(0)] * moved[U(0)] + turn[axis, U(1)] * moved[U(1)] + turn[axis, U(2)] * moved[U(2)] + move[axis]
            unit = _spacing(spacings, single, bits, exact)
            single[U(0)] = np.float32(exact)
            guess = _ordered(bits[U(0)])
            off = (exact - np.float64(single[U(0)])) / unit + 0.5
            edge = U(min(max(off, 0.0) * _EDGES, _EDGES - 1.0))
            step = floats[i, axis] - guess
            place = (axis * U(_EDGES) + edge) * U(_NEARS) + near
            if code_flag(b, U(_FLOATS) + (place * U(_FARS) + far) * U(_BEFORE) + missed, U(step != 0)):
                negative = code_flag(b, U(_SIGNS + _AXES * 64) + place, U(step < 0))
                sizes = U(_SIZES) + (U(_AXES) + axis) * U(2 * MOST_BITS)
                size = code_size(b, sizes, U(MOST_BITS), abs(step) - 1) + 1
                step = -size if negative else size
                missed = min(missed + U(1), U(2))
            else:
                step = np.int64(0)
            floats[i, axis] = guess + step
