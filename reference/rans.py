"""The rANS stream for symbols of any number, with up to 64 lanes.

    stream = u8 kind, number count, [number bytes of escapes], state, escapes, words                                     one lane
           | u8 kind, number count, [number bytes of escapes], number tail, u8 used, end states, escapes, words        more lanes

kind: bits 0-2 log2 of the lanes; bit 3 set: states of 64 and words of 32 bits, else 32 and 16; bits 4-6 (one lane) bytes of the
state less one; bit 7 escapes follow. Symbol i belongs to lane i modulo the lanes. The last `tail` symbols form a stream of one
lane, of `used` words: two for its state, then its words; these are the lower halves of the states that the lanes are left with.
End states: the length in bits of each, less half its width (4 or 5 bits), packed; then the bits below the leading one of each.
"""

from collections.abc import Callable

from reference.stream import Stream, need
from reference.tables import Tables


def decode(
    data: bytes, tables: Tables, index: list[int] | Callable[[int, list[int]], int] | None, n: int
) -> tuple[list[int], list[int]]:
    """The rows of n symbols, symbol i with table index[i] (None: table 0); the distances of the escaped values.

    index may also be a function of i and the rows so far.
    """
    stream = Stream(data)
    kind = stream.byte()
    half, lanes = (32 if kind & 8 else 16), 1 << (kind & 7)
    need(stream.number() == n, "a stream of another number of symbols")
    size = stream.number() if kind & 128 else 0
    tail = used = 0
    if lanes == 1:
        states = [stream.uint((kind >> 4) % 8 + 1)]
    else:
        tail, used = stream.number(), stream.byte()
        states = _end_states(stream, lanes, half)
    distances = distances_of(stream.take(size))
    rest = stream.rest()
    words = [int.from_bytes(rest[i : i + half // 8], "little") for i in range(0, len(rest), half // 8)]
    out: list[int] = []
    at = 0
    for i in range(n):
        if lanes > 1 and i == n - tail:
            need(at == len(words), "a stream that does not use up its words")
            words, at = _tail(states, half, used)
            states, lanes = [words[0] | words[1] << half], 1
        row, state, at = _take(
            states[i % lanes], tables, index(i, out) if callable(index) else index[i] if index is not None else 0, half, words, at
        )
        states[i % lanes] = state
        out.append(row)
    if lanes > 1:
        words, at = _tail(states, half, used)
        states = [words[0] | words[1] << half]
    need(states[0] == 1 and at == len(words), "a stream that does not end in its start state")
    return out, distances


def distances_of(block: bytes) -> list[int]:
    """Escaped values: how far each lies behind its table's last row, folded (0, -1, 1, -2 ...), plus one, in Elias gamma."""
    bits, out = "".join(f"{byte:08b}" for byte in block), []
    at = 0
    while (zeros := bits.find("1", at) - at) >= 0:
        folded = int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1
        out.append(folded >> 1 if folded % 2 == 0 else -(folded + 1 >> 1))
        at += 2 * zeros + 1
    need(len(bits) - at < 8, "escaped values that nobody read")
    return out


def _end_states(stream: Stream, lanes: int, half: int) -> list[int]:
    unit = 4 if half == 16 else 5
    packed = stream.uint((lanes * unit + 7) // 8)
    lengths = [(packed >> k * unit) % (1 << unit) + half for k in range(lanes)]
    packed = stream.uint((sum(lengths) + 7) // 8)
    states = []
    for bits in lengths:
        states.append(1 << bits | packed % (1 << bits))
        packed >>= bits
    return states


def _tail(states: list[int], half: int, used: int) -> tuple[list[int], int]:
    """The words of the tail, out of the states that the lanes are left with, and the place of the first behind its state."""
    words = [state - (1 << half) for state in states]
    need(all(0 <= word < 1 << half for word in words) and not any(words[used:]), "lanes that do not end where they began")
    return words[:used], 2


def _take(state: int, tables: Tables, t: int, half: int, words: list[int], at: int) -> tuple[int, int, int]:
    """(row, state, place of the next word) of one symbol."""
    slot = state % (1 << tables.freq_bits)
    row, start, freq = tables.slots[t][slot]
    state = freq * (state >> tables.freq_bits) + slot - start
    if state < 1 << half and at < len(words):
        state, at = state << half | words[at], at + 1
    return row, state, at
