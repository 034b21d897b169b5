"""Values of any type <-> unsigned integers ("latents") in which they are simple.

ORDERED: integers with their sign bit flipped; floats with all bits flipped if negative, else the sign bit. Lowest bits that are
zero in every value are dropped before. SIGN_FIRST: the bits as they are.
STEPS: (value - base) / step, modulo the type. MULTIPLES: q, the nearest whole number to value * factor (`inverse`) or value /
factor; and how far the value is from float(q / factor) or float(q * factor), in ORDERED latents: zero for all that fit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns._splits_kernel import disorder_floats, order_floats, scale
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch_array

Latents = NDArray[np.unsignedinteger]

_WIDTHS = (1, 2, 4, 8)
_DIGITS = {2: 11, 4: 24, 8: 50}  # bits of whole numbers that floats of so many bytes hold, or that are worth it
_MOST_POWER = 16  # of ten
_NEAR = 256  # floats that a number may be away from a decimal one, as after a few sums
_HITS = 0.98  # share of a sample
_FIRST = 256  # values of it that are looked at first: where they miss too often, the others cannot mend that


def bits_of(values: NDArray[Any]) -> Latents:
    """The values as unsigned integers of the same width: their bits."""
    return values.view(f"u{values.dtype.itemsize}")


def ordered(values: NDArray[Any], dropped: int = 0) -> Latents:
    """ORDERED, without the lowest `dropped` bits; in `scratch`."""
    bits = bits_of(values)
    out = scratch_array(values.size, bits.dtype).reshape(values.shape)
    top, full = _masks(out.dtype, dropped)
    if values.dtype.kind == "f":
        order_floats(readonly(bits.reshape(-1)), np.uint64(dropped), top, full, out.reshape(-1))
        return out
    np.right_shift(bits, out.dtype.type(dropped), out=out)
    if values.dtype.kind == "i":
        out ^= top
    return out


def shifted(values: NDArray[Any], dropped: int) -> Latents:
    """The bits of the values without the lowest ones: in floats, the sign comes first."""
    bits = bits_of(values)
    return bits >> bits.dtype.type(dropped) if dropped else bits


def unordered(latents: Latents, dtype: np.dtype[Any], dropped: int = 0) -> NDArray[Any]:
    """The inverse of `ordered`, in place."""
    top, full = _masks(latents.dtype, dropped)
    if dtype.kind == "f":
        disorder_floats(latents.reshape(-1), np.uint64(dropped), top, full)
    elif dtype.kind == "i":
        latents ^= top
    if dropped and dtype.kind != "f":
        latents <<= latents.dtype.type(dropped)
    return latents.view(dtype)


def _masks(unsigned: np.dtype[Any], dropped: int) -> tuple[Any, Any]:
    """(the sign bit, all bits) once the lowest are dropped."""
    width = 8 * unsigned.itemsize - dropped
    return unsigned.type(1 << width - 1), unsigned.type((1 << width) - 1)


def zero_bits(values: NDArray[Any]) -> int:
    """How many of the lowest bits are zero in every value; 0 if all of them are."""
    used = int(np.bitwise_or.reduce(bits_of(values)))
    return (used & -used).bit_length() - 1 if used else 0


@dataclass(frozen=True)
class Factor:
    """value = float(q / size) if `inverse`, else float(q * size); size is a float64."""

    size: float
    inverse: bool

    def values(self, q: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values of dtype for these whole numbers; IEEE division and multiplication, the same everywhere."""
        wide = np.empty(q.shape, np.float32 if dtype.itemsize == 4 else np.float64)
        scale(readonly(q.reshape(-1)), self.size, self.inverse, wide.reshape(-1))
        with np.errstate(over="ignore"):
            return wide.astype(dtype, copy=False)

    def multiples(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The nearest q for each value; of those that have none (no finite number, or too large), the q before."""
        with np.errstate(all="ignore"):
            wide = values.astype(np.float64)
            q = np.rint(wide * self.size if self.inverse else wide / self.size)
            fits = np.abs(q) < 2.0**53
        if not fits.all():
            places = np.maximum.accumulate(np.where(fits, np.arange(len(q)), -1))
            q = np.where(places >= 0, q[places], 0.0)
        return q.astype(np.int64)


def decimals(sample: NDArray[Any]) -> Factor | None:
    """The factor by which nearly all of these floats are whole numbers of few digits, or next to them; None if there is none."""
    finite = sample[np.isfinite(sample) & (sample != 0)]
    if len(finite) < max(1, len(sample) // 8):
        return None
    least = float(np.abs(finite).min())
    for power in range(_MOST_POWER):
        factor = Factor(10.0**power, True)
        if np.rint(least * factor.size) >= 2.0 ** _DIGITS[sample.dtype.itemsize]:
            return None
        if len(finite) - np.sum(~_hits(finite[:_FIRST], factor)) > _HITS * len(finite) and _hits(finite, factor).mean() > _HITS:
            return factor
    return None


def _hits(values: NDArray[Any], factor: Factor) -> NDArray[np.bool_]:
    """Which of these finite floats are whole numbers of few digits by this factor, or next to them."""
    digits = _DIGITS[values.dtype.itemsize]
    with np.errstate(all="ignore"):
        q = np.rint(values.astype(np.float64) * factor.size)
    size = np.abs(q)
    few = size < 2.0**digits
    off = _distances(values, factor.values(np.where(few, q, 0).astype(np.int64), values.dtype))
    return few & (off == 0) | (size < 2.0 ** (digits - 8)) & (off <= _NEAR)


def _distances(some: NDArray[Any], others: NDArray[Any]) -> NDArray[np.unsignedinteger]:
    """How many floats lie between each two."""
    first, second = ordered(some), ordered(others)
    return np.maximum(first, second) - np.minimum(first, second)


def smallest(values: NDArray[np.int64] | Latents) -> tuple[Latents, int]:
    """Integers from their least one on, in the narrowest type that holds them; and the least."""
    least = int(values.min())
    unsigned = bits_of(values)
    return narrowed(unsigned - unsigned.dtype.type(least % (1 << 8 * unsigned.itemsize))), least


def narrowed(values: NDArray[np.int64] | Latents) -> Latents:
    """Integers from 0 on in the narrowest type that holds them."""
    most = int(values.max())
    return values.astype(f"u{next(width for width in _WIDTHS if most < 1 << 8 * width)}")


def check_width(width: int, most: int) -> np.dtype[Any]:
    """The unsigned type of so many bytes, at most `most`; raises CorruptFile."""
    if width not in _WIDTHS or width > most:
        raise CorruptFile(f"latents of {width} bytes are impossible")
    return np.dtype(f"u{width}")
