"""32-bit floats from integers and a rest.

data  = signed scale, number kind (0: no rest; 1: rest), [four packed planes of its bytes, the lowest first]
bits  = bits of (integer x 2 ** -scale, rounded to a float) + rest, modulo 2 ** 32
rest  = u32, folded: 0, -1, 1, -2 ... are 0, 1, 2, 3 ...; sample by sample, channel after channel
"""

from math import ldexp

import numpy as np

from reference.bytes_codec import unzstd
from reference.stream import Stream, need

MAX_SCALE = 200


def unpack(stream: Stream, size: int) -> bytes:
    """Bytes of a known size: the size of a zstd frame and the frame, or 0 and the bytes."""
    length = stream.number()
    data = unzstd(stream.take(length), size) if length else stream.take(size)
    need(len(data) == size, "packed bytes of another size")
    return data


def read_rest(stream: Stream, count: int) -> tuple[int, list[int]]:
    """(scale, rest of each of `count` samples)."""
    scale, kind = stream.signed(), stream.number()
    need(abs(scale) <= MAX_SCALE and kind <= 1, "impossible floats")
    if not kind:
        return scale, [0] * count
    planes = [unpack(stream, count) for _ in range(4)]
    folded = [sum(plane[i] << 8 * k for k, plane in enumerate(planes)) for i in range(count)]
    return scale, [-(value + 1 >> 1) if value & 1 else value >> 1 for value in folded]


def join(rows: list[list[int]], scale: int, rest: list[int]) -> list[list[int]]:
    """The bits of the floats, as signed integers, by channel."""
    out, more = [], iter(rest)
    for row in rows:
        with np.errstate(over="ignore", under="ignore"):
            rounded = np.array([ldexp(float(value), -scale) for value in row], np.float64).astype(np.float32).view(np.int32)
        bits = [(int(value) + next(more)) & 0xFFFFFFFF for value in rounded]
        out.append([value - (value >> 31 << 32) for value in bits])
    return out
