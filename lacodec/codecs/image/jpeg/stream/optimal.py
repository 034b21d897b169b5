"""Huffman tables that an encoder made for the very scan that uses them: they follow from the coefficients and are not stored.

header --tables that `optimal` gives left out--> short header, in whose DHT segments one byte, 128 + class and number, is all that
is left of such a table --coefficients--> symbols of the scan --optimal--> table --put back--> header
"""

import heapq
from collections.abc import Iterable, Iterator

import numpy as np

from lacodec.codecs.image.jpeg.stream.huffman import Table
from lacodec.codecs.image.jpeg.stream.markers import LEFT_OUT, Place, ScanHead

Edit = tuple[int, int, bytes]
"""Place in the header, bytes there that are replaced, by what."""

_LONGEST = 16
_USUAL = {
    tuple(bytes.fromhex(counts))
    for counts in (
        "00010501010101010100000000000000",
        "00030101010101010101010000000000",
        "0002010303020403050504040000017d",
        "00020102040403040705040400010277",
    )
}


def optimal(counts: np.ndarray) -> Table:
    """The table for symbols that occur so often (int64[256]), as libjpeg makes it: T.81, annex K.2, ties to the larger symbol."""
    heap = [(weight, -i) for i, weight in enumerate([*counts.tolist(), 1]) if weight]  # 256: keeps the code of all ones free
    heapq.heapify(heap)
    members = {-i: [-i] for _, i in heap}
    lengths = dict.fromkeys(members, 0)
    while len(heap) > 1:
        weight, first = heapq.heappop(heap)
        other, second = heapq.heappop(heap)
        members[-first] += members.pop(-second)
        for i in members[-first]:
            lengths[i] += 1
        heapq.heappush(heap, (weight + other, first))
    bits = _limited(lengths.values())
    symbols = sorted((length, i) for i, length in lengths.items() if i < 256)
    return Table(tuple(bits), np.array([i for _, i in symbols], np.uint8))


def _limited(lengths: Iterable[int]) -> list[int]:
    """How many codes of each length 1 to 16, without the one that is kept free."""
    bits = [0] * 258
    for length in lengths:
        bits[length] += 1
    for i in range(257, _LONGEST, -1):
        while bits[i] > 0:
            j = i - 2
            while bits[j] == 0:
                j -= 1
            bits[i] -= 2
            bits[i - 1] += 1
            bits[j + 1] += 2
            bits[j] -= 1
    last = max((i for i in range(1, _LONGEST + 1) if bits[i]), default=0)
    if last:
        bits[last] -= 1
    return bits[1 : _LONGEST + 1]


def used_tables(head: ScanHead) -> Iterator[Table]:
    """The tables that a scan codes with."""
    tables = [*(head.dc if head.first == 0 and not head.refines else ()), *(head.ac if head.last > 0 else ())]
    yield from {id(table): table for table in tables if table is not None}.values()


def is_usual(table: Table) -> bool:
    """Whether it is one of the standard (T.81, annex K.3), which need not be looked into."""
    return table.counts in _USUAL


def same(one: Table, other: Table) -> bool:
    """Whether two tables are written alike."""
    return one.counts == other.counts and np.array_equal(one.symbols, other.symbols)


def left_out(header: bytes, places: list[Place]) -> list[Edit]:
    """How tables at these places are left out of a header."""
    edits = [(place.at, place.size, bytes([header[place.at] | LEFT_OUT])) for place in places]
    return edits + _sizes(header, [(place, 1 - place.size) for place in places])


def put_back(header: bytes, tables: list[tuple[Place, Table]]) -> list[Edit]:
    """How these tables come back."""
    texts = [bytes([header[place.at] & ~LEFT_OUT, *table.counts]) + table.symbols.tobytes() for place, table in tables]
    edits = [(place.at, 1, text) for (place, _), text in zip(tables, texts, strict=True)]
    return edits + _sizes(header, [(place, len(text) - 1) for (place, _), text in zip(tables, texts, strict=True)])


def _sizes(header: bytes, grown: list[tuple[Place, int]]) -> list[Edit]:
    """The lengths of their segments."""
    found: dict[int, int] = {}
    for place, by in grown:
        at = place.segment
        found[at] = found.get(at, int.from_bytes(header[at : at + 2], "big")) + by
    return [(at, 2, (size & 0xFFFF).to_bytes(2, "big")) for at, size in found.items()]


def edited(header: bytes, edits: list[Edit]) -> bytes:
    """The header after edits, which do not overlap."""
    parts, start = [], 0
    for at, size, text in sorted(edits):
        parts += [header[start:at], text]
        start = at + size
    return b"".join([*parts, header[start:]])
