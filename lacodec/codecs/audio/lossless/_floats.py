"""32-bit floats as integers that predict well, and a rest that makes them exact: signs of zero, small numbers, infinities, NaN.

float bits --split--> q = x * 2**scale, rounded ~~ rest: bits - bits(q / 2**scale)
"""

from typing import NamedTuple

import numpy as np

from lacodec.codecs.fields import Reader, Writer, pack, unpack
from lacodec.errors import CorruptFile

_SCALES = (7, 15, 23, 31)  # of sound that was integer once
_BITS = 23
_MAX_SCALE = 200


class Rest(NamedTuple):
    """What `join` needs: the scale, and for each sample what to add to the bits (None: nothing)."""

    scale: int
    bits: np.ndarray | None


def split(bits: np.ndarray) -> tuple[np.ndarray, bytes]:
    """int64[channels, n] of float bits -> (integers, the packed rest)."""
    x = bits.astype(np.int32).view(np.float32)
    wide = np.where(np.isfinite(x), x, np.float32(0)).astype(np.float64)
    out = Writer()
    largest = float(np.abs(wide).max()) if wide.size else 0.0
    for scale in _SCALES:
        q = np.rint(np.ldexp(wide, scale)) + 0.0 if np.ldexp(largest, scale) < 1 << 31 else None
        if q is not None and np.array_equal(_bits(q, scale), bits):
            out.signed(scale)
            out.number(0)
            return q.astype(np.int64), out.data
    scale = _BITS - int(np.frexp(largest)[1]) if largest else 0
    q = np.rint(np.ldexp(wide, scale)) + 0.0  # no negative zeros: integers have none
    rest = (bits - _bits(q, scale)).astype(np.int32).astype(np.int64).reshape(-1)
    folded = ((rest << 1) ^ (rest >> 63)).astype("<u4")
    out.signed(scale)
    out.number(1)
    for plane in folded.view(np.uint8).reshape(-1, 4).T:
        pack(out, plane.tobytes())
    return q.astype(np.int64), out.data


def read(reader: Reader, count: int) -> Rest:
    """The rest of `count` samples, out of a payload."""
    scale, kind = reader.signed(), reader.number()
    if abs(scale) > _MAX_SCALE or kind > 1:
        raise CorruptFile("invalid description of its floats")
    if kind == 0:
        return Rest(scale, None)
    planes = np.frombuffer(b"".join(unpack(reader, count) for _ in range(4)), np.uint8).reshape(4, count)
    folded = np.ascontiguousarray(planes.T).view("<u4").reshape(-1).astype(np.int64)
    return Rest(scale, (folded >> 1) ^ -(folded & 1))


def join(q: np.ndarray, rest: Rest) -> np.ndarray:
    """The inverse of `split`: int64[channels, n] of float bits."""
    bits = _bits(q.astype(np.float64), rest.scale)
    if rest.bits is not None:
        bits = (bits + rest.bits.reshape(bits.shape)).astype(np.int32).astype(np.int64)
    return bits


def _bits(q: np.ndarray, scale: int) -> np.ndarray:
    """int64: the bits of q * 2**-scale rounded to single precision, ties to even; q: whole numbers below 2**53.

    In integers, because a processor that flushes subnormal numbers to zero, as torch can set it, would round otherwise.
    """
    size = np.abs(q).astype(np.int64)
    exponent = np.frexp(size.astype(np.float64))[1].astype(np.int64) - 1  # of the highest bit of q
    power = exponent - scale
    cut = np.clip(np.where(power >= -126, exponent - 23, scale - 149), -40, 60)  # bits that single precision drops
    down, up = np.maximum(cut, 0), np.maximum(-cut, 0)
    kept = (size >> down) << up
    rest, half = size & ((1 << down) - 1), (1 << down) >> 1
    kept += (down > 0) & ((rest > half) | ((rest == half) & (kept & 1 == 1)))
    bits = np.where(power >= -126, ((power + 126) << 23) + kept, kept)  # a carry moves into the exponent by itself
    bits = np.where(size == 0, 0, np.minimum(bits, 0x7F800000))
    return np.where(q < 0, bits - (1 << 31), bits)
