"""Frames in segments: bands of whole rows of MCUs, each coded alone, so that threads share them and crops need only some.

frame --Frame.rows--> bands --model--> segments

    varint rows of MCUs in a segment (0: all are in one), varint size of each segment but the last, segments
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lacodec.codecs.image.jpeg.frame import Frame
from lacodec.codecs.image.jpeg.model.coder import decode_frame, encode_frame
from lacodec.codecs.image.jpeg.stream.parse import Outline, frame_of, new_blocks
from lacodec.codecs.image.jpeg.stream.record import Stream, varint
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.io.threads import ordered_map


@dataclass(frozen=True)
class Segments:
    """Coded segments of `rows` rows of MCUs each, the last of those that are left of `down`."""

    rows: int
    down: int
    coded: Sequence[bytes]

    @classmethod
    def unpack(cls, data: bytes, down: int) -> "Segments":
        """From the form in a payload, for a frame of `down` rows of MCUs; raises CorruptFile."""
        stream = Stream(data)
        rows = stream.varint() or down
        if rows > down:
            raise CorruptFile("its segments are higher than the picture")
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


def encode_segments(frame: Frame, rows: int, effort: int, threads: int, report: Report) -> bytes:
    """A frame in segments of so many rows of MCUs. `report` hears of coefficients, from several threads."""
    down = frame.down
    rows = max(1, min(rows, down))
    bands = (frame.rows(start, min(start + rows, down)) for start in range(0, down, rows))
    coded = ordered_map(lambda band: encode_frame(band, effort, report), bands, threads)
    return Segments(rows, down, list(coded)).pack()


def decode_segments(found: Outline, segments: Segments, wanted: range, threads: int, report: Report) -> Frame:
    """The part of a frame in the `wanted` segments: the rows of MCUs in `segments.span(wanted)`. Raises CorruptFile."""
    first, last = segments.span(wanted)
    frame = frame_of(found, new_blocks(found, last - first), first, last)

    def decode(i: int) -> None:
        start, stop = segments.span(range(i, i + 1))
        places = frame.rows(start - first, stop - first).components
        shape = frame.width, frame.height, [(*place.coefficients.shape[:2], place.h, place.v) for place in places]
        band = decode_frame(segments.coded[i], shape, found.quants, report)
        for place, one in zip(places, band.components, strict=True):
            place.coefficients[:] = one.coefficients

    for _ in ordered_map(decode, wanted, threads):
        pass
    return frame
