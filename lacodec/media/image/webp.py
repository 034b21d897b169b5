"""Lossless WebP: all chunks but that of the pixels are kept as they are; the pixels go through Pillow."""

import struct

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.image.frames import MAX_ORIGINAL, check_size
from lacodec.media.image.pillow import opened, saved
from lacodec.media.image.value import Image

_MOST = 512 << 10  # bytes beside the pixels
_MAX_FILE = 1 << 30
_KNOWN = (b"VP8X", b"ICCP", b"VP8L", b"EXIF", b"XMP ")
_ALPHA = 1 << 28  # of the number behind the signature of VP8L


def webp_chunks(source: Source) -> list[tuple[bytes, int, int]]:
    """(kind, offset and size of the body) of every chunk; raises UnsupportedFile when they are not all of the file."""
    size, head, at = source.size or 0, source.read(0, 12), 12
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or int.from_bytes(head[4:8], "little") + 8 != size:
        raise UnsupportedFile(f"{source.name}: the length of this WebP does not match its header")
    found = []
    while at < size:
        kind, length = source.read(at, 4), int.from_bytes(source.read(at + 4, 4), "little")
        if at + 8 + length + length % 2 > size or (length % 2 and source.read(at + 8 + length, 1) != b"\0"):
            raise UnsupportedFile(f"{source.name}: this WebP is cut off at offset {at}")
        found.append((kind, at + 8, length))
        at += 8 + length + length % 2
    return found


def read_webp(source: Source) -> Image:
    """The picture in a lossless WebP; raises UnsupportedFile for lossy ones, animations and unknown chunks."""
    name, size = source.name, source.size or 0
    if size > _MAX_FILE:
        raise UnsupportedFile(f"{name}: this WebP is larger than 1 GiB")
    chunks = webp_chunks(source)
    kinds = [kind for kind, _, _ in chunks]
    if b"VP8 " in kinds:
        raise UnsupportedFile(f"{name}: a lossy WebP: its bytes are kept")
    if b"ANIM" in kinds or b"ANMF" in kinds:
        raise UnsupportedFile(f"{name}: is an animated WebP")
    if any(kind not in _KNOWN for kind in kinds) or kinds.count(b"VP8L") != 1 or len(set(kinds)) < len(kinds):
        raise UnsupportedFile(f"{name}: this WebP has unknown or duplicate chunks")
    if sum(length for kind, _, length in chunks if kind != b"VP8L") > _MOST:
        raise UnsupportedFile(f"{name}: more than {_MOST >> 10} KiB of this WebP are not pixels")
    extras, after = [], False
    for kind, at, length in chunks:
        if kind == b"VP8L":
            after = True
            alpha, shape = _header(source.read(at, 5), name)
            continue
        body = source.read(at, length)
        if kind == b"VP8X" and (length != 10 or kinds[0] != b"VP8X"):
            raise UnsupportedFile(f"{name}: this WebP has a header of an unusual form")
        extras.append((kind.decode("ascii") + (">" if after else ""), body))
    check_size(shape[1], shape[0], name)
    extended = dict(extras).get("VP8X")
    if extended is not None:
        canvas = tuple(int.from_bytes(extended[at : at + 3], "little") + 1 for at in (7, 4))
        if canvas != shape or bool(extended[0] & 16) != alpha or extended[0] & 2:
            raise UnsupportedFile(f"{name}: this WebP contradicts itself about its size or transparency")
    elif extras:
        raise UnsupportedFile(f"{name}: this WebP has chunks that its header does not list")
    with opened(source, "webp") as picture:
        if getattr(picture, "n_frames", 1) != 1 or picture.size != shape[::-1] or picture.mode not in ("RGB", "RGBA"):
            raise UnsupportedFile(f"{name}: readers disagree about the pixels of this WebP")
        pixels = np.array(picture.convert("RGBA"))[:, :, : 3 + alpha]
    original = source.read(0, size) if size <= MAX_ORIGINAL else None
    return Image(np.ascontiguousarray(pixels), 8, None, tuple(extras), "webp", original, file_size=size)


def write_webp(pixels: np.ndarray, extras: tuple[tuple[str, bytes], ...]) -> bytes:
    """A lossless WebP of RGB or RGBA with the chunks around the pixels that `read_webp` kept."""
    source = BytesSource(saved(pixels, "WEBP", lossless=True, exact=True))
    at, length = next((at, length) for kind, at, length in webp_chunks(source) if kind == b"VP8L")
    body = bytearray(source.read(at, length))
    flags = int.from_bytes(body[1:5], "little")  # opaque alpha is left out by the writer of libwebp
    body[1:5] = (flags | _ALPHA if pixels.shape[2] == 4 else flags & ~_ALPHA).to_bytes(4, "little")
    before = b"".join(_chunk(kind.encode("ascii"), data) for kind, data in extras if not kind.endswith(">"))
    after = b"".join(_chunk(kind[:4].encode("ascii"), data) for kind, data in extras if kind.endswith(">"))
    whole = before + _chunk(b"VP8L", bytes(body)) + after
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def new_extras(shape: tuple[int, ...], icc: bytes | None, exif: bytes | None, xmp: bytes | None) -> tuple[tuple[str, bytes], ...]:
    """The chunks around the pixels of a new file."""
    if not (icc or exif or xmp):
        return ()
    flags = 32 * bool(icc) | 16 * (shape[2] == 4) | 8 * bool(exif) | 4 * bool(xmp)
    head = bytes([flags, 0, 0, 0]) + (shape[1] - 1).to_bytes(3, "little") + (shape[0] - 1).to_bytes(3, "little")
    items = [("VP8X", head), ("ICCP", icc), ("EXIF>", exif and exif.removeprefix(b"Exif\0\0")), ("XMP >", xmp)]
    return tuple((kind, body) for kind, body in items if body)


def _header(head: bytes, name: str) -> tuple[bool, tuple[int, int]]:
    """(whether there is alpha, (height, width))."""
    bits = int.from_bytes(head[1:5], "little")
    if len(head) < 5 or head[0] != 0x2F or bits >> 29:
        raise UnsupportedFile(f"{name}: this WebP has pixels of an unknown version")
    return bool(bits & _ALPHA), ((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
