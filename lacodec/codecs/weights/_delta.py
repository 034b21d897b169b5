"""Values as differences to those of a base: the count of representable numbers between the two.

    group = u8 bytes of a value, u8 bits of the mantissa (0: whole numbers), for each class: planes, the lowest byte first
    order = the bits of a value as a whole number that grows with it: ~bits of negative ones, bits with the sign set of others
    code  = difference of the orders, d, modulo the width: 2 d, or -2 d - 1 below zero
    class = exponent of the base's value below the largest one in the group, at most 7: small values move by more steps

The codes of one class follow each other; a class without values has no planes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._planes import decode_plane, encode_plane, entropy
from lacodec.errors import CorruptFile

_SIZES = (1, 2, 4, 8)
_CLASSES = 8
_SAMPLE = 1 << 13  # values


def encode_delta(values: NDArray[Any], base: NDArray[Any], mantissa: int) -> Writer:
    """The group for values (unsigned), given those of the base."""
    out = Writer()
    out.write(bytes([values.itemsize, mantissa]))
    codes, classes = _codes(values, base, mantissa), _classes(base, mantissa)
    for number in range(_CLASSES):
        part = codes[classes == number].view(np.uint8).reshape(-1, values.itemsize)
        for place in range(values.itemsize if len(part) else 0):
            encode_plane(out, np.ascontiguousarray(part[:, place]))
    return out


def decode_delta(data: memoryview, base: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Fill out (u8, the bytes of the values), given those of the base; raises CorruptFile."""
    reader = Reader(data)
    size, mantissa = reader.take(2)
    if size not in _SIZES or mantissa >= 8 * size - 1 or len(out) % size:
        raise CorruptFile("a difference has values of an impossible size")
    reference = np.frombuffer(base.tobytes(), f"<u{size}")
    classes = _classes(reference, mantissa)
    codes = np.empty(len(reference), f"<u{size}")
    for number in range(_CLASSES):
        chosen = classes == number
        count = int(np.count_nonzero(chosen))
        if count:
            planes = [decode_plane(reader, count) for _ in range(size)]
            codes[chosen] = np.stack(planes, axis=1).view(f"<u{size}")[:, 0]
    reader.finish()
    one = codes.dtype.type(1)
    steps = (codes >> one) ^ -(codes & one)
    out[...] = _unordered(_ordered(reference, mantissa) + steps, mantissa).view(np.uint8)


def pays(values: NDArray[Any], base: NDArray[Any], mantissa: int) -> bool:
    """Whether a sample of the values is shorter as a difference than by its exponents."""
    begin = max(0, (len(values) - _SAMPLE) // 2)
    part, reference = values[begin : begin + _SAMPLE], base[begin : begin + _SAMPLE]
    planes = _codes(part, reference, mantissa).view(np.uint8).reshape(-1, values.itemsize)
    bits = sum(entropy(np.bincount(planes[:, place], minlength=256)) for place in range(values.itemsize))
    if not mantissa:
        plain = part.view(np.uint8).reshape(-1, values.itemsize)
        return bits < sum(entropy(np.bincount(plain[:, place], minlength=256)) for place in range(values.itemsize))
    exponents = (part >> part.dtype.type(mantissa)).astype(np.int64)
    return bits < entropy(np.unique(exponents, return_counts=True)[1]) + mantissa * len(part)


def _codes(values: NDArray[Any], base: NDArray[Any], mantissa: int) -> NDArray[Any]:
    steps = _ordered(values, mantissa) - _ordered(base, mantissa)
    kind = steps.dtype.type
    return (steps << kind(1)) ^ -(steps >> kind(8 * steps.itemsize - 1))


def _ordered(values: NDArray[Any], mantissa: int) -> NDArray[Any]:
    if not mantissa:
        return values
    kind = values.dtype.type
    top = kind(8 * values.itemsize - 1)
    return values ^ (-(values >> top) | kind(1) << top)


def _unordered(orders: NDArray[Any], mantissa: int) -> NDArray[Any]:
    if not mantissa:
        return orders
    kind = orders.dtype.type
    top = kind(8 * orders.itemsize - 1)
    return orders ^ (((orders >> top) - kind(1)) | kind(1) << top)


def _classes(base: NDArray[Any], mantissa: int) -> NDArray[np.uint8]:
    if not mantissa or not len(base):
        return np.zeros(len(base), np.uint8)
    kind = base.dtype.type
    exponents = base >> kind(mantissa) & kind((1 << (8 * base.itemsize - 1 - mantissa)) - 1)
    return np.minimum(exponents.max() - exponents, kind(_CLASSES - 1)).astype(np.uint8)
