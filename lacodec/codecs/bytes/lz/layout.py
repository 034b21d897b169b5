"""Shared by encoder and decoder of the LZ codec: the alphabets, their contexts, and memory access for its kernels.

A chunk is a list of sequences (run of literals, match) and a tail of literals. Every sequence is coded as

    run length | literals ... | offset | match length        each with a table that its context selects

An offset is the difference of two *ranks*: either the positions themselves, so that it is the distance of the match, or, of
each position, how many before it are behind the same byte. Then only matches whose bytes before agree can be
named, by smaller numbers.

Lengths and offsets are slots (small values, or a power of two and its upper bits); the bits below a slot are stored raw.
"""

import numpy as np

from lacodec.kernels.jit import helper, intrinsic, kernel
from lacodec.kernels.llvm import cgutils, ir, types

U = np.uint64

# Contexts by kind, numbered through all kinds. A literal after a match: the byte where that match would have gone on, which this
# one is not. Other literals: the byte before. Run length: the byte before. Offset: run length 0, 1, more and the byte before.
# Match length: run length 0..3 and the class of the offset.
FIRST_LITERAL, LITERAL, RUN, OFFSET, LENGTH = range(5)
CONTEXT_BASES = np.array([0, 256, 512, 768, 1536, 1600], np.int64)
CONTEXTS = 1600
ALPHABETS = np.array([256, 256, 200, 112, 200], np.int64)
KINDS = 5
MAX_TABLES = 64  # per kind

REPEATS = 4  # offset symbols 0..3: one of the last four offsets
LENGTH_DETAIL, OFFSET_DETAIL = 3, 2  # upper bits of a value within its slot
FREQ_BITS = 11
PADDING = 32  # bytes after every byte array that kernels read or write eight at a time


_I1, _I64 = ir.IntType(1), ir.IntType(64)


def _byte_address(context, builder, array_type, array, index):  # type: ignore[no-untyped-def]
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _I64.as_pointer())


@intrinsic
def load64(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Eight bytes of a uint8 array from `index` on (unaligned, unchecked) as uint64, the first one lowest."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value = builder.load(_byte_address(context, builder, signature.args[0], *arguments))
        value.align = 1
        return value

    return types.uint64(array, types.uint64), generate


@intrinsic
def store64(typing_context, array, index, value):  # type: ignore[no-untyped-def]
    """Write a uint64 to the eight bytes of a uint8 array from `index` on (unaligned, unchecked)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(arguments[2], _byte_address(context, builder, signature.args[0], *arguments[:2])).align = 1
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), generate


def _count_zeros(name):  # type: ignore[no-untyped-def]
    def typed(typing_context, value):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_I64, [_I64, _I1]), f"llvm.{name}.i64")
            return builder.call(function, [arguments[0], _I1(0)])

        return types.uint64(types.uint64), generate

    return typed


trailing_zeros = intrinsic(_count_zeros("cttz"))
leading_zeros = intrinsic(_count_zeros("ctlz"))


@helper
def common_length(data, a, b, length, limit):  # type: ignore[no-untyped-def]
    """How far data[a:] and data[b:] agree, at most `limit`; `length` bytes are known to. Reads up to 8 bytes beyond."""
    while length < limit:
        difference = load64(data, a + length) ^ load64(data, b + length)
        if difference != U(0):
            return min(length + (trailing_zeros(difference) >> U(3)), limit)
        length += U(8)
    return limit


@kernel
def slot_of(value, detail):  # type: ignore[no-untyped-def]
    """Slot of a value: itself below 2**(detail + 1), then 2**detail slots for every power of two."""
    if value < (U(2) << detail):
        return value
    extra = U(63) - leading_zeros(value) - detail
    return (extra << detail) + (value >> extra)


@kernel
def extra_bits(slot, detail):  # type: ignore[no-untyped-def]
    """Raw bits that follow a slot."""
    group = slot >> detail
    return group - U(1) if group > U(1) else U(0)


@helper
def move_to_front(last, distance):  # type: ignore[no-untyped-def]
    """Make a distance the first of the last four, u64[4]; returns where it was, or 4."""
    place = U(REPEATS)
    for k in range(REPEATS - 1, -1, -1):
        if last[k] == distance:
            place = U(k)
    for k in range(REPEATS - 1, 0, -1):
        if U(k) <= place:
            last[k] = last[k - 1]
    last[0] = distance
    return place


@helper
def run_context(before):  # type: ignore[no-untyped-def]
    """Row of the tables for the length of a run of literals, after a symbol of kind `before`."""
    return U(512) + before


@helper
def offset_context(run, before):  # type: ignore[no-untyped-def]
    """Row for the class of a distance, after a run of `run` literals."""
    return U(768) + (min(run, U(2)) << U(8)) + before


@helper
def length_context(run, offset_symbol):  # type: ignore[no-untyped-def]
    """Row for the length of a match whose distance has the class `offset_symbol`."""
    few, far = U(offset_symbol > U(0)), U(offset_symbol >= U(REPEATS))
    distance_class = few + far * (U(1) + ((offset_symbol - U(REPEATS)) >> U(3)))
    return U(1536) + (min(run, U(3)) << U(4)) + distance_class
