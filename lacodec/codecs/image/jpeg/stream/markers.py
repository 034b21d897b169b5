"""Walks through the marker segments of a JPEG file (ITU T.81, annex B), from one scan to the next.

bytes --next_scan--> what a scan needs: its components, tables, restart interval; and where its data begins

The same walk serves the decoder, which has only these bytes and not the scans' data, so it never looks back before the place
where it is told to go on.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from lacodec.codecs.image.jpeg.stream.huffman import LARGEST, Table, read_table

MAX_SEGMENTS = 10000
"""Marker segments that are walked through in one file."""

MAX_TABLES = 1000
"""Huffman tables that one file may define: an empty one takes 17 bytes in a file, and one in a shortened header."""

MAX_AC, MAX_DC = 2047, 16383
"""Magnitudes of coefficients that are decoded; what is larger is no picture."""

_MARKER = re.compile(rb"\xff([^\x00\xff])")
_SOF, _DHT, _EOI, _SOS, _DQT, _DRI = (0xC0, 0xC1, 0xC2), 0xC4, 0xD9, 0xDA, 0xDB, 0xDD
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length: TEM, RST0 to RST7, SOI
_OTHER_KINDS = {0xC3, *range(0xC5, 0xC8), *range(0xC8, 0xD0)}  # lossless, hierarchical, arithmetic
_COLOURS = {(0xE0, b"JFIF\0"), (0xEE, b"Adobe")}
_FIRST_AL, _MOST_AL = -1, 13

LEFT_OUT = 0x80
"""In the byte of class and number of a table: that it is left out."""


@dataclass(frozen=True)
class Place:
    """Where a table stands in the header: its bytes, and the length of its segment."""

    table: Table
    at: int
    size: int
    segment: int


@dataclass(frozen=True)
class ComponentHead:
    """A component as the frame header describes it; rows and columns in blocks, without and with the padding of MCUs."""

    id: int
    h: int
    v: int
    table: int
    rows: int
    columns: int
    padded_rows: int
    padded_columns: int


@dataclass(frozen=True)
class FrameHead:
    """The frame header: width and height in pixels, MCUs across and down."""

    progressive: bool
    width: int
    height: int
    across: int
    down: int
    components: tuple[ComponentHead, ...]


@dataclass(frozen=True)
class ScanHead:
    """A scan: positions of its components in the frame, the table of each, band and bits, MCUs between restarts (0: none).

    end: where its data begins.
    """

    components: tuple[int, ...]
    dc: tuple[Table | None, ...]
    ac: tuple[Table | None, ...]
    first: int
    last: int
    high: int
    low: int
    restart: int
    end: int

    @property
    def refines(self) -> bool:
        """Whether it adds a bit to coefficients that earlier scans have begun."""
        return self.high > 0


@dataclass
class Walk:
    """The state between markers. `quants`: the steps that each component had when its first scan began.

    shortened: whether tables may be left out (`optimal`). places: of all tables. colours: the segments before the first scan that
    tell readers which colours the components are: JFIF and Adobe.
    """

    shortened: bool = False
    places: list[Place] = field(default_factory=list)
    colours: list[bytes] = field(default_factory=list)

    frame: FrameHead | None = None
    quants: dict[int, np.ndarray] = field(default_factory=dict)
    interleaved: set[int] = field(default_factory=set)
    restart: int = 0
    _dc: dict[int, Table] = field(default_factory=dict)
    _ac: dict[int, Table] = field(default_factory=dict)
    _steps: dict[int, np.ndarray] = field(default_factory=dict)
    _bits: dict[tuple[int, int], int] = field(default_factory=dict)  # (component, place) -> low bit that has been coded
    _segments: int = 0
    ended_at: int | None = None  # behind EOI, if that is where the walk ended

    def next_scan(self, data: bytes, at: int) -> ScanHead | None:
        """The next scan from offset `at` on; None at the end of the image, and where something is not understood."""
        while self._segments < MAX_SEGMENTS:
            self._segments += 1
            found = _MARKER.search(data, at)
            if found is None:
                return None
            marker, at = found[1][0], found.end()
            if marker in _ALONE:
                continue
            if marker == _EOI:
                self.ended_at = at
                return None
            size = int.from_bytes(data[at : at + 2], "big")
            if size < 2 or at + size > len(data) or marker in _OTHER_KINDS:
                return None
            body, at = data[at + 2 : at + size], at + size
            if marker == _SOS:
                return self._scan(body, at)
            if not self._segment(marker, body, at - size):
                return None
        return None

    @property
    def complete(self) -> bool:
        """Whether all coefficients of all components have been coded, to their last bits."""
        count = 0 if self.frame is None else len(self.frame.components)
        return len(self._bits) == 64 * count > 0 and not any(self._bits.values())

    def _segment(self, marker: int, body: bytes, start: int) -> bool:
        if marker in _SOF:
            if self.frame is not None:
                return False
            self.frame = read_frame_head(body, marker == 0xC2)
            return self.frame is not None
        if marker == _DHT:
            return self._tables(body, start)
        if marker == _DQT:
            return self._quants(body)
        if (marker, body[:5]) in _COLOURS and not self._bits:
            self.colours.append(bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body)
        if marker == _DRI and len(body) >= 2:
            self.restart = int.from_bytes(body[:2], "big")
        return True

    def _tables(self, body: bytes, start: int) -> bool:
        at = 0
        while at < len(body):
            kind, number = body[at] >> 4, body[at] & 15
            if len(self.places) == MAX_TABLES:
                return False
            missing = self.shortened and kind & 8 > 0
            kind &= 7 if missing else 15
            table = Table((), np.zeros(0, np.uint8)) if missing else read_table(body[at + 1 : at + 1 + LARGEST])
            if kind > 1 or number > 3 or table is None:
                return False
            (self._ac if kind else self._dc)[number] = table
            size = 1 if missing else 17 + table.symbols.size
            self.places.append(Place(table, start + 2 + at, size, start))
            at += size
        return True

    def _quants(self, body: bytes) -> bool:
        at = 0
        while at < len(body):
            wide, number = body[at] >> 4, body[at] & 15
            end = at + 1 + 64 * (1 + wide)
            if wide > 1 or end > len(body):
                return False
            self._steps[number] = np.frombuffer(body[at + 1 : end], ">u2" if wide else "u1").astype(np.uint16)
            at = end
        return True

    def _scan(self, body: bytes, end: int) -> ScanHead | None:
        count = body[0] if body else 0
        if self.frame is None or not 1 <= count <= 4 or len(body) < 4 + 2 * count:
            return None
        ids = {one.id: i for i, one in enumerate(self.frame.components)}
        named = [body[1 + 2 * i] for i in range(count)]
        if len(set(named)) != count or any(one not in ids for one in named):
            return None
        numbers = [body[2 + 2 * i] for i in range(count)]
        first, last, bits = body[1 + 2 * count : 4 + 2 * count]
        if not self.frame.progressive:  # then these say nothing
            first, last, bits = 0, 63, 0
        scan = ScanHead(
            tuple(ids[one] for one in named),
            tuple(self._dc.get(number >> 4) for number in numbers),
            tuple(self._ac.get(number & 15) for number in numbers),
            first,
            last,
            bits >> 4,
            bits & 15,
            self.restart,
            end,
        )
        return scan if self._fits(scan) and self._has_tables(scan) and self._advance(scan) else None

    def _fits(self, scan: ScanHead) -> bool:
        assert self.frame is not None
        if not self.frame.progressive:
            return True
        if scan.low > _MOST_AL or (scan.refines and scan.low != scan.high - 1):
            return False
        if scan.first == 0:
            return scan.last == 0
        return len(scan.components) == 1 and scan.first <= scan.last <= 63

    def _has_tables(self, scan: ScanHead) -> bool:
        needs_dc = scan.first == 0 and not scan.refines
        return not (needs_dc and None in scan.dc) and not (scan.last > 0 and None in scan.ac)

    def _advance(self, scan: ScanHead) -> bool:
        """Whether each scan goes on where the earlier ones ended, so that the final coefficients tell what each one coded."""
        before = scan.high if scan.refines else _FIRST_AL
        places = [(one, k) for one in scan.components for k in range(scan.first, scan.last + 1)]
        if any(self._bits.get(place, _FIRST_AL) != before for place in places):
            return False
        self._bits.update(dict.fromkeys(places, scan.low))
        assert self.frame is not None
        for one in scan.components:
            steps = self._steps.get(self.frame.components[one].table)
            self.quants.setdefault(one, np.ones(64, np.uint16) if steps is None else steps)
            if len(scan.components) > 1:
                self.interleaved.add(one)
        return True


def read_frame_head(body: bytes, progressive: bool) -> FrameHead | None:
    """The frame header in the content of a SOF segment; None for kinds that are not decoded."""
    if len(body) < 6 or body[0] != 8:
        return None
    height, width, count = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5]
    if height == 0 or width == 0 or not 1 <= count <= 4 or len(body) < 6 + 3 * count:
        return None
    rows = [tuple(body[6 + 3 * i : 9 + 3 * i]) for i in range(count)]
    sampling = [(factors >> 4, factors & 15) for _, factors, _ in rows]
    if len({one for one, _, _ in rows}) != count or any(not (1 <= h <= 4 and 1 <= v <= 4) for h, v in sampling):
        return None
    most_h, most_v = (max(values) for values in zip(*sampling, strict=True))
    across, down = _up(width, 8 * most_h), _up(height, 8 * most_v)
    components = tuple(
        ComponentHead(one, h, v, table, _up(_up(height * v, most_v), 8), _up(_up(width * h, most_h), 8), down * v, across * h)
        for (one, _, table), (h, v) in zip(rows, sampling, strict=True)
    )
    return FrameHead(progressive, width, height, across, down, components)


def _up(value: int, unit: int) -> int:
    return -(-value // unit)
