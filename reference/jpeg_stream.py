"""A JPEG file from its header, its record and its coefficients: Huffman coding as ITU T.81 has it, bit by bit.

header = the file without the data of its scans; of a Huffman table that is optimal for the first scan that uses it
(`jpeg_tables`) only the byte of its class and number is there, plus 128
record = number of scans, then for each: u8 flags (1 the last byte of an interval is filled with ones; 2 there are no restart
markers, whatever DRI says; 4 runs end only at their greatest length; 8 intervals follow; 16, 32, 64 exceptions follow),
    [number of intervals],
    [intervals that are odd: their numbers; blocks coded; bits that fill the last byte; blocks that the last run claims beyond;
     bytes between it and the next interval, 0: the restart marker; then all these bytes],
    [blocks behind whose last coefficient there are runs of 16 zeros; how many],
    [blocks behind which a run of empty bands ends early]
list = count, u8 width (1, 2, 4, 8), so many little-endian numbers; rising ones as differences, less one

Blocks count from the start of the scan. Coefficients: for each component rows of blocks of 64 numbers in zigzag order.
"""

from dataclasses import dataclass, field

from reference.jpeg_tables import codes_of, optimal
from reference.stream import Stream, need

Blocks = list[list[list[int]]]


@dataclass
class Component:
    """A component of the frame header; rows and columns in blocks without padding; whether a scan has coded its padding."""

    id: int
    h: int
    v: int
    table: int
    rows: int
    columns: int
    padded: bool = False
    quant: list[int] | None = None


@dataclass
class Table:
    """A Huffman table: counts and symbols as in DHT, none if it is left out; codes: symbol -> (length, code).

    at: where its first byte stands in the header; segment: where the length of its segment stands.
    """

    text: bytes = b""
    codes: dict[int, tuple[int, int]] = field(default_factory=dict)
    at: int = -1
    segment: int = -1
    missing: bool = False


@dataclass
class Scan:
    """Components and tables of each, band, bits; MCUs between restarts; where its data belongs."""

    components: list[int]
    dc: list["Table"]
    ac: list["Table"]
    first: int
    last: int
    high: int
    low: int
    restart: int
    end: int

    def used(self) -> list["Table"]:
        """The tables that its data is coded with."""
        return (self.dc if self.first == 0 and not self.high else []) + (self.ac if self.last else [])


@dataclass
class Record:
    """How the data of a scan was written. odd: interval -> (blocks, bits, claimed, bytes that follow)."""

    pad: int
    restarts: bool
    other_rule: bool
    intervals: int
    odd: dict[int, tuple[int, int, int, bytes]] = field(default_factory=dict)
    zero_runs: dict[int, int] = field(default_factory=dict)
    breaks: set[int] = field(default_factory=set)


def read_record(stream: Stream) -> Record:
    """The record of a scan."""
    flags = stream.byte()
    found = Record(flags & 1, not flags & 2, bool(flags & 4), stream.number() if flags & 8 else 1)
    if flags & 16:
        numbers = _rising(stream)
        blocks, bits, claimed, sizes = (_list(stream) for _ in range(4))
        for row in zip(numbers, blocks, bits, claimed, sizes, strict=True):
            found.odd[row[0]] = (*row[1:4], stream.take(row[4]))
    if flags & 32:
        places = _rising(stream)
        found.zero_runs = dict(zip(places, _list(stream), strict=True))
    if flags & 64:
        found.breaks = set(_rising(stream))
    return found


def _list(stream: Stream) -> list[int]:
    count, width = stream.number(), stream.byte()
    need(width in (1, 2, 4, 8), "numbers of an unknown width")
    return [stream.uint(width) for _ in range(count)]


def _rising(stream: Stream) -> list[int]:
    found, last = [], -1
    for step in _list(stream):
        last += step + 1
        found.append(last)
    return found


class Header:
    """The frame and the scans that a header describes; `reached`: rows of MCUs that the data reaches, the rest is not stored."""

    def __init__(self, header: bytes, records: list[Record]) -> None:
        self.components: list[Component] = []
        self.scans: list[Scan] = []
        self.tables: list[Table] = []
        self._tables: dict[int, Table] = {}
        self._quants: dict[int, list[int]] = {}
        self._restart, at = 0, 0
        while len(self.scans) < len(records):
            at = header.find(b"\xff", at)
            need(0 <= at < len(header) - 1, "fewer scans than there are records")
            marker = header[at + 1]
            at += 1 if marker in (0, 0xFF) else 2
            if marker in (0, 0xFF, 1) or 0xD0 <= marker <= 0xD8:
                continue
            size = int.from_bytes(header[at : at + 2], "big")
            self._segment(marker, header[at + 2 : at + size], at)
            at += size
        reached = [self._rows(scan, record) for scan, record in zip(self.scans, records, strict=True)]
        self.reached = max([1, *reached])

    def _segment(self, marker: int, body: bytes, start: int) -> None:
        if marker in (0xC0, 0xC1, 0xC2):
            self._frame(body, marker == 0xC2)
        elif marker == 0xC4:
            at = 0
            while at < len(body):
                missing = body[at] > 127
                text = b"" if missing else body[at + 1 : at + 17 + sum(body[at + 1 : at + 17])]
                self.tables.append(Table(text, codes_of(text), start + 2 + at, start, missing))
                self._tables[body[at] & 127] = self.tables[-1]
                at += 1 + len(text)
        elif marker == 0xDB:
            while body:
                size = 2 if body[0] >> 4 else 1
                self._quants[body[0] & 15] = [int.from_bytes(body[1 + size * k : 1 + size * (k + 1)], "big") for k in range(64)]
                body = body[1 + 64 * size :]
        elif marker == 0xDD and len(body) > 1:
            self._restart = int.from_bytes(body[:2], "big")
        elif marker == 0xDA:
            self._scan(body, start + 2 + len(body))

    def _frame(self, body: bytes, progressive: bool) -> None:
        self.progressive = progressive
        self.height, self.width, count = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5]
        rows = [body[6 + 3 * i : 9 + 3 * i] for i in range(count)]
        most_h, most_v = max(row[1] >> 4 for row in rows), max(row[1] & 15 for row in rows)
        self.across, self.down = up(self.width, 8 * most_h), up(self.height, 8 * most_v)
        for one, sampling, table in rows:
            h, v = sampling >> 4, sampling & 15
            size = up(up(self.height * v, most_v), 8), up(up(self.width * h, most_h), 8)
            self.components.append(Component(one, h, v, table, *size))

    def _scan(self, body: bytes, end: int) -> None:
        count = body[0]
        numbers = [next(i for i, one in enumerate(self.components) if one.id == body[1 + 2 * j]) for j in range(count)]
        tables = [body[2 + 2 * j] for j in range(count)]
        first, last, bits = body[1 + 2 * count : 4 + 2 * count] if self.progressive else (0, 63, 0)
        for i in numbers:
            one = self.components[i]
            one.padded |= count > 1
            one.quant = one.quant or self._quants.get(one.table, [1] * 64)
        found = [self._tables.get(n >> 4, Table()) for n in tables], [self._tables.get(16 | n & 15, Table()) for n in tables]
        self.scans.append(Scan(numbers, *found, first, last, bits >> 4, bits & 15, self._restart, end))

    def order(self, scan: Scan) -> tuple[int, int, list[tuple[int, int, int]]]:
        """(MCUs across, MCUs down, blocks of an MCU as (slot among the scan's components, row, column))."""
        if len(scan.components) == 1:
            one = self.components[scan.components[0]]
            return one.columns, one.rows, [(0, 0, 0)]
        parts = [(slot, self.components[i]) for slot, i in enumerate(scan.components)]
        return self.across, self.down, [(slot, y, x) for slot, one in parts for y in range(one.v) for x in range(one.h)]

    def _rows(self, scan: Scan, record: Record) -> int:
        across, down, parts = self.order(scan)
        count = across * down * len(parts)
        interval = scan.restart * len(parts) if record.restarts and scan.restart else count
        done = min(count, record.intervals * interval)
        last = record.intervals - 1
        if last in record.odd:
            done = min(done, last * interval + record.odd[last][0])
        rows = up(done, len(parts) * across)
        return rows if len(scan.components) > 1 else up(rows, self.components[scan.components[0]].v)

    def sizes(self) -> list[tuple[int, int]]:
        """Rows and columns of blocks that are stored of each component."""
        return [
            (min(self.reached * one.v, self.down * one.v), self.across * one.h)
            if one.padded
            else (min(self.reached * one.v, one.rows), one.columns)
            for one in self.components
        ]


def up(value: int, unit: int) -> int:
    """The quotient, rounded up."""
    return -(-value // unit)


def write(header: bytes, records: list[Record], described: Header, coefficients: list[Blocks]) -> bytes:
    """The file."""
    from reference.jpeg_scans import count_symbols, write_scan

    parts: list[tuple[int, int, bytes]] = []  # (place in the header, bytes there that are replaced, by what)
    for scan, record in zip(described.scans, records, strict=True):
        new = [table for table in scan.used() if table.missing and not table.text]
        counts = count_symbols(described, scan, record, coefficients) if new else {}
        for table in new:
            table.text = optimal(counts.get(id(table), {}))
            table.codes = codes_of(table.text)
        parts.append((scan.end, 0, write_scan(described, scan, record, coefficients)))
    sizes: dict[int, int] = {}
    for table in described.tables:
        if table.missing:
            need(table.text, "a table that no scan uses")
            parts.append((table.at, 1, bytes([header[table.at] - 128]) + table.text))
            size = int.from_bytes(header[table.segment : table.segment + 2], "big")
            sizes[table.segment] = sizes.get(table.segment, size) + len(table.text)
    parts += [(at, 2, size.to_bytes(2, "big")) for at, size in sizes.items()]
    out, at = [], 0
    for place, size, text in sorted(parts):
        out += [header[at:place], text]
        at = place + size
    return b"".join([*out, header[at:]])
