"""The rANS stream in plain Python, straight from `lacodec/entropy/rans_stream.py` and `_rans_escape.py`; slow and obvious."""

from collections.abc import Iterator

from lacodec.entropy.tables import Tables

Span = tuple[int, int, int]  # frequency, start, freq_bits


def spans(rows: list[int], tables: Tables, index: list[int] | None = None) -> list[Span]:
    """The span of each table row."""
    out = []
    for i, row in enumerate(rows):
        t = index[i] if index is not None else 0
        at = int(tables.offsets[t])
        freqs = tables.freqs[at : int(tables.offsets[t + 1])].tolist()
        out.append((freqs[row], sum(freqs[:row]), tables.freq_bits))
    return out


def gamma(distances: list[int]) -> bytes:
    """The block of escaped values."""
    bits = ""
    for distance in distances:
        code = bin(2 * distance + 1 if distance >= 0 else -2 * distance)[2:]
        bits += "0" * (len(code) - 1) + code
    return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))


def distances_of(block: bytes) -> list[int]:
    """The distances in a block of escaped values."""
    bits, out = "".join(f"{byte:08b}" for byte in block), []
    while "1" in bits:
        zeros = bits.index("1")
        value = int(bits[zeros : 2 * zeros + 1], 2)
        out.append(-value // 2 if value % 2 == 0 else value // 2)
        bits = bits[2 * zeros + 1 :]
    assert len(bits) < 8
    return out


def encode(symbols: list[Span], width: int, lanes: int, block: bytes = b"") -> bytes:
    """The stream of these spans, with that many lanes and this block of escaped values."""
    flag, sizes = (128, varint(len(symbols)) + varint(len(block))) if block else (0, varint(len(symbols)))
    half = width // 2
    count = len(symbols)
    left = count
    state, tail_words = 1, []
    while lanes > 1 and left and len(tail_words) < lanes - 2 and count - left < 64 * lanes:
        left -= 1
        state = _put(state, symbols[left], half, tail_words)
    if lanes == 1:
        words: list[int] = []
        for symbol in reversed(symbols):
            state = _put(state, symbol, half, words)
        size = (state.bit_length() + 7) // 8
        head = bytes([flag | (width == 64) << 3 | (size - 1) << 4]) + sizes + state.to_bytes(size, "little")
        return head + block + _words(words, half)
    payload = [state % (1 << half), state >> half, *reversed(tail_words)]
    used = len(payload)
    states = [1 << half | word for word in payload + [0] * (lanes - used)]
    words = []
    for i in reversed(range(left)):
        states[i % lanes] = _put(states[i % lanes], symbols[i], half, words)
    head = bytes([flag | lanes.bit_length() - 1 | (width == 64) << 3]) + sizes + varint(count - left) + bytes([used])
    lengths, mantissas, at = 0, 0, 0
    unit = 4 if half == 16 else 5
    for k, state in enumerate(states):
        bits = state.bit_length() - 1
        lengths |= (bits - half) << k * unit
        mantissas |= (state - (1 << bits)) << at
        at += bits
    head += lengths.to_bytes((lanes * unit + 7) // 8, "little") + mantissas.to_bytes((at + 7) // 8, "little")
    return head + block + _words(words, half)


def decode(data: bytes, tables: Tables, index: list[int] | None, n: int) -> tuple[list[int], list[int]]:
    """The rows of a stream with one set of tables, and the distances of its escaped values."""
    numbers = iter(data)
    kind = next(numbers)
    half, lanes = (32 if kind & 8 else 16), 1 << (kind & 7)
    count = _varint(numbers)
    assert count == n
    size = _varint(numbers) if kind & 128 else 0
    if lanes == 1:
        states = [int.from_bytes([next(numbers) for _ in range((kind >> 4) % 8 + 1)], "little")]
        tail = used = 0
    else:
        tail, used = _varint(numbers), next(numbers)
        unit = 4 if half == 16 else 5
        packed = int.from_bytes([next(numbers) for _ in range((lanes * unit + 7) // 8)], "little")
        lengths = [(packed >> k * unit) % (1 << unit) + half for k in range(lanes)]
        packed = int.from_bytes([next(numbers) for _ in range((sum(lengths) + 7) // 8)], "little")
        states = []
        for bits in lengths:
            states.append(1 << bits | packed % (1 << bits))
            packed >>= bits
    distances = distances_of(bytes([next(numbers) for _ in range(size)]))
    rest = bytes(numbers)
    words = [int.from_bytes(rest[i : i + half // 8], "little") for i in range(0, len(rest), half // 8)]
    out: list[int] = []
    at = 0
    for i in range(n):
        if lanes > 1 and i == n - tail:
            payload = [state - (1 << half) for state in states]
            assert at == len(words) and not any(payload[used:])
            words, at, states, lanes = payload[:used], 2, [payload[0] | payload[1] << half], 1
        row, state, at = _take(states[i % lanes], tables, index[i] if index is not None else 0, half, words, at)
        states[i % lanes] = state
        out.append(row)
    if tail == 0 and lanes > 1:
        states = [states[0] - (1 << half)]
    assert states[0] == 1 and at >= len(words)
    return out, distances


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value % 128 + 128]) + varint(value // 128)


def _put(state: int, symbol: Span, half: int, words: list[int]) -> int:
    freq, start, bits = symbol
    if state >= freq << (2 * half - bits):
        words.append(state % (1 << half))
        state >>= half
    return (state // freq << bits) + state % freq + start


def _take(state: int, tables: Tables, t: int, half: int, words: list[int], at: int) -> tuple[int, int, int]:
    slot = state % (1 << tables.freq_bits)
    freqs = tables.freqs[int(tables.offsets[t]) : int(tables.offsets[t + 1])].tolist()
    row = start = 0
    while start + freqs[row] <= slot:
        start += freqs[row]
        row += 1
    state = freqs[row] * (state >> tables.freq_bits) + slot - start
    if state < 1 << half and at < len(words):
        state, at = state << half | words[at], at + 1
    return row, state, at


def _varint(numbers: Iterator[int]) -> int:
    value = shift = 0
    while True:
        byte = next(numbers)
        value |= byte % 128 << shift
        shift += 7
        if byte < 128:
            return value


def _words(words: list[int], half: int) -> bytes:
    return b"".join(word.to_bytes(half // 8, "little") for word in reversed(words))
