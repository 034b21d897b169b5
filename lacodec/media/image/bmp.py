"""BMP: the frame of an uncompressed one, by its header; and new files, with alpha and a colour profile where needed."""

import struct

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.image.frames import Frame
from lacodec.media.image.samples import pack, ramp

HEADERS = (12, 40, 52, 56, 108, 124)
"""Sizes of the headers that are read."""

_RGBA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def bmp_frame(source: Source) -> Frame:
    """Where the rows of a BMP file lie; raises UnsupportedFile for compressed and unusual ones."""
    name, head = source.name, source.read(0, 14 + 124 + 1024 + 16)
    size = int.from_bytes(head[14:18], "little")
    if len(head) < 26 or size not in HEADERS or len(head) < 14 + size:
        raise UnsupportedFile(f"{name}: this BMP has no header of a known kind")
    offset = int.from_bytes(head[10:14], "little")
    if size == 12:
        width, height, planes, bits = struct.unpack_from("<HHHH", head, 18)
        method = used = 0
    else:
        width, height, planes, bits, method, _, _, _, used = struct.unpack_from("<iiHHIIiiI", head, 18)
    if planes != 1 or bits not in (1, 4, 8, 24, 32) or method not in ((0, 3) if bits == 32 else (0,)):
        raise UnsupportedFile(f"{name}: this BMP has {bits} bits per pixel in form {method} (compressed or unusual)")
    begin = 14 + size
    masks = (
        struct.unpack_from("<IIII", head, 54) if size >= 56 else (*struct.unpack_from("<III", head, 54), 0) if method else _RGBA
    )
    if size == 40 and method:
        begin += 12
    if method and (masks[:3] != _RGBA[:3] or masks[3] not in (0, _RGBA[3])):
        raise UnsupportedFile(f"{name}: this BMP has unusual colour masks")
    palette = None
    if bits <= 8:
        entry, count = (3, 1 << bits) if size == 12 else (4, used or 1 << bits)
        colours = np.frombuffer(head, np.uint8, max(0, min(count * entry, len(head) - begin)), begin)
        if count > 1 << bits or len(colours) != count * entry:
            raise UnsupportedFile(f"{name}: this BMP has a palette of {count} colours for {bits} bits")
        begin += count * entry
        palette = colours.reshape(count, entry)[:, 2::-1].tobytes()
    if offset < begin:
        raise UnsupportedFile(f"{name}: this BMP has its pixels inside its header")
    alpha = bits == 32 and method == 3 and masks[3] != 0
    return Frame(
        offset,
        abs(height),
        width,
        {24: 3, 32: 3 + alpha}.get(bits, 1),
        min(bits, 8),
        min(bits, 8),
        (width * bits + 31) // 32 * 4,
        bottom_up=height > 0,
        filler=bits == 32 and not alpha,
        order=((2, 1, 0, 3) if alpha else (2, 1, 0)) if bits >= 24 else None,
        palette=None if palette == ramp(min(bits, 8)) else palette,
    )


def bmp_profile(head: bytes, read: Source) -> tuple[bytes | None, bool]:
    """(the ICC profile in a BMP, whether it has another colour space than sRGB that is no such profile)."""
    if int.from_bytes(head[14:18], "little") < 108:
        return None, False
    space = head[70:74][::-1]
    if space == b"MBED" and int.from_bytes(head[14:18], "little") == 124:
        offset, size = struct.unpack_from("<II", head, 126)
        profile = read.read(14 + offset, size)
        return (profile, False) if profile and len(profile) == size else (None, True)
    return None, space not in (b"sRGB", b"Win ", b"\0\0\0\0") or (space == b"\0\0\0\0" and any(head[74:122]))


def write_bmp(
    pixels: np.ndarray, depth: int, palette: bytes | None, profile: bytes | None, dpi: tuple[float, float] | None
) -> bytes:
    """A BMP of gray, RGB or RGBA (uint8[h, w, 1, 3 or 4]) or palette entries; alpha or a profile make it version 5."""
    height, width, channels = pixels.shape
    bits = {1: {1: 1, 2: 4, 4: 4}.get(depth, 8), 3: 24, 4: 32}[channels]
    if depth == 2 and palette is None:
        palette = ramp(2)
    colours = b""
    if bits <= 8:
        table = np.frombuffer(palette or ramp(bits), np.uint8).reshape(-1, 3)[: 1 << bits]
        colours = np.pad(table[:, ::-1], ((0, 0), (0, 1))).tobytes()
    packed = pack(pixels if channels == 1 else pixels[:, :, [2, 1, 0, 3][:channels]], min(bits, 8))
    rows = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 4)))[::-1].tobytes()
    x, y = (round(d / 0.0254) for d in dpi or (72, 72))
    fifth = channels == 4 or profile is not None
    size = 124 if fifth else 40
    offset = 14 + size + len(colours)
    total = offset + len(rows) + len(profile or b"")
    if total >> 32:
        raise BadInput("BMP cannot hold 4 GiB; name the output .png")
    head = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, 3 if channels == 4 else 0, len(rows), x, y, len(colours) // 4, 0
    )
    if fifth:
        masks = struct.pack("<IIII", *_RGBA) if channels == 4 else bytes(16)
        place = struct.pack("<IIII", 4, offset - 14 + len(rows) if profile else 0, len(profile or b""), 0)
        head += masks + (b"DEBM" if profile else b"BGRs") + bytes(48) + place
    return b"BM" + struct.pack("<IHHI", total, 0, 0, offset) + head + colours + rows + (profile or b"")
