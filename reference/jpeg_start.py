"""What the models of `image.jpeg`'s coefficients start from: start.bin, and tables that several of them use.

start.bin = LZMA2 of: u64 counters, u64 rows; where the counters are; a code for each; which rows; 13 signed bytes for each row;
            66 * 32 * 2 and 64 * 56 * 2 numbers of 16 bits: weights that foretell values, that foretell sizes
Places rise: each is given less the one before, in three bytes, the low ones of all first.
"""

import lzma
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

import numpy as np

from reference.data_files import read
from reference.mixing_tables import squash_table

ZIGZAG = sorted(range(64), key=lambda k: (k % 8 + k // 8, k if (k % 8 + k // 8) % 2 else -k))
PLACE = {k: z for z, k in enumerate(ZIGZAG)}  # natural place -> place in zigzag order
ORDER = [k for k in ZIGZAG if k % 8 and k // 8] + list(range(1, 8)) + list(range(8, 64, 8)) + [0]


@dataclass
class Start:
    """counters: by place; rows: by number, 12 weights and that of the constant; signed, sizes: for luma, for chroma, by place."""

    counters: dict[int, int]
    rows: dict[int, list[int]]
    signed: np.ndarray
    sizes: np.ndarray


def unpacked(name: str) -> bytes:
    """A data file that is LZMA2."""
    return lzma.decompress(read(name), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}])


def _places(data: bytes, count: int) -> list[int]:
    low, middle, high = data[:count], data[count : 2 * count], data[2 * count :]
    return list(accumulate(a + (b << 8) + (c << 16) for a, b, c in zip(low, middle, high, strict=True)))


@cache
def start() -> Start:
    """The content of start.bin."""
    data = unpacked("start.bin")
    counters, rows = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:16], "little")
    ends = list(accumulate([16, 3 * counters, counters, 3 * rows, 13 * rows, 2 * 66 * 32 * 2, 2 * 64 * 56 * 2]))
    parts = [data[a:b] for a, b in pairwise(ends)]
    squash = squash_table()
    values = [squash[(code - 11) * 192 + 3072] << 16 | 32 for code in range(23)]
    found = {place: values[code] for place, code in zip(_places(parts[0], counters), parts[1], strict=True)}
    weights = (np.frombuffer(parts[3], np.int8).astype(int) * 1024).reshape(-1, 13).tolist()
    signed, sizes = (np.frombuffer(part, "<i2").astype(np.int64) << 8 for part in parts[4:])
    table = dict(zip(_places(parts[2], rows), weights, strict=True))
    return Start(found, table, signed.reshape(2, 66, 32), sizes.reshape(2, 64, 56))


def class_of(size: int) -> int:
    """0 to 47: class of a size, 0 to 8191 in 128ths: 0 to 7 as they are, then four to an octave."""
    size = min(size, 8191)
    octave = max(size.bit_length() - 3, 0)
    return 4 * octave + (size >> octave)


def wrapped(value: int, bits: int) -> int:
    """The value as a signed number of so many bits."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def held(value: int, limit: int) -> int:
    """The value, held between -limit and limit."""
    return min(max(value, -limit), limit)
