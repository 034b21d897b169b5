"""A small adaptive binary coder for side information (packed tables, heads): bits and contexts -> bytes, and back.

Speed does not matter here; a few bytes and a short compilation do. State: model i64[contexts, 2] (chance of a one less 1/2, in
65536ths; times seen) and coder i64[4] (low, high, code, position), all zero at first. A buffer is u8 with four bytes to spare.
"""

import numpy as np

from lacodec.kernels.jit import helper

FAILED = -1


@helper
def open_coder(coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """Begin; a decoder reads its first bytes, and zeros after the end."""
    coder[1] = 0xFFFFFFFF
    if decoding:
        for k in range(4):
            coder[2] = (coder[2] << 8) | (np.int64(buffer[k]) if k < length else 0)
        coder[3] = 4


@helper
def code_bit(bit, context, model, coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """One bit through a carry-less range coder, its chance learned by context (-1: even)."""
    chance = np.int64(32768)
    if context >= 0:
        chance += model[context, 0]
    middle = coder[0] + ((coder[1] - coder[0]) * chance >> 16)
    if decoding:
        bit = np.int64(coder[2] <= middle)
    if bit:
        coder[1] = middle
    else:
        coder[0] = middle + 1
    while ((coder[0] ^ coder[1]) & 0xFF000000) == 0:
        if decoding:
            coder[2] = ((coder[2] << 8) & 0xFFFFFFFF) | (np.int64(buffer[coder[3]]) if coder[3] < length else 0)
        else:
            buffer[coder[3]] = coder[1] >> 24
        coder[3] += 1
        coder[0] = (coder[0] << 8) & 0xFFFFFFFF
        coder[1] = ((coder[1] << 8) & 0xFFFFFFFF) | 255
    if context >= 0:
        target = 32768 - 48 if bit else 48 - 32768
        model[context, 0] += (target - model[context, 0]) * 2 // (2 * model[context, 1] + 3)
        model[context, 1] = min(model[context, 1] + 1, 60)
    return bit


@helper
def close_coder(coder, buffer, length, decoding):  # type: ignore[no-untyped-def]
    """End; the bytes used, or FAILED when a decoder did not end where its bytes do."""
    if decoding:
        return FAILED if coder[3] < length or coder[3] > length + 4 else length
    for kept in range(1, 5):  # the fewest bytes that stay within low..high when zeros follow
        unit = np.int64(1) << (32 - 8 * kept)
        value = (coder[0] + unit - 1) // unit * unit
        if value <= coder[1] or kept == 4:
            for k in range(kept):
                buffer[coder[3] + k] = (value >> (24 - 8 * k)) & 255
            return coder[3] + kept
    return FAILED
