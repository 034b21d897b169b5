"""The pixels of a JPEG file as Pillow shows them, those of a window without decoding the rest.

payload --headers--> JpegPicture; window --segments it touches--> coefficients --some MCUs--> small JPEG file --Pillow--> pixels
"""

import io
from collections.abc import Callable
from functools import cached_property

import numpy as np

from lacodec.codecs.image.jpeg.payload import Coded, written
from lacodec.codecs.image.jpeg.piece import file_of, is_regular
from lacodec.codecs.image.jpeg.segments import Segments, decode_segments
from lacodec.codecs.regions import Range, Window
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.progress import ignore
from lacodec.media.image.pillow import pillow_image, quiet


class JpegPicture:
    """A coded JPEG file as a picture."""

    def __init__(self, restore: Callable[[], bytes], coded: Coded | None, blocks: int, session: Session) -> None:
        """restore: decodes the whole file. coded: None where bytes are all that is known. blocks: as the payload claims.

        Raises CorruptFile if it has more.
        """
        self._restore, self._coded, self._claimed, self._session = restore, coded, blocks, session
        self._last: tuple[range, np.ndarray] | None = None  # the segments that were decoded last, and their blocks
        if coded is not None:
            self._record, self._found = coded.described([bytes(one.packed.size) for one in coded.inner])
            if sum(rows * columns for rows, columns in self._found.sizes) > blocks:
                raise CorruptFile("it has more blocks than it claims")
            self._segments = Segments.unpack(coded.segments, self._found.down, coded.packed.size)

    @cached_property
    def file(self) -> bytes:
        """The whole file."""
        return self._restore()

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels (1: gray, 3: RGB, 4: CMYK)."""
        if self._coded is None:
            height, width, channels = self.all_pixels.shape
            return height, width, channels
        frame = self._found.frame
        return frame.height, frame.width, len(frame.components)

    def pixels(self, window: Window) -> np.ndarray:
        """uint8[rows, columns, channels] of a window inside the picture; raises UnsupportedFile if Pillow cannot show it."""
        rows, columns = window.rows, window.columns
        if not rows.size or not columns.size:
            return np.zeros((rows.size, columns.size, self.shape[2]), np.uint8)
        piece = self._piece(rows, columns)
        if piece is None:
            return np.array(self.all_pixels[rows.start : rows.stop, columns.start : columns.stop])
        data, top, left = piece
        return np.array(show(data)[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left])

    @cached_property
    def all_pixels(self) -> np.ndarray:
        """uint8[height, width, channels], from the whole file, which was compared with its hash."""
        with quiet():
            return show(self.file)

    @cached_property
    def head(self) -> bytes:
        """The file up to the data of its first scan, without Huffman tables that are not stored; no pixels are decoded for it."""
        if self._coded is None:
            return self.file
        end, files, before = self._found.scans[0].end, [], 0
        for place, one in zip(self._coded.packed.places, self._coded.inner, strict=True):
            size = one.packed.size
            files.append(written(one, self._claimed, 1, ignore)[0] if place + before < end else bytes(size))
            before += size
        return self._coded.described(files)[0].header[:end]

    @cached_property
    def _regular(self) -> bool:
        return self._coded is not None and is_regular(self._found, self._record)

    def _piece(self, rows: Range, columns: Range) -> tuple[bytes, int, int] | None:
        """A JPEG file with that window, and where that begins; None if only the whole file shows what is in it."""
        if not self._regular:
            return None
        frame = self._found.frame
        down, high = _mcus(rows, 8 * max(one.v for one in frame.components), frame.down)
        across, wide = _mcus(columns, 8 * max(one.h for one in frame.components), frame.across)
        segments, blocks = self._blocks(self._segments.touched(down.start, down.stop))
        data = file_of(self._found, blocks, self._segments.span(segments)[0], down, across)
        return None if data is None else (data, down.start * high, across.start * wide)

    def _blocks(self, wanted: range) -> tuple[range, np.ndarray]:
        """The blocks of segments that include those wanted, decoded unless they are at hand."""
        last = self._last
        if last is None or not (last[0].start <= wanted.start and wanted.stop <= last[0].stop):
            blocks = decode_segments(self._found, self._segments, wanted, self._session.threads, ignore)
            self._last = last = wanted, blocks
        return last


def _mcus(wanted: Range, side: int, count: int) -> tuple[range, int]:
    """The MCUs of `side` pixels that positions on an axis touch, and one more at both ends, for what readers blur; `side`."""
    return range(max(0, wanted.start // side - 1), min(count, -(-wanted.stop // side) + 1)), side


def show(data: bytes) -> np.ndarray:
    """uint8[height, width, channels] as Pillow shows a JPEG file; raises UnsupportedFile."""
    pillow_image()
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        with JpegImageFile(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
        raise UnsupportedFile(f"Pillow cannot show this JPEG file ({' '.join(str(error).split())[:100]})") from error
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
