"""Pictures that lie in their file as they are: BMP, PPM, PGM and uncompressed TIFF, restored byte for byte.

file = head, rows, tail --head parsed--> Frame --rows--> pixels; extras keep head and tail --parsed again--> Frame --> the file
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lacodec.errors import BadInput, LimitExceeded, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.image.samples import pack, row_size, unpack
from lacodec.media.image.value import MAX_SIDE, Image

KINDS = ("bmp", "pgm", "ppm", "tiff")
_MOST = 512 << 10  # bytes beside the rows
_BAND = 4 << 20  # bytes of rows that are read at once
_LAZY = 64 << 20  # bytes of pixels from which they stay in the file
_MAX_PIXELS = 1 << 31
MAX_ORIGINAL = 64 << 20
"""Bytes of a file up to which it is kept, for those who want it back exactly."""


class Frame(NamedTuple):
    """How the rows lie in a file.

    channels: of the picture; `filler` says that one more sample follows them, the same in all pixels. bits: of a sample as
    stored; depth: in use. order: place in the file of each channel (blue first in BMP). inverted: 0 is white.
    """

    offset: int
    height: int
    width: int
    channels: int
    depth: int
    bits: int
    row_bytes: int
    big: bool = True
    bottom_up: bool = False
    inverted: bool = False
    filler: bool = False
    order: tuple[int, ...] | None = None
    palette: bytes | None = None

    @property
    def body(self) -> int:
        """Bytes of all rows."""
        return self.height * self.row_bytes

    def decoded(self, raw: np.ndarray) -> tuple[np.ndarray, int]:
        """(pixels, filler) of uint8[n, row_bytes], from the top down."""
        stored = self.channels + self.filler
        rows = unpack(raw[:, : row_size(self.width, stored, self.bits)], self.width, stored, self.bits, self.big)
        filler = int(rows[0, 0, -1]) if self.filler else 0
        pixels = rows[:, :, list(self.order)] if self.order else rows[:, :, : self.channels]
        return (np.uint16 if self.depth == 16 else np.uint8)((1 << self.depth) - 1) - pixels if self.inverted else pixels, filler

    def encoded(self, pixels: np.ndarray, filler: int) -> np.ndarray:
        """The inverse of `decoded`."""
        rows = (np.uint16 if self.depth == 16 else np.uint8)((1 << self.depth) - 1) - pixels if self.inverted else pixels
        if self.order or self.filler:
            stored = np.full((*rows.shape[:2], self.channels + self.filler), filler, rows.dtype)
            stored[:, :, list(self.order or range(self.channels))] = rows
            rows = stored
        packed = pack(rows, self.bits, self.big)
        return np.pad(packed, ((0, 0), (0, self.row_bytes - packed.shape[1])))


class FramedRows:
    """An array of shape (height, width, channels) that lies in a file: indexed by a slice of rows (and one of columns)."""

    ndim = 3

    def __init__(self, frame: Frame, source: Source) -> None:
        self.shape = (frame.height, frame.width, frame.channels)
        self.dtype = np.dtype(np.uint16 if frame.depth == 16 else np.uint8)
        self.nbytes = frame.height * frame.width * frame.channels * self.dtype.itemsize
        self._frame, self._source = frame, source

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            raise BadInput(f"{key!r}: select the rows of a picture file with a slice")
        top, stop, step = rows.indices(self.shape[0])
        if stop <= top:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        return self._frame.decoded(self.raw(top, stop)[::step])[0][(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype)

    def raw(self, top: int, stop: int) -> np.ndarray:
        """The bytes of rows from the top down, uint8[n, row_bytes]."""
        frame = self._frame
        first = frame.height - stop if frame.bottom_up else top
        size = (stop - top) * frame.row_bytes
        data = self._source.read(frame.offset + first * frame.row_bytes, size)
        if len(data) != size:
            raise UnsupportedFile(f"{self._source.name}: is cut off, or changed while it was read")
        rows = np.frombuffer(data, np.uint8).reshape(stop - top, frame.row_bytes)
        return rows[::-1] if frame.bottom_up else rows

    def filler(self) -> int:
        """That of all pixels. Raises UnsupportedFile when the rows are not those that `Frame.encoded` makes."""
        filler = self._frame.decoded(self.raw(0, 1))[1]
        for top, stop in _bands(self._frame):
            raw = self.raw(top, stop)
            pixels = self._frame.decoded(raw)[0]
            if self._frame.depth < 8 and int(pixels.max()) >> self._frame.depth:
                raise UnsupportedFile(f"{self._source.name}: has samples above the maximum in its header")
            if not np.array_equal(self._frame.encoded(pixels, filler), raw):
                raise UnsupportedFile(f"{self._source.name}: has data between its rows or pixels")
        return filler


def read_frame(source: Source, frame: Frame, kind: str) -> Image:
    """The picture in a file whose rows lie as `frame` says; raises UnsupportedFile for what would not come back."""
    size, name = source.size or 0, source.name
    check_size(frame.width, frame.height, name)
    end = frame.offset + frame.body
    if end > size:
        raise UnsupportedFile(f"{name}: is cut off")
    if frame.offset + size - end > _MOST:
        raise UnsupportedFile(f"{name}: has {frame.offset + size - end} bytes that are not pixels")
    rows = FramedRows(frame, source)
    filler = rows.filler()
    try:
        pixels: Any = rows if rows.nbytes > _LAZY else np.ascontiguousarray(rows[:])
    except MemoryError as error:
        raise LimitExceeded(f"{name}: {frame.width}x{frame.height} pixels do not fit into memory") from error
    extras = [("head", source.read(0, frame.offset)), ("body", struct.pack("<Q", frame.body))]
    if size > end:
        extras.append(("tail", source.read(end, size - end)))
    if frame.filler:
        extras.append(("filler", bytes([filler])))
    original = source.read(0, size) if size <= MAX_ORIGINAL else None
    return Image(pixels, frame.depth, frame.palette, tuple(extras), kind, original, file_size=size)


def is_framed(image: Image) -> bool:
    """Whether head and tail of the file are at hand."""
    return image.format in KINDS and any(key == "head" for key, _ in image.extras)


def surroundings(extras: tuple[tuple[str, bytes], ...]) -> Source:
    """A source like the file, but with nothing where its rows lie."""
    kept = dict(extras)
    body = kept.get("body", b"")
    return _Hollow(kept["head"], int.from_bytes(body[:8], "little"), kept.get("tail", b""))


def frame_blocks(image: Image, frame: Frame) -> Iterator[bytes]:
    """The bytes of the file, piece by piece."""
    if image.pixels.shape != (frame.height, frame.width, frame.channels) or image.depth != frame.depth:
        raise BadInput(f"the stored {str(image.format).upper()} header belongs to another picture")
    kept = dict(image.extras)
    filler = kept.get("filler", b"\0")[0]
    yield kept["head"]
    for top, stop in _bands(frame):
        rows = slice(frame.height - stop, frame.height - top) if frame.bottom_up else slice(top, stop)
        block = frame.encoded(np.asarray(image.pixels[rows]), filler)
        yield (block[::-1] if frame.bottom_up else block).tobytes()
    yield kept.get("tail", b"")


def check_size(width: int, height: int, name: str) -> None:
    """Raises UnsupportedFile for more pixels than a picture may have."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= _MAX_PIXELS):
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are not supported for a picture")


def _bands(frame: Frame) -> Iterator[tuple[int, int]]:
    rows = max(1, _BAND // frame.row_bytes)
    return ((top, min(top + rows, frame.height)) for top in range(0, frame.height, rows))


class _Hollow(Source):
    """Head and tail of a file; the bytes between them read as 0."""

    def __init__(self, head: bytes, body: int, tail: bytes) -> None:
        self._head, self._tail, self._end = head, tail, len(head) + body
        self.size, self.name = self._end + len(tail), "the stored header"

    def read(self, offset: int, n: int) -> bytes:
        n = max(0, min(n, (self.size or 0) - offset, _MOST))
        head = self._head[offset : offset + n]
        middle = bytes(max(0, min(offset + n, self._end) - max(offset, len(self._head))))
        tail = self._tail[max(0, offset - self._end) : max(0, offset + n - self._end)]
        return head + middle + tail
