"""LZ77 with context-selected rANS tables: efforts 2 and 3 of the codec `bytes`.

    bytes -> sequences (optimal parse by prices) -> symbols with contexts -> tables -> rANS words, raw bits

Payload: varint sequences, varint bytes of head, varint rANS words, head, words (two bytes each, low one first), raw bits.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.bytes.filters import NONE, X86, apply_filter, looks_like_x86, undo_filter
from lacodec.codecs.bytes.lz.kernel import DONE, LOW, decode_symbols, encode_symbols, fill_lookups, symbolise
from lacodec.codecs.bytes.lz.layout import FREQ_BITS, PADDING, REPEATS
from lacodec.codecs.bytes.lz.match import parse_lazy
from lacodec.codecs.bytes.lz.model import make_model, make_prices
from lacodec.codecs.bytes.lz.pack import make_freqs, make_levels, pack_model, unpack_model
from lacodec.codecs.bytes.lz.parse import new_search, parse_optimal
from lacodec.codecs.bytes.lz.suffixes import CANDIDATES, WINDOW, find_matches, new_tree
from lacodec.entropy.rans_stream import read_varint, varint
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.progress import Report, ignore

_MAX_SIZE = 1 << 26
_SEGMENT = 1 << 20  # bytes that are parsed optimally at a time
_CHAIN_DEPTH = 10
_NICE = 273
_PASSES = {2: 1, 3: 2}
_SAMPLE = 1 << 17

Bytes = NDArray[np.uint8]
Sequences = NDArray[np.uint32]


def lz_encode(data: Bytes, effort: int) -> bytes:
    """Payload for data u8[n], n at most 64 MiB. effort 2: fast parse; 3: optimal parse. The same bytes on every machine."""
    if effort not in (2, 3):
        raise BadInput(f"LZ: effort is {effort}; use 2 or 3")
    if len(data) > _MAX_SIZE:
        raise BadInput(f"LZ: {len(data)} bytes in one chunk; at most {_MAX_SIZE} fit")
    if not len(data):
        return b""
    padded = np.zeros(len(data) + PADDING, np.uint8)
    padded[: len(data)] = data
    return _code(padded, *_parse(padded, len(data), effort), effort)


def lz_decode(payload: bytes | memoryview, size: int) -> Bytes:
    """The data u8[size] that lz_encode was given. CorruptFile for a payload that does not decode to exactly `size` bytes."""
    if not 0 <= size <= _MAX_SIZE:
        raise CorruptFile(f"LZ payload: claims {size} bytes in one chunk; at most {_MAX_SIZE} are possible")
    if not size:
        if len(payload):
            raise CorruptFile("LZ payload: excess bytes at the end")
        return np.empty(0, np.uint8)
    sequences, at = read_varint(payload, 0)
    head_size, at = read_varint(payload, at)
    count, at = read_varint(payload, at)
    if sequences > size or count < 4 or head_size + 2 * count > len(payload) - at:
        raise CorruptFile("LZ payload: its sections do not fit; the file was cut short or damaged")
    tables, levels = unpack_model(memoryview(payload)[at : at + head_size])
    at += head_size
    words = np.zeros(count + PADDING, np.uint16)
    words[:count] = np.frombuffer(payload, "<u2", count, at)
    at += 2 * count
    raw = np.zeros(len(payload) - at + PADDING, np.uint8)
    raw[: len(payload) - at] = np.frombuffer(payload, np.uint8, offset=at)
    freqs = make_freqs(levels)
    lookups = np.empty(len(freqs) << FREQ_BITS, np.uint32)
    fill_lookups(freqs, lookups)
    out = np.empty(size + PADDING, np.uint8)
    if decode_symbols(out, size, sequences, words, count, raw, 8 * (len(payload) - at), lookups, tables) != DONE:
        raise CorruptFile("LZ payload: damaged")
    return out[:size]


def filtered_encode(data: Bytes, effort: int, on_work: Report = ignore) -> bytes:
    """Method 5: u8 filter (0 or that for x86 code), then what lz_encode makes of the filtered data u8[n], n from 1 to 64 MiB."""
    number = X86 if looks_like_x86(data) else NONE
    return bytes([number]) + lz_encode(apply_filter(data, number), effort)


def filtered_decode(payload: bytes, size: int) -> Bytes:
    """The data u8[size] that filtered_encode was given. CorruptFile for a payload that does not decode to exactly `size` bytes."""
    if not payload or payload[0] not in (NONE, X86):
        raise CorruptFile("LZ payload: no filter, or one that is unknown")
    return undo_filter(lz_decode(memoryview(payload)[1:], size), payload[0])


def lz_memory(size: int, effort: int) -> int:
    """Bytes that encoding `size` bytes needs at most."""
    return 24 * size + (16 << 20) + (effort == 3) * 80 * min(size, _SEGMENT)


def _code(padded: Bytes, sequences: Sequences, tail: int, effort: int) -> bytes:
    """The payload for a parse of the whole input."""
    contexts, symbols, raw, _ = _symbolise(padded, 0, sequences, tail, _first_offsets())
    model = make_model(contexts, symbols, effort)
    levels = make_levels(model.histograms)
    head = pack_model(model, levels)
    freqs = make_freqs(levels)
    starts = np.cumsum(freqs, axis=1, dtype=np.uint32) - freqs
    states, words = np.full(2, LOW, np.uint64), np.empty(len(symbols) + 4, np.uint16)
    at = int(encode_symbols(contexts, symbols, model.tables, freqs.ravel(), starts.ravel(), states, words))
    body = words[at:].astype("<u2").tobytes()
    return varint(len(sequences) // 3) + varint(len(head)) + varint(len(words) - at) + head + body + raw.tobytes()


def _parse_lazy(padded: Bytes, size: int) -> tuple[Sequences, int]:
    mask = (1 << (size - 1).bit_length()) - 1
    sequences = np.empty(size + 3, np.uint32)  # every match has at least 3 bytes
    bits = min(max(mask.bit_length() - 3, 8), 20)
    heads, chain = np.zeros(1 << bits, np.uint32), np.zeros(mask + 1, np.uint32)
    filled, tail = parse_lazy(padded, size, _CHAIN_DEPTH, bits, heads, chain, np.uint64(mask), _first_offsets(), sequences)
    return sequences[: int(filled)], int(tail)


def _parse(padded: Bytes, size: int, effort: int) -> tuple[Sequences, int]:
    """Parse segment by segment, each several times: prices come from the parse before, the first ones from a sample's lazy parse."""
    prices, tables = _price(_symbolise(padded, 0, *_parse_lazy(padded, min(size, _SAMPLE)), _first_offsets()))
    longest = min(size, _SEGMENT)
    first, found = np.empty(longest + 1, np.uint32), np.empty(CANDIDATES * (longest + 1), np.uint64)
    search = new_search(padded, first, found, _NICE)
    parts: list[Sequences] = []
    last, tail = _first_offsets(), 0
    for start in range(0, size, _SEGMENT):
        stop = min(start + _SEGMENT, size)
        if start % WINDOW == 0:
            tree = new_tree(padded, start, min(size - start, WINDOW))
        find_matches(padded, size, start // WINDOW * WINDOW, start, stop, _NICE, tree, first, found)
        for _ in range(_PASSES[effort]):
            search = search._replace(prices=prices, tables=tables)
            search.state[:6] = *last, 0, 512 + (int(padded[start - 1]) if start else 0)
            at, rest = parse_optimal(search, start, stop, _NICE)
            trial = last.copy()
            outcome = _symbolise(padded, start, search.sequences[int(at) :], int(rest), trial)
            prices, tables = _price(outcome)
        last, part = trial, search.sequences[int(at) :].copy()
        if len(part):
            part[0] += tail
        tail = int(rest) + (0 if len(part) else tail)
        parts.append(part)
    return np.concatenate(parts), tail


def _price(outcome: tuple[NDArray[np.uint16], Bytes, Bytes, int]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    model = make_model(outcome[0], outcome[1], 3)
    return make_prices(model), model.tables


def _symbolise(
    padded: Bytes, start: int, sequences: Sequences, tail: int, last: NDArray[np.uint64]
) -> tuple[NDArray[np.uint16], Bytes, Bytes, int]:
    """Contexts u16[n], symbols u8[n] and raw bits u8[...]; `last` is moved on."""
    count = len(sequences) + int(sequences[::3].sum(dtype=np.int64)) + tail
    contexts, symbols = np.empty(count, np.uint16), np.empty(count, np.uint8)
    raw = np.zeros(9 * (len(sequences) // 3) + PADDING, np.uint8)  # at most 71 raw bits in a sequence
    _, bits = symbolise(padded, start, sequences, tail, last, contexts, symbols, raw, 0)
    return contexts, symbols, raw[: (int(bits) + 7) // 8], int(bits)


def _first_offsets() -> NDArray[np.uint64]:
    return np.ones(REPEATS, np.uint64)
