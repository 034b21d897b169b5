"""LZ77 with context-selected rANS tables: efforts 2 and 3 of the codec `bytes`.

    bytes -> filter for x86 code -> sequences (optimal parse by prices) -> symbols with contexts -> tables -> rANS words, raw bits

Method 5: u8 filter, u8 1 where offsets count positions behind the same byte, then the rooms of their lists (`behind`), and coded
sequences: varint sequences, varint bytes of head, varint rANS words, head, words (two bytes each, low one first), raw bits.
Method 2, of stream version 1, is coded sequences whose offsets are distances.
"""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.bytes.filters import NONE, X86, apply_filter, looks_like_x86, undo_filter
from lacodec.codecs.bytes.lz.behind import pack_rooms, rank_positions, unpack_rooms
from lacodec.codecs.bytes.lz.decode import DONE, decode_symbols, fill_lookups
from lacodec.codecs.bytes.lz.encode import LOW, encode_symbols, symbolise
from lacodec.codecs.bytes.lz.layout import FREQ_BITS, PADDING, REPEATS
from lacodec.codecs.bytes.lz.match import parse_lazy
from lacodec.codecs.bytes.lz.model import FEW_TABLES, make_model, make_prices
from lacodec.codecs.bytes.lz.pack import make_freqs, make_levels, pack_model, unpack_model
from lacodec.codecs.bytes.lz.parse import parse_optimal
from lacodec.codecs.bytes.lz.path import new_search
from lacodec.codecs.bytes.lz.suffixes import CANDIDATES, WINDOW, find_matches, new_tree
from lacodec.codecs.bytes.mixed.profile import is_text
from lacodec.entropy.rans_stream import read_varint, varint
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.progress import Report, ignore
from lacodec.kernels.scratch import chunk_memory, scratch

_MAX_SIZE = 1 << 26
_FIRST_SEGMENT, _SEGMENT = 1 << 17, 1 << 20  # bytes that are parsed at a time: few at first, until prices are known
_SAMPLE = 1 << 17  # bytes up to which a quick parse is tried, too
_BEHIND_FROM = 1 << 12  # bytes: smaller blocks don't pay for the lists
_CHAIN_DEPTH = 10
_NICE = 273
_EDGE = {2: 8, 3: 16}  # by effort: of long matches, so many of the shortest and of the longest lengths are tried
_DISTANCES = np.empty(0, np.uint32)  # ranks that are the positions themselves

Bytes = NDArray[np.uint8]
Sequences = NDArray[np.uint32]


def lz_encode(data: Bytes, effort: int, on_work: Report = ignore) -> bytes:
    """Payload of method 5 for data u8[n], n from 1 to 64 MiB. effort 2 parses once, 3 twice. The same bytes on every machine."""
    if effort not in (2, 3):
        raise BadInput(f"LZ: effort is {effort}; use 2 or 3")
    if not 1 <= len(data) <= _MAX_SIZE:
        raise BadInput(f"LZ: {len(data)} bytes in one chunk; 1 to {_MAX_SIZE} are possible")
    number = X86 if looks_like_x86(data) else NONE
    padded = np.zeros(len(data) + PADDING, np.uint8)
    padded[: len(data)] = apply_filter(data, number)
    head, ranks = bytes([number, 0]), _DISTANCES
    if effort == 3 and len(data) >= _BEHIND_FROM and is_text(data):  # decoding takes twice as long, and others gain less
        ranks, counts = np.empty(len(data), np.uint32), np.zeros(256, np.uint64)
        rank_positions(padded, len(data), ranks, counts)
        head = bytes([number, 1]) + pack_rooms(counts)
    parsed = _parse(padded, len(data), ranks, effort, on_work)
    payload = head + _code(padded, ranks, *parsed, effort)
    if len(data) > _SAMPLE:
        return payload
    # Of little data, prices know too little, and lists and tables take too much: without them it may be smaller.
    plain = [_parse_lazy(padded, len(data)), _parse(padded, len(data), _DISTANCES, effort, ignore) if len(ranks) else parsed]
    return min([payload, *(bytes([number, 0]) + _code(padded, _DISTANCES, *parsed, FEW_TABLES) for parsed in plain)], key=len)


def lz_decode(payload: bytes | memoryview, size: int) -> Bytes:
    """The data u8[size] that lz_encode was given. CorruptFile for a payload that does not decode to exactly `size` bytes."""
    payload = memoryview(payload)
    if len(payload) < 2 or payload[0] not in (NONE, X86) or payload[1] > 1:
        raise CorruptFile("LZ payload: no filter and kind of offsets, or some that are unknown")
    if not payload[1]:
        return undo_filter(decode_sequences(payload[2:], size), payload[0])
    rooms, used = unpack_rooms(payload[2:], size)
    with chunk_memory():
        return undo_filter(decode_sequences(payload[2 + used :], size, rooms), payload[0])


def decode_sequences(payload: bytes | memoryview, size: int, rooms: NDArray[np.uint64] | None = None) -> Bytes:
    """The data u8[size] of coded sequences; `rooms` u64[256] where offsets count positions behind the same byte. CorruptFile."""
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
    symbols, spans = np.empty(len(freqs) << FREQ_BITS, np.uint8), np.empty(freqs.size, np.uint32)
    fill_lookups(freqs, symbols, spans)
    out = np.empty(size + PADDING, np.uint8)
    begins, behind = np.zeros(256, np.uint64), np.empty(0, np.uint32)
    if rooms is not None:
        begins[1:] = np.cumsum(rooms)[:-1]
        behind = scratch(4 << int(rooms.sum()).bit_length()).view(np.uint32)
    coded = words, count, raw, 8 * (len(payload) - at)
    if decode_symbols(out, size, sequences, *coded, symbols, spans, tables, behind, begins, begins.copy()) != DONE:
        raise CorruptFile("LZ payload: damaged")
    return out[:size]


def lz_memory(size: int, payload: bytes | None = None) -> int:
    """Bytes that encoding `size` bytes needs at most, or decoding a payload of theirs."""
    if payload is not None:
        return (14 if payload[1:2] == b"\1" else 4) * size + (16 << 20)
    return 48 * size + 100 * min(size, _SEGMENT) + (16 << 20)


def _code(padded: Bytes, ranks: NDArray[np.uint32], sequences: Sequences, tail: int, effort: int) -> bytes:
    """The payload for a parse of the whole input."""
    contexts, symbols, raw, _ = _symbolise(padded, ranks, 0, sequences, tail, _first_offsets())
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


def _parse(padded: Bytes, size: int, ranks: NDArray[np.uint32], effort: int, on_work: Report) -> tuple[Sequences, int]:
    """Parse segment by segment, each once or more: prices come from the parse before, the first from a lazy parse."""
    prices, tables = _first_prices(padded, min(size, _FIRST_SEGMENT), effort)
    longest = min(size, _SEGMENT)
    first, found = np.empty(longest + 1, np.uint32), np.empty(CANDIDATES * (longest + 1), np.uint64)
    search = new_search(padded, ranks, first, found, _NICE)
    parts: list[Sequences] = []
    last, tail, start, length = _first_offsets(), 0, 0, _FIRST_SEGMENT
    while start < size:
        window = start // WINDOW * WINDOW
        stop = min(start + length, size, window + WINDOW)
        if start == window:
            tree = new_tree(padded, start, min(size - start, WINDOW))
        find_matches(padded, window, start, stop, _NICE, tree, int(len(ranks) > 0), first, found)
        for _ in range(2 if effort == 3 or length < _SEGMENT else 1):
            search = search._replace(prices=prices, tables=tables)
            search.last[:REPEATS] = last
            at, rest = parse_optimal(search, start, stop, _NICE, _EDGE[effort])
            trial = last.copy()
            outcome = _symbolise(padded, ranks, start, search.sequences[int(at) :], int(rest), trial)
            prices, tables = _price(outcome, effort)
        last, part = trial, search.sequences[int(at) :].copy()
        if len(part):
            part[0] += tail
        tail = int(rest) + (0 if len(part) else tail)
        parts.append(part)
        on_work(stop - start)
        start, length = stop, min(2 * length, _SEGMENT)
    return np.concatenate(parts), tail


def _first_prices(padded: Bytes, size: int, effort: int) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    return _price(_symbolise(padded, _DISTANCES, 0, *_parse_lazy(padded, size), _first_offsets()), effort)


def _price(outcome: tuple[NDArray[np.uint16], Bytes, Bytes, int], effort: int) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    model = make_model(outcome[0], outcome[1], effort)
    return make_prices(model), model.tables


def _symbolise(
    padded: Bytes, ranks: NDArray[np.uint32], start: int, sequences: Sequences, tail: int, last: NDArray[np.uint64]
) -> tuple[NDArray[np.uint16], Bytes, Bytes, int]:
    """Contexts u16[n], symbols u8[n] and raw bits u8[...]; `last` is moved on."""
    count = len(sequences) + int(sequences[::3].sum(dtype=np.int64)) + tail
    contexts, symbols = np.empty(count, np.uint16), np.empty(count, np.uint8)
    raw = np.zeros(9 * (len(sequences) // 3) + PADDING, np.uint8)  # at most 71 raw bits in a sequence
    _, bits = symbolise(padded, ranks, start, sequences, tail, last, contexts, symbols, raw, 0)
    return contexts, symbols, raw[: (int(bits) + 7) // 8], int(bits)


def _first_offsets() -> NDArray[np.uint64]:
    return np.ones(REPEATS, np.uint64)
