"""Kind 8 of a group: values as differences to those of a base.

data  = u8 bytes of a value, u8 bits of the mantissa (0: whole numbers), for each class that has values: a plane for each byte of
        their codes, the lowest byte first
order = bits as a whole number that grows with the value: ~bits where the sign is set, else bits with the sign set
code  = difference of the orders of value and base, d, modulo the width: 2 d from 0 on, -2 d - 1 below
class = the base's exponent below the largest in the group, at most 7
"""

from reference.stream import Stream, need
from reference.weights_planes import read_plane

CLASSES = 8


def read_delta(data: Stream, base: bytes) -> bytes:
    """As many bytes of values as the base has."""
    width, mantissa = data.byte(), data.byte()
    need(width in (1, 2, 4, 8) and mantissa < 8 * width - 1 and len(base) % width == 0, "values of an impossible size")
    bits = 8 * width
    reference = [int.from_bytes(base[i : i + width], "little") for i in range(0, len(base), width)]
    exponents = [value >> mantissa & (1 << bits - 1 - mantissa) - 1 if mantissa else 0 for value in reference]
    classes = [min(max(exponents) - exponent, CLASSES - 1) for exponent in exponents]
    out = [0] * len(reference)
    for number in range(CLASSES):
        places = [i for i, found in enumerate(classes) if found == number]
        planes = [read_plane(data, len(places)) for _ in range(width if places else 0)]
        for k, i in enumerate(places):
            code = sum(plane[k] << 8 * place for place, plane in enumerate(planes))
            difference = -(code + 1 >> 1) if code & 1 else code >> 1
            order = _ordered(reference[i], mantissa, bits) + difference & (1 << bits) - 1
            out[i] = _unordered(order, mantissa, bits)
    data.finish()
    return b"".join(value.to_bytes(width, "little") for value in out)


def _ordered(value: int, mantissa: int, bits: int) -> int:
    """Whole numbers (mantissa 0) keep their bits."""
    if not mantissa:
        return value
    return value ^ (1 << bits) - 1 if value >> bits - 1 else value | 1 << bits - 1


def _unordered(order: int, mantissa: int, bits: int) -> int:
    if not mantissa:
        return order
    return order ^ 1 << bits - 1 if order >> bits - 1 else order ^ (1 << bits) - 1
