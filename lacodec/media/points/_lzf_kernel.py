"""LZF as the point cloud libraries write and read it: literals, and matches up to 8 KiB back; greedy, by a table of positions.

    000LLLLL, L + 1 bytes       LLLooooo oooooooo, L + 2 bytes again       111ooooo LLLLLLLL oooooooo, L + 9 bytes again

`o` + 1 is the distance. The writers differ in how they hash three bytes and in which positions they enter after a match.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

S = np.int64
U = np.uint64
_NEAR = 1 << 13
_LONGEST = 264
_RUN = 32


@kernel
def unpack(data, out):  # type: ignore[no-untyped-def]
    """Fill u8 `out` from u8 `data`; the bytes of `data` that this takes, -1 if they are no such stream."""
    at, made = S(0), S(0)
    size, wanted = S(len(data)), S(len(out))
    while made < wanted:
        if at >= size:
            return S(-1)
        control = S(data[U(at)])
        at += 1
        if control < _RUN:
            count = control + 1
            if at + count > size or made + count > wanted:
                return S(-1)
            for i in range(count):
                out[U(made + i)] = data[U(at + i)]
            at, made = at + count, made + count
            continue
        count = control >> 5
        if count == 7:
            if at >= size:
                return S(-1)
            count += S(data[U(at)])
            at += 1
        if at >= size:
            return S(-1)
        place = made - ((control & 31) << 8) - 1 - S(data[U(at)])
        at += 1
        count += 2
        if place < 0 or made + count > wanted:
            return S(-1)
        for i in range(count):
            out[U(made + i)] = out[U(place + i)]
        made += count
    return at


@helper
def _common(data, place, at, most):  # type: ignore[no-untyped-def]
    """How many bytes agree, from three on. The writers look at 16 of them before they heed the limit."""
    count = S(2)
    if most > 16:
        for _ in range(16):
            count += 1
            if data[U(place + count)] != data[U(at + count)]:
                return count
    count += 1
    while count < most and data[U(place + count)] == data[U(at + count)]:
        count += 1
    return count


@kernel
def pack(data, table, bits, factor, out):  # type: ignore[no-untyped-def]
    """Bytes that u8 `data` takes in u8 `out`, which holds 33/32 of it and 8 more. table: i64[1 << bits], zeros.

    bits, factor: of the hash; writers with factor 5 enter two positions after a match, those with factor 1 one.
    """
    size, last = S(len(data)), S(len(data)) - 2
    mask, down = U((1 << bits) - 1), U(24 - bits)
    at, made, run = S(0), S(1), S(0)
    while at < last:
        three = (U(data[U(at)]) << U(16)) | (U(data[U(at + 1)]) << U(8)) | U(data[U(at + 2)])
        slot = ((three >> down) - three * U(factor)) & mask
        place = table[slot]
        table[slot] = at
        away = at - place - 1
        near = place > 0 and away < _NEAR
        if not (
            near
            and data[U(place + 2)] == data[U(at + 2)]
            and data[U(place)] == data[U(at)]
            and data[U(place + 1)] == data[U(at + 1)]
        ):
            out[U(made)] = data[U(at)]
            at, made, run = at + 1, made + 1, run + 1
            if run == _RUN:
                out[U(made - run - 1)] = np.uint8(run - 1)
                made, run = made + 1, S(0)
            continue
        if run:
            out[U(made - run - 1)] = np.uint8(run - 1)
        else:
            made -= 1
        count = _common(data, place, at, min(size - at - 2, S(_LONGEST)))
        length = count - 2
        if length < 7:
            out[U(made)] = np.uint8((away >> 8) + (length << 5))
            made += 1
        else:
            out[U(made)], out[U(made + 1)] = np.uint8((away >> 8) + (7 << 5)), np.uint8(length - 7)
            made += 2
        out[U(made)] = np.uint8(away & 255)
        made, run = made + 2, S(0)
        at += count
        if at >= last:
            break
        for again in range(at - (2 if factor == 5 else 1), at):
            three = (U(data[U(again)]) << U(16)) | (U(data[U(again + 1)]) << U(8)) | U(data[U(again + 2)])
            table[((three >> down) - three * U(factor)) & mask] = again
    while at < size:
        out[U(made)] = data[U(at)]
        at, made, run = at + 1, made + 1, run + 1
        if run == _RUN:
            out[U(made - run - 1)] = np.uint8(run - 1)
            made, run = made + 1, S(0)
    if run:
        out[U(made - run - 1)] = np.uint8(run - 1)
        return made
    return made - 1
