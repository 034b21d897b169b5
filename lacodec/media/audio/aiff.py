"""AIFF and AIFC: uncompressed PCM of 8 to 32 bits and 32-bit float. Reading only finds the samples; every other byte is kept."""

import struct
from collections.abc import Iterator

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.audio.value import Audio, sample_size
from lacodec.media.audio.wav import Place, around

_MAX_CHUNKS = 1000
_SIZES = {1: "i8", 2: "i16be", 3: "i24be", 4: "i32be"}


def read(source: Source) -> Audio:
    """The sound in an AIFF file; raises UnsupportedFile when its samples are compressed or cannot be found."""
    return around(source, locate(source), "aiff")


def locate(source: Source) -> Place:
    """Where an AIFF file has its samples; raises UnsupportedFile."""
    layout, channels, rate, length = None, 0, 0, 0
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 8)
        if len(head) < 8:
            break
        name, size = struct.unpack(">4sI", head)
        if name == b"COMM":
            layout, channels, rate, frames = _common(source.read(at + 8, min(size, 22)), source)
            length = frames * channels * sample_size(layout)
        if name == b"SSND" and layout is not None:
            offset = source.read(at + 8, 4)
            start = at + 16 + (struct.unpack(">I", offset)[0] if len(offset) == 4 else 0)
            if size < 8 or start > (source.size or 0):
                break
            return Place(start, min(length, at + 8 + size - start), layout, channels, rate)
        at += 8 + size + (size & 1)
    raise UnsupportedFile(f"{source.name}: no samples found in this AIFF")


def write(value: Audio) -> Iterator[bytes]:
    """An AIFF file (AIFC for floats) of any sound of known size."""
    from lacodec.media.audio.samples import from_bytes, to_bytes

    layout = "i8" if value.layout in ("u8", "i8") else value.layout.replace("le", "be")
    size = value.pcm.size or 0
    common = struct.pack(">hIh", value.channels, size // value.frame_size, 8 * sample_size(layout)) + _extended(value.rate)
    kind, more = b"AIFF", b""
    if layout.startswith("f"):
        kind, more = b"AIFC", struct.pack(">4sII", b"FVER", 4, 0xA2805140)
        common += b"fl32\0\0"
    around_it = more + struct.pack(">4sI", b"COMM", len(common)) + common
    total = 4 + len(around_it) + 16 + size + (size & 1)
    if total >= 1 << 32:
        raise UnsupportedFile(f"{value.pcm.name}: too long for an AIFF file; write a WAV")
    yield struct.pack(">4sI4s", b"FORM", total, kind) + around_it + struct.pack(">4sIII", b"SSND", size + 8, 0, 0)
    for block in value.pcm.blocks(value.frame_size * (1 << 16)):
        yield to_bytes(from_bytes(block, value.layout, value.channels), layout)
    if size & 1:
        yield b"\0"


def _common(data: bytes, source: Source) -> tuple[str, int, int, int]:
    """(layout, channels, rate, frames) of a COMM chunk."""
    if len(data) < 18:
        raise UnsupportedFile(f"{source.name}: its COMM chunk is cut short")
    channels, frames, bits = struct.unpack(">hIh", data[:8])
    exponent, mantissa = struct.unpack(">HQ", data[8:18])
    shift = 16383 + 63 - exponent
    rate = mantissa >> shift if 0 <= shift < 64 else 0
    kind = data[18:22] if source.read(8, 4) == b"AIFC" else b"NONE"
    layout = _SIZES.get((bits + 7) // 8) if kind in (b"NONE", b"twos", b"sowt") else None
    if kind == b"sowt" and layout is not None:
        layout = layout.replace("be", "le")
    if kind in (b"fl32", b"FL32"):
        layout = "f32be"
    if layout is None or channels < 1 or rate >= 1 << 32:
        raise UnsupportedFile(f"{source.name}: AIFF of kind {kind!r} with {bits} bits is not supported")
    return layout, channels, rate, frames


def _extended(rate: int) -> bytes:
    """An 80-bit float."""
    bits = rate.bit_length()
    return struct.pack(">HQ", 16383 + bits - 1, rate << (64 - bits)) if rate else bytes(10)
