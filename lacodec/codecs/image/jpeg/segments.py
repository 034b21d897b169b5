"""Frames in segments: bands of whole rows of MCUs, each coded alone, so that threads share them and crops need only some.

frame --Frame.rows--> bands --model--> segments

    varint rows of MCUs in a segment (0: all are in one), varint size of each segment but the last, segments
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.image.jpeg.frame import Frame
from lacodec.codecs.image.jpeg.model.coder import decode_frame, encode_frame
from lacodec.codecs.image.jpeg.stream.parse import Outline, frame_of, new_blocks
from lacodec.codecs.image.jpeg.stream.record import Stream, varint
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.io.threads import ordered_map

_LEAST = 1 << 10  # bytes of a file for a segment


@dataclass(frozen=True)
class Segments:
    """Coded segments of `rows` rows of MCUs each, the last of those that are left of `down`."""

    rows: int
    down: int
    coded: Sequence[bytes]

    @classmethod
    def unpack(cls, data: bytes, down: int, size: int) -> "Segments":
        """From the form in a payload, for a frame of `down` rows of MCUs in a file of `size` bytes; raises CorruptFile."""
        stream = Stream(data)
        rows = stream.varint() or down
        if not least_rows(down, size) <= rows <= down:
            raise CorruptFile("its segments do not fit the picture")
        sizes = [stream.varint() for _ in range(-(-down // rows) - 1)]
        return cls(rows, down, [*map(stream.take, sizes), data[stream.at :]])

    def pack(self) -> bytes:
        """The form in a payload."""
        sizes = [varint(len(one)) for one in self.coded[:-1]]
        return b"".join([varint(self.rows if sizes else 0), *sizes, *self.coded])

    def touched(self, start: int, stop: int) -> range:
        """Which segments have rows `start` to `stop` - 1."""
        return range(start // self.rows, -(-stop // self.rows))

    def span(self, segments: range) -> tuple[int, int]:
        """Their first row of MCUs, and the one behind the last."""
        return segments.start * self.rows, min(segments.stop * self.rows, self.down)


def least_rows(down: int, size: int) -> int:
    """The fewest rows of MCUs of a segment: each takes time to begin with, which so many bytes of the file pay for."""
    return -(-down // (1 + size // _LEAST))


def encode_segments(frame: Frame, size: int, rows: int, effort: int, threads: int, report: Report) -> bytes:
    """A frame of a file of `size` bytes in segments of `rows` rows of MCUs, or a little more.

    `report` hears of coefficients, from several threads.
    """
    down = frame.down
    rows = min(max(rows, least_rows(down, size)), down)
    bands = (frame.rows(start, min(start + rows, down)) for start in range(0, down, rows))
    coded = ordered_map(lambda band: encode_frame(band, effort, report), bands, threads)
    return Segments(rows, down, list(coded)).pack()


def decode_segments(found: Outline, segments: Segments, wanted: range, threads: int, report: Report) -> np.ndarray:
    """The blocks of the `wanted` segments as `frame_of` takes them, for rows of MCUs `segments.span(wanted)`; CorruptFile."""
    first, last = segments.span(wanted)
    blocks = new_blocks(found, last - first)
    frame = frame_of(found, blocks, first, last)

    def decode(i: int) -> None:
        start, stop = segments.span(range(i, i + 1))
        places = frame.rows(start - first, stop - first).components
        shape = frame.width, frame.height, [(*place.coefficients.shape[:2], place.h, place.v) for place in places]
        band = decode_frame(segments.coded[i], shape, found.quants, report)
        for place, one in zip(places, band.components, strict=True):
            place.coefficients[:] = one.coefficients

    for _ in map(decode, wanted) if threads == 1 or len(wanted) == 1 else ordered_map(decode, wanted, threads):
        pass
    return blocks
