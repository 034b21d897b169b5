"""WAV: RIFF and RF64, PCM of 8 to 32 bits and 32-bit float, plain or extensible.

Reading only finds the samples; every other byte is kept. Sizes that lie or run over the end of the file cut the samples short.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource, Part, Source
from lacodec.media.audio.value import MAX_AROUND, Audio, sample_size

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MAX_CHUNKS = 1000
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class Place:
    """Where a file has its samples, and what they are; `size` in bytes as the file tells it, or all that is left."""

    start: int
    size: int
    layout: str
    channels: int
    rate: int


def read(source: Source) -> Audio:
    """The sound in a WAV file; raises UnsupportedFile when its samples are of another kind or cannot be found."""
    return around(source, locate(source), "wav")


def locate(source: Source) -> Place:
    """Where a WAV file has its samples; raises UnsupportedFile."""
    end = source.size or 0
    layout, channels, rate, long_size = None, 0, 0, None
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"ds64":
            body = source.read(at + 8, 16)
            long_size = struct.unpack("<Q", body[8:])[0] if len(body) == 16 else None
        if name == b"fmt ":
            layout, channels, rate = _format(source.read(at + 8, min(size, 40)), source.name)
        if name == b"data":
            if size == _UNKNOWN:
                size = end if long_size is None else long_size
            if size == 0 and not _only_chunks(source, at + 8):  # programs that write into a pipe do not know it
                size = end
            if layout is None:
                break
            return Place(at + 8, size, layout, channels, rate)
        at += 8 + size + (size & 1)
    raise UnsupportedFile(f"{source.name}: no samples found in this WAV")


def around(source: Source, place: Place, format: str) -> Audio:
    """The sound whose samples are at this place; all other bytes become its head and tail."""
    frame = place.channels * sample_size(place.layout)
    end, start = source.size or 0, place.start
    stop = start + max(0, min(place.size, end - start)) // frame * frame
    if start > MAX_AROUND or end - stop > MAX_AROUND:
        raise UnsupportedFile(f"{source.name}: more than {MAX_AROUND >> 20} MiB of it are not samples")
    tail = BytesSource(source.read(stop, end - stop))
    return Audio(place.rate, place.channels, place.layout, Part(source, start, stop), format, source.read(0, start), tail)


def header(frames: int, rate: int, channels: int, layout: str) -> bytes:
    """The plainest header for so many samples; layouts that WAV does not have take the nearest that it has."""
    size = sample_size(layout)
    kind = _FLOAT if layout.startswith("f") else _PCM
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * size & _UNKNOWN, channels * size, 8 * size)
    length = frames * channels * size
    if length + 36 + (length & 1) > _UNKNOWN:
        ds64 = struct.pack("<4sIQQQI", b"ds64", 28, length + 72 + (length & 1), length, frames, 0)
        riff = struct.pack("<4sI4s", b"RF64", _UNKNOWN, b"WAVE") + ds64
        return riff + struct.pack("<4sI", b"fmt ", 16) + fmt + struct.pack("<4sI", b"data", _UNKNOWN)
    riff = struct.pack("<4sI4s4sI", b"RIFF", length + 36 + (length & 1), b"WAVE", b"fmt ", 16)
    return riff + fmt + struct.pack("<4sI", b"data", length)


def write(value: Audio) -> Iterator[bytes]:
    """A WAV file of any sound of known size."""
    from lacodec.media.audio.samples import from_bytes, to_bytes

    layout = "u8" if value.layout in ("u8", "i8") else value.layout.replace("be", "le")
    size = value.pcm.size or 0
    yield header(size // value.frame_size, value.rate, value.channels, layout)
    for block in value.pcm.blocks(value.frame_size * (1 << 16)):
        yield to_bytes(from_bytes(block, value.layout, value.channels), layout)
    if size & 1:
        yield b"\0"


def _only_chunks(source: Source, at: int) -> bool:
    """Whether chunks, and nothing else, follow from `at` to the end of the file."""
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 8)
        if not head:
            return True
        if len(head) < 8 or not all(32 <= byte < 127 for byte in head[:4]):
            return False
        size = int.from_bytes(head[4:], "little")
        at += 8 + size + (size & 1)
        if at - (size & 1) > (source.size or 0):
            return False
    return False


def _format(fmt: bytes, name: str) -> tuple[str, int, int]:
    """(layout, channels, rate) of a format chunk."""
    if len(fmt) < 16:
        raise UnsupportedFile(f"{name}: its format chunk is cut short")
    kind, channels, rate, _, align, bits = struct.unpack("<HHIIHH", fmt[:16])
    if kind == _EXTENSIBLE and len(fmt) >= 26:
        kind = struct.unpack("<H", fmt[24:26])[0]
    size = align // channels if channels else 0
    layout = {(_PCM, 1): "u8", (_PCM, 2): "i16le", (_PCM, 3): "i24le", (_PCM, 4): "i32le", (_FLOAT, 4): "f32le"}.get((kind, size))
    if layout is None or align % channels or not 0 < bits <= 8 * size:
        raise UnsupportedFile(f"{name}: WAV of kind {kind} with {bits} bits and {channels} channels is not supported")
    return layout, channels, rate
