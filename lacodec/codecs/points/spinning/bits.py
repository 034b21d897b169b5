"""Single decisions by adaptive counters: a coder for flags whose contexts are few enough to be counted directly."""

from typing import Any, NamedTuple

import numpy as np

from lacodec.entropy.mixing import DECODING, POSITION, READ_AHEAD, code_decision, finish, start
from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.errors import CorruptFile
from lacodec.kernels.jit import inlined

U = np.uint64
LIMIT = 250
"""Count at which a counter stops slowing down."""
_EVEN = 1 << 31


class Bits(NamedTuple):
    """A coder and its counters; `mixing.start` and `mixing.finish` work on it."""

    plan: np.ndarray  # int64[16], with DECODING where the mixing engine has it
    registers: np.ndarray  # int64[8]
    stream: np.ndarray  # uint8
    counters: np.ndarray  # uint32: 22-bit probability of a one, 10-bit count
    reciprocal: np.ndarray  # int32[1024]


def new_bits(counters: int, stream: np.ndarray, *, decoding: bool) -> Bits:
    """A coder with so many counters that have seen nothing."""
    plan = np.zeros(16, np.int64)
    plan[DECODING] = decoding
    _, _, _, reciprocal = mixing_tables()
    return Bits(plan, np.zeros(8, np.int64), stream, np.full(counters, _EVEN, np.uint32), reciprocal)


def finished(b: Bits) -> bytes:
    """The bytes of an encoder."""
    finish(b)
    return b.stream[: b.registers[POSITION]].tobytes()


def started(data: bytes | memoryview, counters: int) -> Bits:
    """A decoder of these bytes."""
    b = new_bits(counters, np.frombuffer(data, np.uint8).copy(), decoding=True)
    start(b)
    return b


def check_end(b: Bits) -> None:
    """Raise CorruptFile unless a decoder has read all bytes."""
    if int(b.registers[POSITION]) != b.stream.size + READ_AHEAD:
        raise CorruptFile("a section of a sweep does not end with its last decision")


@inlined
def code_flag(b: Bits, at: int, bit: int) -> int:
    """Code a bit by one counter."""
    entry = b.counters[at]
    p = min(max(np.int64(entry >> np.uint32(16)), 8), 65528)
    bit = code_decision(b.registers, b.stream, p, U(bit), b.plan[DECODING])
    b.counters[at] = _moved(entry, np.int64(bit), b.reciprocal)
    return bit


@inlined
def code_flag_by_two(b: Bits, one: int, other: int, bit: int) -> int:
    """Code a bit by two counters; the one that is surer counts more."""
    first, second = b.counters[one], b.counters[other]
    p, q = np.int64(first >> np.uint32(16)), np.int64(second >> np.uint32(16))
    sure_p, sure_q = abs(p - 32768) + 256, abs(q - 32768) + 256
    sure_p *= np.int64(first & np.uint32(1023)) + 1
    sure_q *= np.int64(second & np.uint32(1023)) + 1
    both = U(p * sure_p + q * sure_q) // U(sure_p + sure_q)
    chance = min(max(np.int64(both), 8), 65528)
    bit = code_decision(b.registers, b.stream, chance, U(bit), b.plan[DECODING])
    b.counters[one] = _moved(first, np.int64(bit), b.reciprocal)
    b.counters[other] = _moved(second, np.int64(bit), b.reciprocal)
    return bit


@inlined
def code_size(b: Bits, base: int, most: int, value: int) -> Any:
    """Code a number from 0, below 2**most, by Elias' gamma code: counters from `base` on, 2 * `most` of them."""
    size = U(value) + U(1)
    bits = U(0)
    while bits < U(most):
        more = code_flag(b, U(base) + bits, (size >> (bits + U(1))) != U(0))
        if not more:
            break
        bits += U(1)
    found = U(1)
    for k in range(bits):
        left = bits - U(1) - k
        found = found * U(2) + code_flag(b, U(base) + U(most) + left, (size >> left) & U(1))
    return np.int64(found) - 1


@inlined
def _moved(entry: np.uint32, bit: int, reciprocal: np.ndarray) -> np.uint32:
    count = entry & np.uint32(1023)
    p = np.int64(entry >> np.uint32(10))
    p += ((((bit << 22) - bit) - p) * np.int64(reciprocal[count])) >> 16
    return (np.uint32(p) << np.uint32(10)) | (count + np.uint32(count < LIMIT))
