"""Tensors whose values repeat: few different ones, many zeros, or the same sequences again and again.

few values   u8 bytes of a value, u8 how many values less one, the values in ascending order, a plane with the number of each
many zeros   u8 bytes of a value, a plane of bits (1: not zero; the lowest bit first), `_floats` of the values that are not zero
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._cluster_kernel import different_of
from lacodec.codecs.weights._floats import encode_floats
from lacodec.codecs.weights._floats_decode import decode_floats
from lacodec.codecs.weights._pieces import Part
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch

_SIZES = (2, 4, 8)
_SAMPLE = 1024  # values
_REPEATED = {2: 0.5, 4: 0.1, 8: 0.1}  # share of a sample that must be repetitions, by bytes of a value
_ZEROS = 0.05  # share of zeros from which a mask pays


def repeats(values: NDArray[Any], begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[bool]:
    """For runs of `values`: whether a sample from the middle has enough equal ones to justify a closer look at the run."""
    found = np.empty(len(begins), np.int64)
    different_of(readonly(values), begins, lengths, _SAMPLE, found)
    few: list[bool] = (found <= np.minimum(lengths, _SAMPLE) * (1 - _REPEATED[values.itemsize])).tolist()
    return few


def encode_few(values: NDArray[Any]) -> Writer | None:
    """The values (unsigned) as numbers of a list, None if more than 256 are different."""
    if len(np.unique(values[:_SAMPLE])) > 256:
        return None
    different, numbers = np.unique(values, return_inverse=True)
    if len(different) > 256:
        return None
    out = Writer()
    out.write(bytes([values.itemsize, len(different) - 1]))
    out.write(different.astype(f"<u{values.itemsize}").tobytes())
    encode_plane(out, numbers.astype(np.uint8))
    return out


def decode_few(data: memoryview, out: NDArray[np.uint8]) -> None:
    """Fill out (u8, the bytes of the values); raises CorruptFile."""
    reader = Reader(data)
    size, last = reader.take(2)
    if size not in _SIZES or len(out) % size:
        raise CorruptFile("a list of values has an impossible size")
    different = np.frombuffer(reader.take(size * (last + 1)), np.uint8).reshape(-1, size)
    numbers = decode_plane(reader, len(out) // size)
    reader.finish()
    if len(numbers) and int(numbers.max()) > last:
        raise CorruptFile("a value has a number that is not in the list")
    out.reshape(-1, size)[...] = different[numbers]


def encode_sparse(values: NDArray[Any], mantissa: int, counts: NDArray[np.int64], extra: int) -> Writer | None:
    """A mask and the other values, None if few are zero; the arguments are those of `encode_floats`."""
    mask = values != 0
    zeros = len(values) - int(np.count_nonzero(mask))
    if zeros < _ZEROS * len(values) or zeros == len(values):
        return None
    counts = counts.copy()
    counts[0] -= zeros
    out = Writer()
    out.write(bytes([values.itemsize]))
    encode_plane(out, np.packbits(mask, bitorder="little"))
    out.piece(encode_floats(Part.of(values[mask].view(np.uint8)), mantissa, counts, extra))
    return out


def decode_sparse(data: memoryview, out: NDArray[np.uint8]) -> None:
    """Fill out (u8, the bytes of the values); raises CorruptFile."""
    reader = Reader(data)
    size = reader.take(1)[0]
    if size not in _SIZES or len(out) % size:
        raise CorruptFile("a mask has values of an impossible size")
    count = len(out) // size
    packed = decode_plane(reader, -(-count // 8))
    mask = np.unpackbits(packed, count=count, bitorder="little").view(np.bool_)
    values = scratch(int(np.count_nonzero(mask)) * size)
    decode_floats(reader.piece(), Part.of(values))
    reader.finish()
    rows = out.reshape(-1, size)
    rows[...] = 0
    rows[mask] = values.reshape(-1, size)
