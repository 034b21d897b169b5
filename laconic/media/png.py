"""PNG files in and out, all bit depths and colour types, interlaced or not, every ancillary chunk kept.

file --chunks--> zlib stream --inflated row by row--> filtered rows --> pixels        and back, without interlacing
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from laconic.errors import BadInput, LimitExceeded, UnsupportedFile
from laconic.media.image import MAX_SIDE, Image

MAGIC = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_BAND = 4 << 20  # bytes of rows that are filtered at once
_MAX_PIXELS = 1 << 31
_BOMB = 1100  # deflate cannot expand more
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")


class _Layout(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        return _CHANNELS[self.colour]

    def row_bytes(self, width: int) -> int:
        return (width * self.channels * self.depth + 7) // 8

    def passes(self) -> list[tuple[int, int, int, int]]:
        """(y0, x0, dy, dx) of each pass that has pixels."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        return [p for p in passes if p[0] < self.height and p[1] < self.width]


def read_png(data: bytes, name: str) -> Image:
    """The picture in the bytes of a PNG file; raises UnsupportedFile for animations and damaged files."""
    chunks, end = _chunks(data, name)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise UnsupportedFile(f"{name}: this PNG does not begin with its header")
    layout = _layout(bytes(chunks[0][1]), name)
    if any(kind in _ANIMATION for kind, _ in chunks):
        raise UnsupportedFile(f"{name}: is an animated PNG")
    if end != len(data):
        raise UnsupportedFile(f"{name}: {len(data) - end} bytes follow the end of this PNG")
    palette = next((bytes(body) for kind, body in chunks if kind == b"PLTE"), None)
    if layout.colour == 3 and (palette is None or not palette or len(palette) % 3):
        raise UnsupportedFile(f"{name}: this PNG has no valid palette")
    bodies = [body for kind, body in chunks if kind == b"IDAT"]
    expected = sum(
        (layout.row_bytes(-(-(layout.width - x0) // dx)) + 1) * -(-(layout.height - y0) // dy)
        for y0, x0, dy, dx in layout.passes()
    )
    if expected > _BOMB * (sum(map(len, bodies)) + 16):
        raise UnsupportedFile(f"{name}: this PNG claims {layout.width}x{layout.height} pixels but holds too few")
    pixels = _pixels(layout, bodies, name)
    extras, after = [], False
    for kind, body in chunks[1:-1]:
        if kind == b"IDAT":
            after = True
        elif kind != b"PLTE" or layout.colour != 3:
            extras.append((kind.decode("ascii") + (">" if after else ""), bytes(body)))
    if layout.interlaced:
        extras.append(("interlaced", b""))
    return Image(pixels, layout.depth, palette if layout.colour == 3 else None, tuple(extras), "png", data)


def write_png(image: Image) -> Iterator[bytes]:
    """The bytes of a PNG file, piece by piece; chunks of other formats (ICC, EXIF) become PNG's."""
    height, width, channels = image.pixels.shape
    colour = 3 if image.palette is not None else {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    depth = image.depth if image.depth in _DEPTHS[colour] else 8
    if not (height <= 0x7FFFFFFF and width <= 0x7FFFFFFF):
        raise BadInput(f"{width}x{height} pixels are too many for PNG")
    yield MAGIC + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    before, after = _ancillary(image)
    if image.palette is not None:
        # What describes colours must come before the palette, what refers to it behind.
        early = [item for item in before if item[0] in (b"gAMA", b"cHRM", b"iCCP", b"sRGB", b"sBIT", b"cICP")]
        before = [item for item in before if item not in early]
        yield b"".join(_chunk(*item) for item in early) + _chunk(b"PLTE", image.palette)
    yield b"".join(_chunk(*item) for item in before)
    for body in _deflated(image, depth):
        yield _chunk(b"IDAT", body)
    yield b"".join(_chunk(*item) for item in after) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes, name: str) -> tuple[list[tuple[bytes, memoryview]], int]:
    """(kind, body) of every chunk up to IEND, checked; and where the file should end."""
    view, at, found = memoryview(data), len(MAGIC), []
    while True:
        if at + 12 > len(data):
            raise UnsupportedFile(f"{name}: this PNG is cut off at offset {at}")
        size = int.from_bytes(view[at : at + 4], "big")
        kind, body = bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + size]
        stored = view[at + 8 + size : at + 12 + size]
        if len(stored) < 4 or zlib.crc32(view[at + 4 : at + 8 + size]) != int.from_bytes(stored, "big") or not kind.isalpha():
            raise UnsupportedFile(f"{name}: the PNG chunk at offset {at} is damaged")
        at += 12 + size
        found.append((kind, body))
        if kind == b"IEND":
            return found, at


def _layout(body: bytes, name: str) -> _Layout:
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", body)
    if colour not in _DEPTHS or depth not in _DEPTHS[colour] or method or filters or interlace > 1:
        raise UnsupportedFile(f"{name}: this PNG has an unknown layout (depth {depth}, colour type {colour})")
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE or width * height > _MAX_PIXELS:
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are more than an image may have here")
    return _Layout(width, height, depth, colour, bool(interlace))


def _pixels(layout: _Layout, bodies: list[memoryview], name: str) -> np.ndarray:
    from laconic.media._png_rows import unfilter

    stream = _Inflater(bodies, name)
    try:
        pixels = np.empty((layout.height, layout.width, layout.channels), np.uint16 if layout.depth == 16 else np.uint8)
    except MemoryError as error:
        raise LimitExceeded(f"{name}: {layout.width}x{layout.height} pixels do not fit into memory") from error
    step = max(1, layout.channels * layout.depth // 8)
    for y0, x0, dy, dx in layout.passes():
        target = pixels[y0::dy, x0::dx]
        rows, width = target.shape[:2]
        size = layout.row_bytes(width)
        above = np.zeros(size, np.uint8)
        band = max(1, _BAND // (size + 1))
        for top in range(0, rows, band):
            count = min(band, rows - top)
            block = np.frombuffer(stream.take(count * (size + 1)), np.uint8).reshape(count, size + 1).copy()
            if not unfilter(block, above, step):
                raise UnsupportedFile(f"{name}: this PNG has a row with an unknown filter")
            above = block[-1, 1:].copy()
            target[top : top + count] = _unpack(block[:, 1:], layout, width)
    stream.finish()
    return pixels


def _unpack(rows: np.ndarray, layout: _Layout, width: int) -> np.ndarray:
    if layout.depth == 16:
        return np.ascontiguousarray(rows).view(">u2").reshape(len(rows), width, layout.channels)
    if layout.depth == 8:
        return rows.reshape(len(rows), width, layout.channels)
    per = 8 // layout.depth
    shifts = np.arange(per - 1, -1, -1, dtype=np.uint8) * np.uint8(layout.depth)
    spread = (rows[:, :, None] >> shifts) & np.uint8((1 << layout.depth) - 1)
    return spread.reshape(len(rows), -1)[:, :width, None]


class _Inflater:
    """Exact amounts of the bytes that several IDAT chunks inflate to."""

    def __init__(self, bodies: list[memoryview], name: str) -> None:
        self._bodies, self._name = iter(bodies), name
        self._zlib = zlib.decompressobj()

    def take(self, size: int) -> bytes:
        parts = []
        while size > 0:
            data = self._zlib.unconsumed_tail or next(self._bodies, None)
            if data is None or self._zlib.eof:
                raise UnsupportedFile(f"{self._name}: the pixels of this PNG are cut off")
            parts.append(self._inflate(data, size))
            size -= len(parts[-1])
        return b"".join(parts)

    def finish(self) -> None:
        """Check that nothing is left but the checksum."""
        rest: list[bytes | memoryview] = [self._zlib.unconsumed_tail, *self._bodies]
        for data in rest:
            if self._inflate(data, 1) if not self._zlib.eof else len(data):
                raise UnsupportedFile(f"{self._name}: this PNG holds more than its pixels")
        if not self._zlib.eof or self._zlib.unused_data:
            raise UnsupportedFile(f"{self._name}: the pixels of this PNG do not end properly")

    def _inflate(self, data: bytes | memoryview, size: int) -> bytes:
        try:
            return self._zlib.decompress(data, size)
        except zlib.error as error:
            raise UnsupportedFile(f"{self._name}: the pixels of this PNG are damaged ({error})") from error


def _deflated(image: Image, depth: int) -> Iterator[bytes]:
    from laconic.media._png_rows import choose_filters

    height, width, channels = image.pixels.shape
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY)
    step = max(1, channels * depth // 8)
    plain = depth < 8 or image.palette is not None
    size = (width * channels * depth + 7) // 8
    above = np.zeros(size, np.uint8)
    band = max(1, _BAND // (size + 1))
    for top in range(0, height, band):
        rows = _pack(image.pixels[top : top + band], depth)
        out = np.zeros((len(rows), size + 1), np.uint8)
        choose_filters(rows, above, step, plain, out)
        above = rows[-1].copy()
        body = packer.compress(out.data)
        if body:
            yield body
    yield packer.flush()


def _pack(pixels: np.ndarray, depth: int) -> np.ndarray:
    rows = len(pixels)
    if depth == 16:
        return np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(rows, -1)
    flat = np.ascontiguousarray(pixels).reshape(rows, -1)
    if depth == 8:
        return flat
    per = 8 // depth
    flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % per)))
    shifts = np.arange(per - 1, -1, -1, dtype=np.uint8) * np.uint8(depth)
    return np.bitwise_or.reduce(flat.reshape(rows, -1, per) << shifts, axis=2).astype(np.uint8)


def _ancillary(image: Image) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """Chunks before and behind the pixels."""
    before: list[tuple[bytes, bytes]] = []
    after: list[tuple[bytes, bytes]] = []
    for kind, body in image.extras:
        if kind == "icc":
            before.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(body, 9)))
        elif kind == "exif":
            before.append((b"eXIf", body.removeprefix(b"Exif\0\0")))
        elif kind == "dpi" and len(body) == 16:
            x, y = struct.unpack("<dd", body)
            before.append((b"pHYs", struct.pack(">IIB", round(x / 0.0254), round(y / 0.0254), 1)))
        elif image.format == "png" and len(kind.rstrip(">")) == 4:
            (after if kind.endswith(">") else before).append((kind[:4].encode("ascii"), body))
    return before, after
