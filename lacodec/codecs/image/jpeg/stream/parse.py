"""The bytes of a JPEG file -> `Parsed`, its coefficients and a record of all else -> the bytes."""

from dataclasses import dataclass, replace

import numpy as np

from lacodec.codecs.image.jpeg.frame import Component, Frame
from lacodec.codecs.image.jpeg.stream.huffman import Table
from lacodec.codecs.image.jpeg.stream.markers import FrameHead, Place, ScanHead, Walk
from lacodec.codecs.image.jpeg.stream.optimal import Edit, edited, is_usual, left_out, optimal, put_back, same, used_tables
from lacodec.codecs.image.jpeg.stream.record import MAX_SCANS, Record, ScanRecord, unpack
from lacodec.codecs.image.jpeg.stream.scans import count_symbols, offsets_of, read_scan, rows_reached, write_scan
from lacodec.errors import CorruptFile

BLOCKS_PER_BYTE, LEAST_BLOCKS = 8, 1 << 15
"""Blocks that are stored for a file: so many for each of its bytes, as DC needs a bit for each, and at least so many."""

MAX_BLOCKS = 1 << 24
"""Blocks that are stored of one picture at most: 700 megapixels, sampled 4:2:0."""

VISITS = 32
"""How often on average the scans of a file may come by a block."""

_SOI = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Parsed:
    """A picture and how its file was written."""

    frame: Frame
    record: Record


@dataclass(frozen=True)
class Outline:
    """What is known without the coefficients: the frame, the rows of MCUs that the data reaches (fewer in cut files), the scans,
    for each component the steps and its rows and columns in blocks, and where the Huffman tables are. whole: whether the scans
    code all there is and only EOI follows. colours: see `Walk`.
    """

    frame: FrameHead
    down: int
    scans: tuple[ScanHead, ...]
    quants: tuple[np.ndarray, ...]
    sizes: tuple[tuple[int, int], ...]
    places: tuple[Place, ...]
    whole: bool
    colours: tuple[bytes, ...]


def analyse(data: bytes) -> Parsed | None:
    """The picture in a file; None if it is of a kind that is not decoded, or would not become the same bytes again."""
    parsed, _ = _parse(data, True)
    return _verified(parsed, data)


def analyse_first(data: bytes) -> tuple[Parsed, int] | None:
    """The same for a file that begins `data`, which must be whole, and its size; for files inside of others."""
    parsed, size = _parse(data, False)
    found = _verified(parsed, data[:size])
    return None if found is None else (found, size)


def _verified(parsed: Parsed | None, data: bytes) -> Parsed | None:
    if parsed is None:
        return None
    try:
        parsed = _shortened(parsed, len(data))
        stored = Parsed(parsed.frame, unpack(parsed.record.header, parsed.record.pack()))
        return parsed if rebuild(stored, len(data)) == data else None
    except CorruptFile:
        return None


def _parse(data: bytes, whole: bool) -> tuple[Parsed | None, int]:
    """The picture and the size of its file: all of `data` if `whole`, else up to EOI, without which there is no picture."""
    if not data.startswith(_SOI):
        return None, 0
    walk, raw = Walk(), np.frombuffer(data, np.uint8)
    pieces: list[bytes] = []
    scans: list[ScanRecord] = []
    coefficients = np.zeros((0, 64), np.int16)
    at = kept = visits = down = 0
    while len(scans) < MAX_SCANS and (walk.frame is None or visits <= VISITS * offsets_of(walk.frame, 1)[-1]):
        head = walk.next_scan(data, at)
        if head is None:
            break
        assert walk.frame is not None
        if not scans:
            down = most_rows(walk.frame, len(data))
            if not down:
                return None, 0
            coefficients = np.zeros((offsets_of(walk.frame, down)[-1], 64), np.int16)
        record, at = read_scan(raw, walk.frame, head, down, coefficients)
        visits += visited(walk.frame, head)
        scans.append(record)
        pieces.append(data[kept : head.end])
        kept = at
    end = len(data) if whole else walk.ended_at or 0
    pieces.append(data[kept:end])
    record_ = Record(b"".join(pieces), tuple(scans))
    found = outline(record_, end)
    if found is None:
        return None, 0
    return Parsed(frame_of(found, coefficients, 0, down), record_), end


def most_rows(frame: FrameHead, size: int) -> int:
    """How many rows of MCUs are stored for a file of `size` bytes; none of a picture much wider than what there is of it."""
    blocks = min(MAX_BLOCKS, max(LEAST_BLOCKS, BLOCKS_PER_BYTE * size))
    return min(frame.down, blocks // offsets_of(frame, 1)[-1])


def visited(frame: FrameHead, head: ScanHead) -> int:
    """Blocks of a scan in a row of MCUs."""
    return sum(frame.components[i].v * frame.components[i].padded_columns for i in head.components)


def outline(record: Record, size: int) -> Outline | None:
    """What the header says of a file of `size` bytes; None if it has no scans, fewer than were recorded, or too many blocks."""
    walk, at, heads, reached, visits = Walk(shortened=True), 0, [], 1, 0
    for scan in record.scans:
        head = walk.next_scan(record.header, at)
        if head is None or walk.frame is None:
            return None
        heads.append(head)
        at = head.end
        reached = max(reached, rows_reached(walk.frame, head, scan))
        visits += visited(walk.frame, head)
        if visits > (VISITS + 1) * offsets_of(walk.frame, 1)[-1]:
            return None
    if walk.frame is None or len(walk.quants) != len(walk.frame.components) or reached > most_rows(walk.frame, size):
        return None
    sizes = tuple(
        (min(reached * one.v, one.padded_rows), one.padded_columns)
        if i in walk.interleaved
        else (min(reached * one.v, one.rows), one.columns)
        for i, one in enumerate(walk.frame.components)
    )
    quants = tuple(walk.quants[i] for i in range(len(sizes)))
    places, colours = tuple(walk.places), tuple(walk.colours)
    ends = walk.next_scan(record.header, at) is None and walk.ended_at is not None
    return Outline(walk.frame, reached, tuple(heads), quants, sizes, places, ends and walk.complete, colours)


def new_blocks(found: Outline, down: int) -> np.ndarray:
    """Zeros for all blocks in so many rows of MCUs, as `frame_of` takes them."""
    return np.zeros((offsets_of(found.frame, down)[-1], 64), np.int16)


def frame_of(found: Outline, coefficients: np.ndarray, start: int, stop: int) -> Frame:
    """The frame of rows of MCUs `start` to `stop` - 1, whose blocks are there, component by component, with padding."""
    down, components = min(stop, found.down), []
    offsets = offsets_of(found.frame, stop - start)
    for i, one in enumerate(found.frame.components):
        rows, columns = found.sizes[i]
        part = coefficients[offsets[i] : offsets[i + 1]].reshape(-1, one.padded_columns, 64)
        part = part[: min(rows, down * one.v) - start * one.v, :columns]
        components.append(Component(part, found.quants[i], one.h, one.v))
    whole = start == 0 and stop == found.down
    return Frame(found.frame.width, found.frame.height, tuple(components), coefficients if whole else None)


def rebuild(parsed: Parsed, size: int) -> bytes:
    """The file of `size` bytes; raises CorruptFile if it becomes longer, or if the parts contradict each other."""
    found = outline(parsed.record, size)
    if found is None:
        raise CorruptFile("its header does not describe the recorded scans")
    coefficients = _padded(found, parsed.frame)
    header, left = parsed.record.header, max(0, size - len(parsed.record.header))
    known: dict[int, Table] = {}
    edits: list[Edit] = []
    for head, record in zip(found.scans, parsed.record.scans, strict=True):
        if any(table.missing and id(table) not in known for table in used_tables(head)):
            counts = count_symbols(found.frame, head, found.down, record, coefficients, left)
            for table in used_tables(head):
                if table.missing and id(table) not in known:
                    known[id(table)] = optimal(counts[id(table)])
        whole = replace(head, dc=_filled(head.dc, known), ac=_filled(head.ac, known))
        data = write_scan(found.frame, whole, found.down, record, coefficients, left)
        edits.append((head.end, 0, data.tobytes()))
        left -= data.size
    missing = [(place, known.get(id(place.table))) for place in found.places if place.table.missing]
    tables = [(place, table) for place, table in missing if table is not None]
    if len(tables) < len(missing):
        raise CorruptFile("a Huffman table is left out that no scan uses")
    return edited(header, edits + put_back(header, tables))


def _filled(tables: tuple[Table | None, ...], known: dict[int, Table]) -> tuple[Table | None, ...]:
    return tuple(known.get(id(table), table) for table in tables)


def _shortened(parsed: Parsed, size: int) -> Parsed:
    """The same with the Huffman tables left out that can be."""
    found = outline(parsed.record, size)
    assert found is not None
    coefficients = _padded(found, parsed.frame)
    seen: set[int] = set()
    gone: set[int] = set()
    for head, record in zip(found.scans, parsed.record.scans, strict=True):
        new = [table for table in used_tables(head) if id(table) not in seen and not is_usual(table)]
        seen |= {id(table) for table in new}
        if new:
            counts = count_symbols(found.frame, head, found.down, record, coefficients, size)
            gone |= {id(table) for table in new if same(table, optimal(counts[id(table)]))}
    places = [place for place in found.places if id(place.table) in gone]
    header = edited(parsed.record.header, left_out(parsed.record.header, places))
    return replace(parsed, record=replace(parsed.record, header=header))


def _padded(found: Outline, frame: Frame) -> np.ndarray:
    """The coefficients of all components one after another, int16[blocks, 64], as the kernels have them."""
    for size, part in zip(found.sizes, frame.components, strict=True):
        if part.coefficients.shape != (*size, 64):
            raise CorruptFile("its coefficients have another size than its header says")
    if frame.flat is not None:
        return frame.flat
    offsets, coefficients = offsets_of(found.frame, found.down), new_blocks(found, found.down)
    for i, (one, part) in enumerate(zip(found.frame.components, frame.components, strict=True)):
        rows, columns = found.sizes[i]
        place = coefficients[offsets[i] : offsets[i + 1]].reshape(-1, one.padded_columns, 64)
        place[:rows, :columns] = part.coefficients
    return coefficients
