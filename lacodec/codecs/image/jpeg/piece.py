"""A part of a picture as a JPEG file of its own, whose inner pixels a reader shows as it shows those of the whole.

coefficients of some MCUs --the standard's Huffman codes--> baseline file with the same steps, sampling and signs of colours
"""

from functools import cache

import numpy as np

from lacodec.codecs.image.jpeg.headers import STANDARD, STANDARD_SEGMENTS
from lacodec.codecs.image.jpeg.stream.huffman import Table, read_table
from lacodec.codecs.image.jpeg.stream.markers import FrameHead, ScanHead, read_frame_head
from lacodec.codecs.image.jpeg.stream.parse import Outline
from lacodec.codecs.image.jpeg.stream.record import Record, ScanRecord
from lacodec.codecs.image.jpeg.stream.scans import offsets_of, sizes_of, write_scan
from lacodec.errors import CorruptFile

_MOST_IN_MCU = 10  # blocks that components in a common scan may have together
_ROOM = 256  # bytes for a block, more than pictures need
_SCAN = ScanRecord(pad_bit=1, restarts=True, other_rule=False, intervals=1)


def is_regular(found: Outline, record: Record) -> bool:
    """Whether readers show what the coefficients say: nothing is cut, in disorder, or only begun (which they smooth)."""
    if not found.whole or found.down != found.frame.down:
        return False
    for head, scan in zip(found.scans, record.scans, strict=True):
        across, down, _ = sizes_of(found.frame, head)
        intervals = -(-across * down // (head.restart or across * down))
        if scan.odd_intervals.size or not scan.restarts or scan.intervals != intervals:
            return False
    return True


def file_of(found: Outline, blocks: np.ndarray, start: int, rows: range, columns: range) -> bytes | None:
    """A file of the MCUs in `rows` and `columns`; None if coefficients are larger than the standard's codes allow.

    blocks: int16[blocks, 64] as in `parse.frame_of`, of rows of MCUs from `start` on.
    """
    frame, described = _frame(found.frame, rows, columns)
    steps = [_steps(i, quant) for i, quant in enumerate(found.quants)]
    parts = [b"\xff\xd8", *found.colours, *steps, described, STANDARD_SEGMENTS]
    cut = _cut(found.frame, blocks, range(rows.start - start, rows.stop - start), columns)
    numbers = range(len(frame.components))
    together = len(numbers) == 1 or sum(one.h * one.v for one in frame.components) <= _MOST_IN_MCU
    for several in [numbers] if together else [range(i, i + 1) for i in numbers]:
        head, scan = _scan(frame, several)
        try:
            data = write_scan(frame, head, frame.down, _SCAN, cut, 4096 + _ROOM * len(cut))
        except CorruptFile:
            return None
        parts += [scan, data.tobytes()]
    return b"".join([*parts, b"\xff\xd9"])


def _frame(whole: FrameHead, rows: range, columns: range) -> tuple[FrameHead, bytes]:
    """The frame of a part, and its SOF segment."""
    high = 8 * max(one.v for one in whole.components)
    wide = 8 * max(one.h for one in whole.components)
    height = min(whole.height, rows.stop * high) - rows.start * high
    width = min(whole.width, columns.stop * wide) - columns.start * wide
    heads = b"".join(bytes([one.id, one.h << 4 | one.v, i]) for i, one in enumerate(whole.components))
    body = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([len(whole.components)]) + heads
    found = read_frame_head(body, False)
    assert found is not None
    return found, _segment(0xC1, body)


def _cut(frame: FrameHead, blocks: np.ndarray, rows: range, columns: range) -> np.ndarray:
    """The blocks of some MCUs, component by component. rows: counted from where `blocks` begin."""
    parts, at = [], 0
    per_row = offsets_of(frame, 1)
    down = len(blocks) // per_row[-1]
    for one, size in zip(frame.components, np.diff(per_row).tolist(), strict=True):
        part = blocks[at : at + down * size].reshape(-1, one.padded_columns, 64)
        at += down * size
        part = part[rows.start * one.v : rows.stop * one.v, columns.start * one.h : columns.stop * one.h]
        parts.append(part.reshape(-1, 64))
    return np.concatenate(parts)


def _scan(frame: FrameHead, components: range) -> tuple[ScanHead, bytes]:
    """A scan of these components, and its SOS segment."""
    kinds = [min(i, 1) for i in components]
    tables = [_tables()[kind] for kind in kinds]
    head = ScanHead(tuple(components), tuple(dc for dc, _ in tables), tuple(ac for _, ac in tables), 0, 63, 0, 0, 0, 0)
    named = [bytes([frame.components[i].id, kind << 4 | kind]) for i, kind in zip(components, kinds, strict=True)]
    return head, _segment(0xDA, bytes([len(named)]) + b"".join(named) + b"\0\x3f\0")


@cache
def _tables() -> list[tuple[Table, Table]]:
    """The standard's Huffman tables for the first component and for others."""
    found = [[read_table(text) for text in pair] for pair in STANDARD]
    return [(dc, ac) for dc, ac in found if dc is not None and ac is not None]


def _steps(number: int, quant: np.ndarray) -> bytes:
    """A DQT segment, of 16 bits where that is needed."""
    wide = int(quant.max()) > 255
    return _segment(0xDB, bytes([wide << 4 | number]) + quant.astype(">u2" if wide else np.uint8).tobytes())


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body
