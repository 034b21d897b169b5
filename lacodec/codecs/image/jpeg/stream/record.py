"""What a JPEG file has beside its coefficients, so that it can be written again byte for byte.

`Record.header` is the file without the data of its scans. A scan's data is cut into intervals by restart markers; each is coded
from its blocks, filled up to a byte, and followed by a marker. `ScanRecord` says where the file does something else.

As bytes, without the header:

    varint scans, then for each: u8 flags (1 pad_bit, 2 restarts are missing, 4 other_rule, 8 several intervals, 16 odd ones,
    32 runs, 64 breaks), [varint intervals], [odd: numbers of the intervals, blocks, pad bits, claimed, sizes of the gaps; the
    bytes of the gaps], [runs: blocks, counts], [breaks]
    numbers = varint count, u8 width (1, 2, 4, 8), count little-endian numbers of that width; what rises is stored as differences
"""

from dataclasses import dataclass, field

import numpy as np

from lacodec.codecs.image.jpeg.stream._band_decoding import LONGEST
from lacodec.codecs.image.jpeg.stream._segments import BLOCKS, CLAIMED, GAP_START, GAP_STOP, PAD
from lacodec.errors import CorruptFile

_PAD_BIT, _NO_RESTARTS, _OTHER_RULE, _INTERVALS, _ODD, _RUNS, _BREAKS = (1 << i for i in range(7))
_MOST = 1 << 40
_MAX_ZERO_RUNS = 4
_MAX_GAP = 1 << 28  # bytes between two intervals
MAX_SCANS = 200


def _none(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int64)


@dataclass(frozen=True)
class ScanRecord:
    """How the data of one scan was written.

    pad_bit: what fills the last byte of an interval. restarts: whether there are the markers that DRI asks for. other_rule: runs
    of empty bands are ended only by the limit of their length, not also by libjpeg's limit of held back bits. intervals: how many
    are coded, fewer than the picture has in a cut file.

    odd_intervals: their numbers, rising; odd: a row for each: blocks that are coded; bits that fill the last byte; blocks that
    its last run claims beyond them; where in `gaps` the bytes lie that stand between it and the next one (none: its marker).
    runs: (block of the scan, runs of 16 zeros written behind its last coefficient), rising.
    breaks: the blocks of the scan behind which a run of empty bands ended without need, rising.
    """

    pad_bit: int
    restarts: bool
    other_rule: bool
    intervals: int
    odd_intervals: np.ndarray = field(default_factory=lambda: _none(0))
    odd: np.ndarray = field(default_factory=lambda: _none(0, 5))
    gaps: bytes = b""
    runs: np.ndarray = field(default_factory=lambda: _none(0, 2))
    breaks: np.ndarray = field(default_factory=lambda: _none(0))


@dataclass(frozen=True)
class Record:
    """The file without its scans' data (and without Huffman tables that follow from it, `optimal`), and how that was written."""

    header: bytes
    scans: tuple[ScanRecord, ...]

    def pack(self) -> bytes:
        """Everything but the header."""
        return b"".join([varint(len(self.scans)), *map(_packed, self.scans)])


def _packed(scan: ScanRecord) -> bytes:
    flags = scan.pad_bit * _PAD_BIT | (not scan.restarts) * _NO_RESTARTS | scan.other_rule * _OTHER_RULE
    parts = []
    if scan.intervals != 1:
        flags |= _INTERVALS
        parts.append(varint(scan.intervals))
    if scan.odd_intervals.size:
        flags |= _ODD
        sizes = scan.odd[:, GAP_STOP] - scan.odd[:, GAP_START]
        columns = (_steps(scan.odd_intervals), *(scan.odd[:, i] for i in (BLOCKS, PAD, CLAIMED)), sizes)
        parts += [*map(_numbers, columns), scan.gaps]
    if scan.runs.size:
        flags |= _RUNS
        parts += [_numbers(_steps(scan.runs[:, 0])), _numbers(scan.runs[:, 1])]
    if scan.breaks.size:
        flags |= _BREAKS
        parts.append(_numbers(_steps(scan.breaks)))
    return b"".join([bytes([flags]), *parts])


def _steps(rising: np.ndarray) -> np.ndarray:
    return np.diff(rising, prepend=-1) - 1


def _numbers(values: np.ndarray) -> bytes:
    width = next(width for width in (1, 2, 4, 8) if width == 8 or int(values.max()) < 1 << 8 * width)
    return varint(values.size) + bytes([width]) + values.astype(f"<u{width}").tobytes()


def varint(value: int) -> bytes:
    """A whole number, 7 bits in a byte, the lowest first; the highest bit of a byte says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def unpack(header: bytes, packed: bytes) -> Record:
    """The record with that header; raises CorruptFile."""
    stream = Stream(packed)
    count = stream.varint()
    if count > MAX_SCANS:
        raise CorruptFile("the record of a JPEG file describes too many scans")
    scans = tuple(_unpacked(stream) for _ in range(count))
    stream.finish()
    return Record(header, scans)


class Stream:
    """Reads what was packed; raises CorruptFile where that is not possible."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def finish(self) -> None:
        """Check that this is the end."""
        if self.at != len(self.data):
            raise CorruptFile("the record of a JPEG file has bytes left over")

    def take(self, count: int) -> bytes:
        """So many bytes."""
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise CorruptFile("the record of a JPEG file ends early")
        self.at += count
        return found

    def varint(self) -> int:
        """A number of `varint`."""
        value = shift = 0
        while shift < 63:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise CorruptFile("the record of a JPEG file has a number that is too large")

    def numbers(self, most: int = _MOST) -> np.ndarray:
        """Numbers up to `most`, int64."""
        count, width = self.varint(), self.take(1)[0]
        if width not in (1, 2, 4, 8):
            raise CorruptFile("the record of a JPEG file has numbers of an unknown width")
        values = np.frombuffer(self.take(count * width), f"<u{width}")
        if values.size and int(values.max()) > most:
            raise CorruptFile("the record of a JPEG file has a number that is too large")
        return values.astype(np.int64)

    def rising(self) -> np.ndarray:
        """Numbers that are stored as differences."""
        return np.cumsum(self.numbers(_MOST >> 8) + 1) - 1


def _unpacked(stream: Stream) -> ScanRecord:
    flags = stream.take(1)[0]
    intervals = stream.varint() if flags & _INTERVALS else 1
    odd_intervals, odd, gaps = _none(0), _none(0, 5), b""
    if flags & _ODD:
        odd_intervals = stream.rising()
        columns = [stream.numbers(), stream.numbers(127), stream.numbers(LONGEST), stream.numbers(_MAX_GAP)]
        if any(one.size != odd_intervals.size for one in columns) or int(odd_intervals[-1:].sum()) >= intervals:
            raise CorruptFile("the record of a JPEG file describes other intervals than it lists")
        stops = np.cumsum(columns[3])
        if stops.size:
            gaps = stream.take(int(stops[-1]))
        odd = np.stack([*columns[:3], stops - columns[3], stops], 1)
    runs, breaks = _none(0, 2), _none(0)
    if flags & _RUNS:
        blocks, counts = stream.rising(), stream.numbers(_MAX_ZERO_RUNS)
        if blocks.size != counts.size:
            raise CorruptFile("the record of a JPEG file describes other blocks than it lists")
        runs = np.stack([blocks, counts], 1)
    if flags & _BREAKS:
        breaks = stream.rising()
    return ScanRecord(
        flags & _PAD_BIT, not flags & _NO_RESTARTS, bool(flags & _OTHER_RULE), intervals, odd_intervals, odd, gaps, runs, breaks
    )
