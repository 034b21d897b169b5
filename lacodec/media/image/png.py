"""PNG files in and out, all bit depths and colour types, interlaced or not, every ancillary chunk kept.

file --chunks--> zlib stream --inflated row by row--> filtered rows --> pixels        and back, without interlacing
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.image._png_pixels import Data, Layout, pixels_of
from lacodec.media.image.frames import MAX_ORIGINAL
from lacodec.media.image.samples import pack, row_size
from lacodec.media.image.value import MAX_SIDE, Image

MAGIC = b"\x89PNG\r\n\x1a\n"
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_BAND = 4 << 20  # bytes of rows that are filtered at once
_PIECE = 1 << 20  # bytes read at once
_MAX_PIXELS = 1 << 31
_BOMB = 1100  # deflate cannot expand more
_MAX_EXTRAS = 512 << 10  # bytes beside the pixels
COLOUR_CHUNKS = ("cICP", "gAMA", "cHRM", "sRGB", "mDCV", "cLLI")
"""Chunks that say what the colours mean."""

_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_SEALS = (b"caBX", b"dSIG")  # hold sums over the bytes of the file
_EARLY = ("cHRM", "cICP", "gAMA", "iCCP", "mDCV", "cLLI", "sBIT", "sRGB")


def read_png(source: Source) -> Image:
    """The picture in a PNG file; raises UnsupportedFile for animations and damaged files."""
    name = source.name
    chunks, bodies, end = _chunks(source)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise UnsupportedFile(f"{name}: this PNG does not begin with its header")
    layout = _layout(chunks[0][1], name)
    if any(kind in _ANIMATION for kind, _ in chunks):
        raise UnsupportedFile(f"{name}: is an animated PNG")
    _check_order([kind for kind, _ in chunks], name)
    if end != source.size:
        raise UnsupportedFile(f"{name}: {(source.size or 0) - end} bytes follow the end of this PNG")
    palette = next((body for kind, body in chunks if kind == b"PLTE"), None)
    if layout.colour == 3 and (palette is None or not palette or len(palette) % 3 or len(palette) > 768):
        raise UnsupportedFile(f"{name}: this PNG has no valid palette")
    if layout.raw_size() > _BOMB * (sum(size for _, size in bodies) + 16):
        raise UnsupportedFile(f"{name}: this PNG claims {layout.width}x{layout.height} pixels but holds too few")
    pixels = pixels_of(layout, Data(source, bodies))
    extras, after = [], False
    for kind, body in chunks[1:-1]:
        after = after or kind == b"IDAT"
        if kind == b"PLTE" and layout.colour == 3:
            extras.append(("PLTE", b""))  # its place among the others
        elif kind != b"IDAT":
            extras.append((kind.decode("ascii") + (">" if after else ""), body))
    if layout.colour == 3 and _in_order(extras) == extras:
        extras.remove(("PLTE", b""))
    if layout.interlaced:
        extras.append(("interlaced", b""))
    original = source.read(0, end) if end <= MAX_ORIGINAL else None
    return Image(pixels, layout.depth, palette if layout.colour == 3 else None, tuple(extras), "png", original, file_size=end)


def write_png(image: Image) -> Iterator[bytes]:
    """The bytes of a PNG file, piece by piece; chunks of other formats (ICC, EXIF) become PNG's."""
    height, width, channels = image.pixels.shape
    colour = 3 if image.palette is not None else {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    depth = image.depth if image.depth in _DEPTHS[colour] else 8
    if not (height <= 0x7FFFFFFF and width <= 0x7FFFFFFF):
        raise BadInput(f"{width}x{height} pixels are too many for PNG")
    yield MAGIC + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    before, after = _ancillary(image)
    if image.palette is not None and b"PLTE" not in dict(before):
        named = _in_order([(kind.decode("ascii"), body) for kind, body in before])
        before = [(kind.encode("ascii"), body) for kind, body in named]
    palette = image.palette or b""
    if image.format != "png" and palette:  # an entry without a colour is black there, and wrong here
        palette = palette.ljust(3 * (int(np.max(np.asarray(image.pixels))) + 1), b"\0")
    yield b"".join(_chunk(kind, palette if kind == b"PLTE" and image.palette else body) for kind, body in before)
    for body in _deflated(image, depth):
        yield _chunk(b"IDAT", body)
    yield b"".join(_chunk(*item) for item in after) + _chunk(b"IEND", b"")


def _in_order(extras: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Chunks with the palette where it usually is: what describes colours stands before it, what refers to it behind."""
    before = [item for item in extras if not item[0].endswith(">") and item[0] != "PLTE"]
    early = [item for item in before if item[0] in _EARLY]
    late = [item for item in before if item[0] not in _EARLY]
    return [*early, ("PLTE", b""), *late, *(item for item in extras if item[0].endswith(">"))]


def _check_order(kinds: list[bytes], name: str) -> None:
    """Raises UnsupportedFile for chunks that must be understood and are not, are there twice, or stand between the pixels."""
    critical = [kind for kind in kinds if kind[:1].isupper() and kind != b"IDAT"]
    if set(critical) - {b"IHDR", b"PLTE", b"IEND"} or len(set(critical)) < len(critical):
        raise UnsupportedFile(f"{name}: this PNG has unknown or duplicate critical chunks")
    if any(kind in _SEALS for kind in kinds):
        raise UnsupportedFile(f"{name}: this PNG is signed: its bytes are kept")
    places = [i for i, kind in enumerate(kinds) if kind == b"IDAT"]
    if places and places[-1] - places[0] >= len(places):
        raise UnsupportedFile(f"{name}: this PNG has other chunks between its pixels")
    if b"PLTE" in kinds and places and kinds.index(b"PLTE") > places[0]:
        raise UnsupportedFile(f"{name}: this PNG has its palette after its pixels")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(source: Source) -> tuple[list[tuple[bytes, bytes]], list[tuple[int, int]], int]:
    """(kind and body of every chunk up to IEND, all checked; where the bodies of IDAT lie instead; where the file should end)."""
    at, kept = len(MAGIC), 0
    found: list[tuple[bytes, bytes]] = []
    bodies: list[tuple[int, int]] = []
    while True:
        head = source.read(at, 8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or at + 12 + size > (source.size or 0):
            raise UnsupportedFile(f"{source.name}: this PNG is cut off at offset {at}")
        pixels = kind == b"IDAT"
        kept += 0 if pixels else size
        if kept > _MAX_EXTRAS:
            raise UnsupportedFile(f"{source.name}: more than {_MAX_EXTRAS >> 20} MiB of this PNG are not pixels")
        crc, parts = zlib.crc32(kind), []
        for begin in range(at + 8, at + 8 + size, _PIECE):
            part = source.read(begin, min(_PIECE, at + 8 + size - begin))
            crc = zlib.crc32(part, crc)
            if not pixels:
                parts.append(part)
        if source.read(at + 8 + size, 4) != crc.to_bytes(4, "big") or not kind.isalpha():
            raise UnsupportedFile(f"{source.name}: the PNG chunk at offset {at} is damaged")
        if pixels:
            bodies.append((at + 8, size))
        found.append((kind, b"".join(parts)))
        at += 12 + size
        if kind == b"IEND":
            return found, bodies, at


def _layout(body: bytes, name: str) -> Layout:
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", body)
    if colour not in _DEPTHS or depth not in _DEPTHS[colour] or method or filters or interlace > 1:
        raise UnsupportedFile(f"{name}: this PNG has an unknown layout (depth {depth}, colour type {colour})")
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE or width * height > _MAX_PIXELS:
        raise UnsupportedFile(f"{name}: {width}x{height} pixels are more than an image may have")
    return Layout(width, height, depth, colour, bool(interlace))


def _deflated(image: Image, depth: int) -> Iterator[bytes]:
    from lacodec.media.image._png_rows import choose_filters

    height, width, channels = image.pixels.shape
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY)
    step = max(1, channels * depth // 8)
    plain = depth < 8 or image.palette is not None
    size = row_size(width, channels, depth)
    above = np.zeros(size, np.uint8)
    band = max(1, _BAND // (size + 1))
    for top in range(0, height, band):
        rows = pack(image.pixels[top : top + band], depth)
        out = np.zeros((len(rows), size + 1), np.uint8)
        choose_filters(rows, above, step, plain, out)
        above = rows[-1].copy()
        body = packer.compress(out.data)
        if body:
            yield body
    yield packer.flush()


def _ancillary(image: Image) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """Chunks before and behind the pixels."""
    before: list[tuple[bytes, bytes]] = []
    after: list[tuple[bytes, bytes]] = []
    for kind, body in image.extras:
        if kind == "icc":
            before.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(body, 9)))
        elif kind == "exif":
            before.append((b"eXIf", body.removeprefix(b"Exif\0\0")))
        elif kind == "xmp":
            before.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + body))
        elif kind == "dpi" and len(body) == 16:
            x, y = struct.unpack("<dd", body)
            before.append((b"pHYs", struct.pack(">IIB", round(x / 0.0254), round(y / 0.0254), 1)))
        elif len(kind.rstrip(">")) == 4 and (image.format in ("png", None) or kind in COLOUR_CHUNKS):
            (after if kind.endswith(">") else before).append((kind[:4].encode("ascii"), body))
    return before, after
