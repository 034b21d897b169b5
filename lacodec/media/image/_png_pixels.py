"""The pixels of a PNG file: IDAT chunks --inflated--> filtered rows --> pixels, band by band.

Pictures of many megapixels stay in their file: `Rows` looks like an array, and inflates the rows that are asked for.
"""

import threading
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lacodec.errors import BadInput, LimitExceeded, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.image.samples import row_size, unpack

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_BAND = 4 << 20  # bytes of rows that are filtered at once
_LAZY = 64 << 20  # bytes of pixels from which they stay in the file
_PIECE = 1 << 20  # compressed bytes read at once


class Layout(NamedTuple):
    """What the header says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Samples of a pixel."""
        return _CHANNELS[self.colour]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return np.dtype(np.uint16 if self.depth == 16 else np.uint8)

    def row_bytes(self, width: int) -> int:
        """Bytes of a row of so many pixels, without the filter."""
        return row_size(width, self.channels, self.depth)

    def passes(self) -> list[tuple[int, int, int, int]]:
        """(y0, x0, dy, dx) of each pass that has pixels."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        return [p for p in passes if p[0] < self.height and p[1] < self.width]

    def raw_size(self) -> int:
        """Bytes of all filtered rows."""
        return sum(
            (self.row_bytes(-(-(self.width - x0) // dx)) + 1) * -(-(self.height - y0) // dy) for y0, x0, dy, dx in self.passes()
        )


class Data(NamedTuple):
    """Where the compressed pixels lie: (offset, size) of the body of each IDAT chunk of `source`."""

    source: Source
    bodies: list[tuple[int, int]]

    def pieces(self) -> Iterator[bytes]:
        """The zlib stream."""
        for offset, size in self.bodies:
            for at in range(offset, offset + size, _PIECE):
                yield self.source.read(at, min(_PIECE, offset + size - at))


class Rows:
    """An array of shape (height, width, channels) that lies in a PNG file: indexed by a slice of rows (and one of columns).

    Rows are inflated forwards; the newest ones asked for are kept. Asking for earlier ones starts again at the top.
    """

    ndim = 3

    def __init__(self, layout: Layout, data: Data) -> None:
        self.shape, self.dtype = (layout.height, layout.width, layout.channels), layout.dtype
        self.nbytes = layout.height * layout.width * layout.channels * layout.dtype.itemsize
        self._layout, self._data = layout, data
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._inflater = Inflater(self._data)
        self._above = np.zeros(self._layout.row_bytes(self._layout.width), np.uint8)
        self._top = self._stop = 0
        self._held = np.empty((0, *self.shape[1:]), self.dtype)

    def check(self) -> None:
        """Inflate everything once; raises UnsupportedFile when that fails."""
        rows = max(1, _BAND // (self.nbytes // self.shape[0]))
        for top in range(0, self.shape[0], rows):
            self._hold(top, min(top + rows, self.shape[0]))
        self._inflater.finish()
        self._begin()

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            raise BadInput(f"{key!r}: select the rows of a PNG file with a slice")
        top, stop, step = rows.indices(self.shape[0])
        if stop <= top:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        with self._lock:
            if top < self._top:
                self._begin()
            if stop > self._stop:
                self._hold(top, stop)
            return self._held[(slice(top - self._top, stop - self._top, step), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype)

    def _hold(self, top: int, stop: int) -> None:
        """Keep rows `top` to `stop`; none before those that are kept now."""
        held = [self._held[top - self._top :]] if top < self._stop else []
        while self._stop < stop:  # rows before `top` are inflated and dropped
            rows = (top if self._stop < top else stop) - self._stop
            rows = min(rows, max(1, _BAND // (len(self._above) + 1)))
            band = next_rows(self._inflater, self._layout, self._layout.width, rows, self._above)
            if self._stop >= top:
                held.append(band)
            self._stop += rows
        self._held, self._top = held[0] if len(held) == 1 else np.concatenate(held), top


def pixels_of(layout: Layout, data: Data) -> Any:
    """uint8 or uint16[height, width, channels]; of a large picture, its rows in the file. Raises UnsupportedFile for damage."""
    rows = Rows(layout, data)
    if rows.nbytes > _LAZY and not layout.interlaced:
        rows.check()
        return rows
    try:
        pixels = np.empty(rows.shape, rows.dtype)
    except MemoryError as error:
        raise LimitExceeded(f"{data.source.name}: {layout.width}x{layout.height} pixels do not fit into memory") from error
    inflater = Inflater(data)
    for y0, x0, dy, dx in layout.passes():
        target = pixels[y0::dy, x0::dx]
        width = target.shape[1]
        above = np.zeros(layout.row_bytes(width), np.uint8)
        band = max(1, _BAND // (len(above) + 1))
        for top in range(0, len(target), band):
            count = min(band, len(target) - top)
            target[top : top + count] = next_rows(inflater, layout, width, count, above)
    inflater.finish()
    return pixels


def next_rows(inflater: "Inflater", layout: Layout, width: int, count: int, above: np.ndarray) -> np.ndarray:
    """The next `count` rows of `width` pixels; `above`, the bytes of the row before, becomes the last of them."""
    from lacodec.media.image._png_rows import unfilter

    size = len(above)
    block = np.frombuffer(inflater.take(count * (size + 1)), np.uint8).reshape(count, size + 1).copy()
    if not unfilter(block, above, max(1, layout.channels * layout.depth // 8)):
        raise UnsupportedFile(f"{inflater.name}: this PNG has a row with an unknown filter")
    above[:] = block[-1, 1:]
    return unpack(block[:, 1:], width, layout.channels, layout.depth)


class Inflater:
    """Exact amounts of the bytes that several IDAT chunks inflate to."""

    def __init__(self, data: Data) -> None:
        self.name = data.source.name
        self._pieces = data.pieces()
        self._zlib = zlib.decompressobj()

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        parts = []
        while size > 0:
            piece = self._zlib.unconsumed_tail or next(self._pieces, None)
            if piece is None or self._zlib.eof:
                raise UnsupportedFile(f"{self.name}: the pixels of this PNG are cut off")
            parts.append(self._inflate(piece, size))
            size -= len(parts[-1])
        return b"".join(parts)

    def finish(self) -> None:
        """Check that nothing is left but the checksum."""
        piece: bytes | None = self._zlib.unconsumed_tail
        while piece is not None:
            if self._inflate(piece, 1) if not self._zlib.eof else piece:
                raise UnsupportedFile(f"{self.name}: this PNG has data after its pixels")
            piece = next(self._pieces, None)
        if not self._zlib.eof or self._zlib.unused_data:
            raise UnsupportedFile(f"{self.name}: the pixels of this PNG do not end properly")

    def _inflate(self, data: bytes, size: int) -> bytes:
        try:
            return self._zlib.decompress(data, size)
        except zlib.error as error:
            raise UnsupportedFile(f"{self.name}: the pixels of this PNG are damaged ({error})") from error
