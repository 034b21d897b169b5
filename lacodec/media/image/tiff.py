"""TIFF files with one picture: their directory, their pixels, and new files with the same tags.

file --directory, checked--> Plan --frame (uncompressed rows, kept as they lie) or segments (inflated)--> pixels
Any entry of the directory that is not understood raises UnsupportedFile.
"""

import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.image.frames import MAX_ORIGINAL, Frame, check_size, read_frame
from lacodec.media.image.samples import pack, row_size, unpack
from lacodec.media.image.tiff_directory import (
    _KEPT,
    _MOST,
    COLOURS,
    EXTRA,
    LAYOUT,
    ORIENTATION,
    PHOTOMETRIC,
    Directory,
    Tag,
    packed_tags,
    read_directory,
)
from lacodec.media.image.value import Image

_ZLIB = (8, 32946)
_BY_PILLOW = (2, 3, 4, 5, 32773, 34925, 50000)
_STRIP = 256 << 10  # bytes of rows of a strip that is written
_MAX_BYTES = 1 << 31  # of pixels that are held in memory
_BOMB = 1100  # deflate cannot expand more


@dataclass(frozen=True)
class Plan:
    """The facts about the pixels in a directory, all checked."""

    directory: Directory
    height: int
    width: int
    channels: int
    depth: int
    inverted: bool
    palette: bytes | None
    method: int
    predicted: bool
    rows: int  # of a segment
    columns: int  # of a segment
    segments: list[tuple[int, int]]  # (offset, size)

    @property
    def dtype(self) -> type:
        """Of the pixels."""
        return np.uint16 if self.depth == 16 else np.uint8


def plan_of(source: Source) -> Plan:
    """The description of the pixels in a file; raises UnsupportedFile for anything unusual."""
    name, found = source.name, read_directory(source)
    _check_alone(found, name)
    width, height = _one(found, 256, name), _one(found, 257, name)
    check_size(width, height, name)
    photometric, channels = _one(found, PHOTOMETRIC, name), _one(found, 277, name, 1)
    bits, formats = found.numbers(258) or (1,), found.numbers(339) or (1,)
    if len(set(bits)) > 1 or len(bits) not in (1, channels) or bits[0] not in (1, 2, 4, 8, 16):
        raise UnsupportedFile(f"{name}: this TIFF has {'/'.join(map(str, bits[:9]))} bits per sample")
    if set(formats) != {1} or (339 in found.tags and not found.numbers(339)):
        raise UnsupportedFile(f"{name}: this TIFF has samples that are signed or not whole numbers")
    base = {0: 1, 1: 1, 2: 3, 3: 1}.get(photometric)
    if base is None:
        raise UnsupportedFile(f"{name}: this TIFF has colours of kind {photometric}, which cannot be coded as an image")
    extra = found.numbers(EXTRA)
    if channels - base != len(extra) or extra not in ((), (2,)) or (extra and photometric in (0, 3)):
        what = "premultiplied alpha" if extra == (1,) else "extra bands of unknown meaning"
        raise UnsupportedFile(f"{name}: this TIFF has {what}")
    if _one(found, 266, name, 1) != 1:
        raise UnsupportedFile(f"{name}: this TIFF has its bits in reverse order")
    predictor = _one(found, 317, name, 1)
    if channels > 1 and _one(found, 284, name, 1) != 1:
        raise UnsupportedFile(f"{name}: this TIFF stores its channels separately")
    if predictor not in (1, 2) or (predictor == 2 and bits[0] < 8) or _bad_orientation(found):
        raise UnsupportedFile(f"{name}: this TIFF has an unusual arrangement or predictor")
    plan = Plan(
        found,
        height,
        width,
        channels,
        bits[0],
        photometric == 0,
        _palette(found, bits[0], name) if photometric == 3 else None,
        _one(found, 259, name, 1),
        predictor == 2,
        *_segments(found, height, width, name),
    )
    _check_segments(plan, source)
    return plan


def tiff_frame(plan: Plan) -> Frame | None:
    """The places of the rows, if they are contiguous and uncompressed."""
    size = row_size(plan.width, plan.channels, plan.depth)
    if plan.method != 1 or plan.columns != plan.width or 322 in plan.directory.tags:
        return None
    at = begin = plan.segments[0][0]
    for i, (offset, length) in enumerate(plan.segments):
        if offset != at or length != size * min(plan.rows, plan.height - i * plan.rows):
            return None
        at += length
    return Frame(
        begin,
        plan.height,
        plan.width,
        plan.channels,
        plan.depth,
        plan.depth,
        size,
        big=plan.directory.big,
        inverted=plan.inverted,
        palette=plan.palette,
    )


def read_tiff(source: Source) -> Image:
    """The picture in a TIFF file; raises UnsupportedFile."""
    plan = plan_of(source)
    frame = tiff_frame(plan)
    if frame is not None:
        return read_frame(source, frame, "tiff")
    name, size, found = source.name, source.size or 0, plan.directory
    strange = sorted(set(found.tags) - LAYOUT - _KEPT)
    if strange:
        raise UnsupportedFile(f"{name}: this TIFF has tags that would not be kept: {', '.join(map(str, strange[:9]))}")
    if unexplained(source, plan):
        raise UnsupportedFile(f"{name}: this TIFF holds data that its directory does not describe")
    if plan.height * plan.width * plan.channels * plan.depth > 8 * _MAX_BYTES:
        raise UnsupportedFile(f"{name}: {plan.width}x{plan.height} pixels are more than a compressed TIFF may have")
    if plan.method in (1, *_ZLIB):
        pixels = _inflated(plan, source)
    elif plan.method in _BY_PILLOW:
        from lacodec.media.image.pillow import tiff_pixels

        pixels = tiff_pixels(upright(source, plan), plan)
    else:
        raise UnsupportedFile(f"{name}: this TIFF is compressed by method {plan.method}, which is lossy or not supported")
    kept = [(tag, found.tags[tag]) for tag in sorted(found.tags) if tag in _KEPT]
    extras = (("tags", packed_tags(found.big, kept)),)
    original = source.read(0, size) if size <= MAX_ORIGINAL else None
    return Image(pixels, plan.depth, plan.palette, extras, "tiff", original, file_size=size)


def upright(source: Source, plan: Plan) -> Source:
    """The same file without an orientation, for readers that would turn the picture."""
    data = source.read(0, source.size or 0)
    if ORIENTATION not in plan.directory.tags:
        return BytesSource(data, source.name)
    start, _ = plan.directory.used[1]
    order = ">" if plan.directory.big else "<"
    changed = bytearray(data)
    for at in range(start + 2, start + 2 + 12 * len(plan.directory.tags), 12):
        if struct.unpack_from(f"{order}H", data, at)[0] == ORIENTATION:
            changed[at + 2 : at + 12] = struct.pack(f"{order}HIHH", 3, 1, 1, 0)
    return BytesSource(changed, source.name)


def unexplained(source: Source, plan: Plan) -> bool:
    """Whether the file has bytes other than 0 outside of directory, tags and pixels."""
    taken = sorted([*plan.directory.used, *((at, at + size) for at, size in plan.segments)])
    at = 0
    for start, stop in [*taken, (source.size or 0, source.size or 0)]:
        for begin in range(at, start, _MOST):
            if any(source.read(begin, min(_MOST, start - begin))):
                return True
        at = max(at, stop)
    return False


def write_tiff(pixels: np.ndarray, depth: int, palette: bytes | None, kept: Directory) -> list[bytes]:
    """The pieces of a TIFF with these pixels and tags; by default of the tags, colours are those of the pixels."""
    height, width, channels = pixels.shape
    order = ">" if kept.big else "<"
    tags = dict(kept.tags)
    if PHOTOMETRIC not in tags:
        tags[PHOTOMETRIC] = Tag(3, 1, struct.pack(f"{order}H", 3 if palette is not None else 2 if channels > 2 else 1))
    if channels in (2, 4) and EXTRA not in tags:
        tags[EXTRA] = Tag(3, 1, struct.pack(f"{order}H", 2))
    if palette is not None and COLOURS not in tags:
        table = np.zeros((1 << depth, 3), np.uint16)
        given = np.frombuffer(palette, np.uint8).reshape(-1, 3)[: 1 << depth]
        table[: len(given)] = given
        tags[COLOURS] = Tag(3, 3 << depth, (table.T * 257).astype(f"{order}u2").tobytes())
    inverted = Directory(kept.big, tags, 0, []).numbers(PHOTOMETRIC) == (0,)
    predicted = depth >= 8 and palette is None
    rows = max(1, min(height, _STRIP // row_size(width, channels, depth)))
    out, places = [b""], []
    at = 8
    for top in range(0, height, rows):
        band = np.asarray(pixels[top : top + rows])
        if inverted:
            band = band.dtype.type((1 << depth) - 1) - band
        if predicted:
            band = np.concatenate([band[:, :1], band[:, 1:] - band[:, :-1]], 1)
        out.append(zlib.compress(pack(band, depth, kept.big).tobytes(), 6))
        places.append((at, len(out[-1])))
        at += len(out[-1])
    if at % 2:
        out.append(b"\0")
        at += 1

    def numbers(form: str, *values: int) -> Tag:
        return Tag(3 if form == "H" else 4, len(values), struct.pack(f"{order}{len(values)}{form}", *values))

    tags |= {256: numbers("I", width), 257: numbers("I", height), 258: numbers("H", *[depth] * channels), 259: numbers("H", 8)}
    tags |= {273: numbers("I", *(p[0] for p in places)), 277: numbers("H", channels), 278: numbers("I", rows)}
    tags |= {279: numbers("I", *(p[1] for p in places)), 284: numbers("H", 1), 317: numbers("H", 1 + predicted)}
    values, block = [], struct.pack(f"{order}H", len(tags))
    after = at + 6 + 12 * len(tags)
    for tag in sorted(tags):
        kind, count, data = tags[tag]
        block += struct.pack(f"{order}HHI", tag, kind, count)
        if len(data) <= 4:
            block += data.ljust(4, b"\0")
        else:
            block += struct.pack(f"{order}I", after)
            values.append(data + b"\0" * (len(data) % 2))
            after += len(values[-1])
    if after >> 32:
        raise BadInput("TIFF cannot hold 4 GiB; name the output .png")
    out[0] = (b"MM\0*" if kept.big else b"II*\0") + struct.pack(f"{order}I", at)
    return [*out, block + bytes(4), *values]


def _check_alone(found: Directory, name: str) -> None:
    if found.following:
        raise UnsupportedFile(f"{name}: this TIFF has several pages")
    if 330 in found.tags:
        raise UnsupportedFile(f"{name}: this TIFF contains further pictures (SubIFDs)")
    if found.numbers(254) not in ((), (0,)) or found.numbers(255) not in ((), (1,)):
        raise UnsupportedFile(f"{name}: this TIFF holds a page, mask or smaller copy of another picture")
    text = found.tags[270].data.rstrip(b"\0 \n") if 270 in found.tags else b""
    if text.startswith(b"ImageJ="):
        lines = dict(line.partition(b"=")[::2] for line in text.splitlines())
        if any(lines.get(key, b"1").strip() != b"1" for key in (b"images", b"channels", b"slices", b"frames")):
            raise UnsupportedFile(f"{name}: this TIFF holds several planes (ImageJ)")
    if text.startswith(b"{"):
        try:
            shape = json.loads(text).get("shape", [])
            many = int(np.prod([int(n) for n in shape]))
        except (ValueError, TypeError, AttributeError, RecursionError):
            many = 0
        if many > np.prod([(found.numbers(tag) or (1,))[0] for tag in (256, 257, 277)]):
            raise UnsupportedFile(f"{name}: this TIFF holds several planes")


def _bad_orientation(found: Directory) -> bool:
    return ORIENTATION in found.tags and (len(found.numbers(ORIENTATION)) != 1 or not 1 <= found.numbers(ORIENTATION)[0] <= 8)


def _one(found: Directory, tag: int, name: str, usual: int | None = None) -> int:
    values = found.numbers(tag)
    if tag not in found.tags and usual is not None:
        return usual
    if not values or len(set(values)) != 1:
        raise UnsupportedFile(f"{name}: tag {tag} of this TIFF is missing or has several values")
    return values[0]


def _palette(found: Directory, depth: int, name: str) -> bytes:
    values = found.numbers(COLOURS)
    if depth > 8 or len(values) != 3 << depth:
        raise UnsupportedFile(f"{name}: this TIFF has a palette of {len(values)} values for {depth} bits")
    table = np.array(values, np.uint16).reshape(3, -1).T
    return (table >> 8 if table.max() > 255 else table).astype(np.uint8).tobytes()  # some write 8 bits, and readers know it


def _segments(found: Directory, height: int, width: int, name: str) -> tuple[int, int, list[tuple[int, int]]]:
    """(rows and columns of a segment, their places)."""
    if 322 in found.tags:
        columns, rows = _one(found, 322, name), _one(found, 323, name)
        if not 0 < columns <= 1 << 16 or not 0 < rows <= 1 << 16:
            raise UnsupportedFile(f"{name}: this TIFF has tiles of {columns}x{rows} pixels")
        offsets, sizes = found.numbers(324), found.numbers(325)
    else:
        columns, rows = width, min(_one(found, 278, name, height) or height, height)
        offsets, sizes = found.numbers(273), found.numbers(279)
    if len(offsets) != len(sizes) or not offsets:
        raise UnsupportedFile(f"{name}: this TIFF does not give the place of its pixels")
    return rows, columns, list(zip(offsets, sizes, strict=True))


def _check_segments(plan: Plan, source: Source) -> None:
    down, across = -(-plan.height // plan.rows), -(-plan.width // plan.columns)
    if len(plan.segments) != down * across or any(at + size > (source.size or 0) for at, size in plan.segments):
        raise UnsupportedFile(f"{source.name}: this TIFF is cut off, or has more or fewer strips than its pixels need")
    packed = sum(size for _, size in plan.segments)
    if plan.method in (1, *_ZLIB) and row_size(plan.width, plan.channels, plan.depth) * plan.height > _BOMB * (packed + 16):
        raise UnsupportedFile(f"{source.name}: this TIFF claims {plan.width}x{plan.height} pixels but holds too few")


def _inflated(plan: Plan, source: Source) -> np.ndarray:
    pixels: np.ndarray = np.empty((plan.height, plan.width, plan.channels), plan.dtype)
    tiled = 322 in plan.directory.tags
    places = ((top, left) for top in range(0, plan.height, plan.rows) for left in range(0, plan.width, plan.columns))
    for (top, left), (offset, size) in zip(places, plan.segments, strict=True):
        target = pixels[top : top + plan.rows, left : left + plan.columns]
        rows = plan.rows if tiled else len(target)
        row = row_size(plan.columns, plan.channels, plan.depth)
        raw = _inflate(source.read(offset, size), rows * row, plan.method, source.name)
        block = unpack(
            np.frombuffer(raw, np.uint8).reshape(rows, row), plan.columns, plan.channels, plan.depth, plan.directory.big
        )
        if plan.predicted:
            block = np.cumsum(block, axis=1, dtype=plan.dtype)
        target[:] = block[: target.shape[0], : target.shape[1]]
    if plan.inverted:
        np.subtract(plan.dtype((1 << plan.depth) - 1), pixels, out=pixels)
    return pixels


def _inflate(data: bytes, size: int, method: int, name: str) -> bytes:
    if method == 1:
        if len(data) != size:
            raise UnsupportedFile(f"{name}: a strip of this TIFF does not have the length of its rows")
        return data
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise UnsupportedFile(f"{name}: a strip of this TIFF is damaged ({error})") from error
    if len(raw) != size or not unpacker.eof or any(unpacker.unused_data):
        raise UnsupportedFile(f"{name}: a strip of this TIFF does not have the length of its rows")
    return raw
