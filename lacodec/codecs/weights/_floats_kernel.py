"""Kernels that put floating-point values together from codes and planes, straight into the pieces of a group, and the inverse.

They go through the values in tiles that stay in the first-level cache: whole blocks of 64 values (see `_vectors`) are made in
the tile, and the tile's bytes are copied to the pieces, or from them. runs, choices: as in `_pieces_kernel`.

layout: u64[6] = bytes of a value, bits of a code, base, shift of the codes, mask of what they stand for, 1: all are negative.
ops[p]: u64 (width, low, mask, high, sign): what the fields of plane p are. tile: u8[TILE_BYTES], walk: u64[WALK], zeros at first.
"""

import numpy as np

from lacodec.codecs.weights import _vectors as v
from lacodec.kernels.jit import flat_kernel, inlined

BLOCK = np.uint64(64)
TILE = np.uint64(32)  # blocks
ZERO, ONE, HALF, FOUR, EIGHT = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(4), np.uint64(8)
TILE_BYTES, WALK = 32 * 64 * 8, 6
_RUN, _CHOICE, _AT, _END, _PLACE, _LEFT = range(6)  # of a walk


@flat_kernel
def merge(out, runs, choices, group, n, places, ops, layout, highs, kind, tile, walk):  # type: ignore[no-untyped-def]
    """Fill the pieces of a group in out (u8) with n values; returns how many codes 0 there were, if any high bits are listed.

    places: u64[2, 1 + planes], where codes and planes begin, and where they would if the block behind the last
    whole one were where its padded copy is. highs: u16, the high bits of values with code 0. kind: a value 0 of the right type.
    """
    size, found = layout[0], ZERO
    whole, blocks, at = n // BLOCK, (n + BLOCK - ONE) // BLOCK, ZERO
    while at < blocks:
        padded = np.uint64(at >= whole)
        stop = blocks if padded else min(at + TILE, whole)
        _put_codes(tile, at, stop, places[padded, 0], layout, kind)
        for p in range(np.uint64(len(ops))):
            _or_fields(tile, at, stop, places[padded, p + ONE], ops, p, kind)
        count = min(n, stop * BLOCK) - at * BLOCK
        if layout[5]:
            for i in range(count):
                tile[(i + ONE) * size - ONE] |= np.uint8(128)
        if len(highs):
            found = _restore_highs(tile, places[padded, 0], at, count, layout, highs, found)
        _to_pieces(out, runs, choices, group, tile, count * size, walk)
        at = stop
    return found


@flat_kernel
def split(data, runs, choices, group, n, places, ops, layout, highs, kind, tile, walk):  # type: ignore[no-untyped-def]
    """The inverse of `merge`: codes and planes (places: u64[1 + planes], where they begin) have room for whole blocks.

    Returns how many codes 0 there are, and whether a value with one has other high bits than 0; highs may be shorter.
    """
    size, found, some = layout[0], ZERO, False
    blocks, at = (n + BLOCK - ONE) // BLOCK, ZERO
    while at < blocks:
        stop = min(at + TILE, blocks)
        count = min(n, stop * BLOCK) - at * BLOCK
        _from_pieces(data, runs, choices, group, tile, count * size, walk)
        for i in range(count * size, (stop - at) * BLOCK * size):
            tile[i] = 0
        _take_codes(tile, at, stop, places[0], layout, kind)
        for p in range(np.uint64(len(ops))):
            _take_fields(tile, at, stop, places[p + ONE], ops, p, kind)
        found, some = _list_highs(tile, places[0], at, count, layout, highs, found, some)
        at = stop
    return found, some


@inlined
def _put_codes(tile, at, stop, begin, layout, kind):  # type: ignore[no-untyped-def]
    base, shift = layout[2], layout[3]
    if layout[1] == EIGHT:
        for n in range(at, stop):
            v.put_codes(tile, (n - at) * BLOCK, begin + n * BLOCK, base, shift, kind)
    else:
        for n in range(at, stop):
            v.put_short_codes(tile, (n - at) * BLOCK, begin + n * HALF, base, shift, kind)


@inlined
def _take_codes(tile, at, stop, begin, layout, kind):  # type: ignore[no-untyped-def]
    base, shift, mask = layout[2], layout[3], layout[4]
    if layout[1] == EIGHT:
        for n in range(at, stop):
            v.take_codes(tile, (n - at) * BLOCK, begin + n * BLOCK, base, shift, mask, kind)
    else:
        for n in range(at, stop):
            v.take_short_codes(tile, (n - at) * BLOCK, begin + n * HALF, base, shift, mask, kind)


@inlined
def _or_fields(tile, at, stop, begin, ops, p, kind):  # type: ignore[no-untyped-def]
    width, low, mask, high, sign = ops[p, 0], ops[p, 1], ops[p, 2], ops[p, 3], ops[p, 4]
    step = EIGHT * width
    if width == 8:
        for n in range(at, stop):
            v.or_bytes(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    elif width == 4:
        for n in range(at, stop):
            v.or_nibbles(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    elif width == 2:
        for n in range(at, stop):
            v.or_pairs(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    else:
        for n in range(at, stop):
            v.or_bits(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)


@inlined
def _take_fields(tile, at, stop, begin, ops, p, kind):  # type: ignore[no-untyped-def]
    width, low, mask, high, sign = ops[p, 0], ops[p, 1], ops[p, 2], ops[p, 3], ops[p, 4]
    step = EIGHT * width
    if width == 8:
        for n in range(at, stop):
            v.take_bytes(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    elif width == 4:
        for n in range(at, stop):
            v.take_nibbles(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    elif width == 2:
        for n in range(at, stop):
            v.take_pairs(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)
    else:
        for n in range(at, stop):
            v.take_bits(tile, (n - at) * BLOCK, begin + n * step, low, mask, high, sign, kind)


@inlined
def _next_piece(runs, choices, group, walk):  # type: ignore[no-untyped-def]
    """Bytes left of the group's piece that the walk is in, or of its next one; 0 behind the last."""
    run, k, at, end = walk[_RUN], walk[_CHOICE], walk[_AT], walk[_END]
    while walk[_LEFT] == ZERO:
        if at == end:
            if run == np.uint64(len(runs)):
                break
            end = at + np.uint64(runs[run, 0])
            run += ONE
        piece = min(np.uint64(runs[run - ONE, 1]), end - at)
        if choices[k] == group:
            walk[_PLACE], walk[_LEFT] = at, piece
        at += piece
        k += ONE
    walk[_RUN], walk[_CHOICE], walk[_AT], walk[_END] = run, k, at, end
    return walk[_LEFT]


@inlined
def _to_pieces(out, runs, choices, group, tile, size, walk):  # type: ignore[no-untyped-def]
    done = ZERO
    while done < size:
        part = min(size - done, _next_piece(runs, choices, group, walk))
        if part == ZERO:
            break
        v.copy_bytes(out, walk[_PLACE], tile, done, part)
        done += part
        walk[_PLACE] += part
        walk[_LEFT] -= part


@inlined
def _from_pieces(data, runs, choices, group, tile, size, walk):  # type: ignore[no-untyped-def]
    done = ZERO
    while done < size:
        part = min(size - done, _next_piece(runs, choices, group, walk))
        if part == ZERO:
            break
        v.copy_bytes(tile, done, data, walk[_PLACE], part)
        done += part
        walk[_PLACE] += part
        walk[_LEFT] -= part


@inlined
def _zeros(begin, n, count, width):  # type: ignore[no-untyped-def]
    """Bit j says whether code j of block n is 0; only the first `count` codes count. begin: where the codes begin."""
    found = v.zero_codes(begin + n * BLOCK) if width == EIGHT else v.zero_short_codes(begin + n * HALF)
    return found if count >= BLOCK else found & ((ONE << count) - ONE)


@inlined
def _restore_highs(tile, begin, at, count, layout, highs, found):  # type: ignore[no-untyped-def]
    """Put listed high bits into the tile, `count` values from block `at` on; returns `found` and the number of codes 0."""
    size = layout[0]
    for first in range(ZERO, count, BLOCK):
        zeros = _zeros(begin, at + first // BLOCK, count - first, layout[1])
        i = np.uint64(first)
        while zeros != ZERO:
            if zeros & ONE:
                if found < np.uint64(len(highs)):
                    value = np.uint64(highs[found]) << layout[3]
                    for k in range(size):
                        tile[i * size + k] |= np.uint8((value >> (EIGHT * k)) & np.uint64(255))
                found += ONE
            zeros >>= ONE
            i += ONE
    return found


@inlined
def _list_highs(tile, begin, at, count, layout, highs, found, some):  # type: ignore[no-untyped-def]
    """The inverse of `_restore_highs`; `found` and `some` are what `split` returns."""
    size = layout[0]
    for first in range(ZERO, count, BLOCK):
        zeros = _zeros(begin, at + first // BLOCK, count - first, layout[1])
        i = np.uint64(first)
        while zeros != ZERO:
            if zeros & ONE:
                value = ZERO
                for k in range(size):
                    value |= np.uint64(tile[i * size + k]) << (EIGHT * k)
                high = (value >> layout[3]) & layout[4]
                some |= high != ZERO
                if found < np.uint64(len(highs)):
                    highs[found] = high
                found += ONE
            zeros >>= ONE
            i += ONE
    return found, some
