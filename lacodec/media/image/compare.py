"""Two picture files compared by other readers than those that encode: everything that codec image.lossless claims to keep.

Pixels are read by Pillow, and by imagecodecs or tifffile where they are installed; chunks, tags and headers by themselves.
"""

import io
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from lacodec.errors import LacodecError, UnsupportedFile
from lacodec.io.compare import first_difference
from lacodec.io.source import BytesSource, Source
from lacodec.media.image import tiff, tiff_directory
from lacodec.media.image.pillow import opened, quiet
from lacodec.media.image.webp import webp_chunks

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST = 256 << 20  # bytes of pixels up to which another reader takes a whole picture
_BAND = 4 << 20  # bytes of rows compared at a time
_PIECE = 1 << 20


def difference(original: Source, restored: Source) -> str | None:
    """The difference, as a sentence; None if nothing differs. Never raises because of the content of the files."""
    try:
        at = first_difference(original, restored)
        if at is None:
            return None
        kind, other = _kind(original), _kind(restored)
        if kind != other:
            return f"a {kind or 'file of an unknown kind'} became a {other or 'file of an unknown kind'}"
        compare = {"PNG": _png, "TIFF": _tiff, "WebP": _webp}.get(kind)
        return compare(original, restored) if compare else f"the bytes differ from offset {at} on"
    except LacodecError as error:
        return f"one of the files cannot be read ({error})"
    except MemoryError:
        return "the files are too large to be compared in memory"
    except Exception as error:  # readers of other packages raise many kinds of errors
        return f"one of the files cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:100]})"


def _kind(source: Source) -> str:
    head = source.read(0, 12)
    if head.startswith(_PNG):
        return "PNG"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "WebP"
    return {b"BM": "BMP", b"P5": "PGM", b"P6": "PPM"}.get(head[:2], "")


def _pixels(one: Any, other: Any) -> str | None:
    """Arrays, the same in type, shape and every sample."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"pixels of shape {one.shape} and type {one.dtype} became {other.shape} and {other.dtype}"
    if np.array_equal(one, other):
        return None
    place = tuple(int(axis[0]) for axis in np.nonzero(one != other))
    return f"the sample at {place} was {one[place]} and became {other[place]}"


def _png(original: Source, restored: Source) -> str | None:
    one, other = list(_png_chunks(original)), list(_png_chunks(restored))
    head, again = one[0][1], other[0][1]
    if head[:12] != again[:12]:  # interlacing is not kept
        return f"the header has {struct.unpack('>IIBB', again[:10])} instead of {struct.unpack('>IIBB', head[:10])}"
    kinds = [[kind.decode("latin-1") for kind, _ in chunks] for chunks in (one, other)]
    if kinds[0] != kinds[1]:
        return f"its chunks were {' '.join(kinds[0])[:200]} and became {' '.join(kinds[1])[:200]}"
    for (kind, body), (_, restored_body) in zip(one[1:], other[1:], strict=True):
        if body != restored_body:
            return f"its chunk {kind.decode('latin-1')} differs"
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    if width * height * channels * (2 if depth == 16 else 1) > _MOST:
        return _large_png(original, restored)
    bare = _bare_png(original), _bare_png(restored)
    for views in zip(*(_png_views(source, depth, colour) for source in bare), strict=True):
        found = _pixels(*views)
        if found:
            return found
    return None


def _png_chunks(source: Source) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body; of all IDAT together one without a body. Raises UnsupportedFile."""
    at, size, last = len(_PNG), source.size or 0, b""
    while at < size:
        length, kind = struct.unpack(">I4s", source.read(at, 8))
        stop = at + 8 + length
        if stop + 4 > size:
            raise UnsupportedFile(f"{source.name}: a chunk of this PNG is cut off")
        if kind != b"IDAT":
            body = source.read(at + 8, length)
            if source.read(stop, 4) != struct.pack(">I", zlib.crc32(kind + body)):
                raise UnsupportedFile(f"{source.name}: a chunk of this PNG is damaged")
            yield kind, body
        elif last != kind:
            yield kind, b""
        at, last = stop + 4, kind
    if last != b"IEND":
        raise UnsupportedFile(f"{source.name}: this PNG has no end")


def _png_views(source: Source, depth: int, colour: int) -> Iterator[np.ndarray]:
    """The picture as other readers see it: pixels, colours by palette, of 16 bits both bytes."""
    if depth == 16 and colour == 4:  # gray and alpha: Pillow cuts it, so it is told to see four channels of 8 bits
        source, colour, depth = _as_eight_bits(source), 6, 8
    parts = {2: ("RGB;16B", "RGB;16L"), 6: ("RGBA;16B", "RGBA;16L")}.get(colour, ()) if depth == 16 else ()
    for form in parts or (None,):
        with opened(source, "png") as picture:
            if form is not None:  # high bytes, then low ones
                picture.tile = [tile._replace(args=form) for tile in picture.tile]
            array = np.array(picture)
            palette = picture.getpalette("RGBA") if picture.mode == "P" else None
        yield array
        if palette is not None:
            yield np.array(palette)
    decoder = _optional("imagecodecs", "png_decode")
    if decoder is not None:
        with quiet():
            array = decoder(source.read(0, source.size or 0))
        yield array


def _bare_png(source: Source) -> Source:
    """Only the chunks that pixels need: text and profiles have been compared, and make readers stop or complain."""
    data, at, parts = source.read(0, source.size or 0), len(_PNG), [_PNG]
    while at < len(data):
        stop = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            parts.append(data[at:stop])
        at = stop
    return BytesSource(b"".join(parts), source.name)


def _as_eight_bits(source: Source) -> Source:
    data = bytearray(source.read(0, source.size or 0))
    data[24:26] = bytes([8, 6])
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return BytesSource(data, source.name)


def _large_png(original: Source, restored: Source) -> str | None:
    """Band by band, by this reader: others would load it whole."""
    from lacodec.media.image.png import read_png

    one, other = read_png(original).pixels, read_png(restored).pixels
    rows = max(1, _BAND // (one.nbytes // one.shape[0]))
    for top in range(0, one.shape[0], rows):
        found = _pixels(one[top : top + rows], other[top : top + rows])
        if found:
            return f"in the rows from {top} on, {found}"
    return None


def _tiff(original: Source, restored: Source) -> str | None:
    one, other = tiff_directory.read_directory(original), tiff_directory.read_directory(restored)
    for tag in tiff_directory.tag_differences(one, other):
        return f"its {tiff_directory.describe_tag(tag)} differs"
    for tag in (256, 257, 258, 277, 339):
        values = [set(found.numbers(tag) or (1,)) for found in (one, other)]
        if values[0] != values[1]:
            return f"TIFF tag {tag} was {values[0]} and became {values[1]}"
    if one.following or other.following:
        return "one of the files has several pages"
    by_tifffile = _optional("tifffile", "TiffFile")
    if by_tifffile is not None:
        arrays = []
        for source in (original, restored):
            try:
                with quiet(), by_tifffile(io.BytesIO(source.read(0, source.size or 0))) as file:
                    arrays.append(file.pages[0].asarray())
                    if len(file.pages) != 1:
                        return "one of the files has several pages"
            except Exception:  # (Pillow may be able to read it)
                break
        if len(arrays) == 2:
            return _pixels(np.squeeze(arrays[0]), np.squeeze(arrays[1]))
    try:
        return _tiff_by_pillow(original, restored, one)
    except UnsupportedFile:  # such as gray of 16 bits with alpha
        return _pixels(tiff.read_tiff(original).pixels, tiff.read_tiff(restored).pixels)


def _tiff_by_pillow(original: Source, restored: Source, one: tiff_directory.Directory) -> str | None:
    if one.numbers(258)[:1] == (16,) and one.numbers(277)[:1] not in ((), (1,)):
        for form in (";16N", ";16B" if sys.byteorder == "little" else ";16L"):  # high bytes, then low ones
            found = _pixels(_sixteen(original, form), _sixteen(restored, form))
            if found:
                return found
        return None
    return _by_pillow(original, restored, "tiff")


def _sixteen(source: Source, form: str) -> np.ndarray:
    """Pillow's view of 16-bit colours: one of their bytes."""
    with opened(source, "tiff") as picture:
        forms = {str(tile.args[0]) for tile in picture.tile}
        if not all(given.endswith(";16N") for given in forms):
            raise UnsupportedFile(f"{source.name}: Pillow reads this TIFF as {', '.join(forms)}")
        picture.tile = [tile._replace(args=(tile.args[0].replace(";16N", form), *tile.args[1:])) for tile in picture.tile]
        return np.array(picture)


def _by_pillow(original: Source, restored: Source, kind: str) -> str | None:
    views = []
    for source in (original, restored):
        with opened(source, kind) as picture:
            palette = picture.getpalette() if picture.mode == "P" else None
            views.append((picture.mode.removesuffix("B").removesuffix("L"), palette, np.array(picture)))
    if views[0][:2] != views[1][:2]:
        return f"pixels of kind {views[0][0]!r} became {views[1][0]!r}, or their palette differs"
    return _pixels(views[0][2].astype(np.uint16), views[1][2].astype(np.uint16))


def _webp(original: Source, restored: Source) -> str | None:
    lists = []
    for source in (original, restored):
        chunks = webp_chunks(source)
        lists.append([(kind, b"" if kind == b"VP8L" else source.read(at, size)) for kind, at, size in chunks])
    if lists[0] != lists[1]:
        return "its chunks (profile, EXIF, XMP) differ"
    decoder = _optional("imagecodecs", "webp_decode")
    if decoder is not None:
        with quiet():
            found = _pixels(*(decoder(source.read(0, source.size or 0)) for source in (original, restored)))
        if found:
            return found
    return _by_pillow(original, restored, "webp")


def _optional(module: str, name: str) -> Any:
    """A function of a package that may not be installed."""
    import importlib

    try:
        return getattr(importlib.import_module(module), name)
    except Exception:  # (a broken installation is as good as none)
        return None
