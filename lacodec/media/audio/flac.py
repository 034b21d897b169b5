"""FLAC: samples in, samples out; tags, pictures and all other metadata that says something are copied as the blocks they are.

file --metadata, frames (`_flac_frames`)--> Audio        Audio --library `soundfile`--> file

Reading decodes the whole stream once, strictly: a file that is damaged or odd in any way is left to codec `bytes`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.audio.value import MAX_AROUND, Audio, sample_size

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, COMMENTS, CUESHEET, PICTURE = range(7)
"""Kinds of metadata blocks."""
MAX_BLOCK = (1 << 24) - 1  # bytes of one

_NAMES = {APPLICATION: "application data", COMMENTS: "tags", CUESHEET: "a cue sheet", PICTURE: "pictures"}
_IMPLIED = (STREAMINFO, PADDING, SEEKTABLE)  # they follow from the samples and how they are coded
_LAST = 128  # bit of a block's kind
_INFO = 42  # bytes of a file up to the end of its STREAMINFO
_MAX_METADATA = 1 << 28  # bytes
_FRAMES = 1 << 16
_SUBTYPES = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24"}


@dataclass(frozen=True)
class Metadata:
    """What stands before the frames. total: samples per channel, 0 where unknown; digest: MD5 of the samples, zeros where
    unknown; blocks: (kind, content) of all that is kept; begin: offset of the first frame."""

    rate: int
    channels: int
    bits: int
    total: int
    digest: bytes
    blocks: tuple[tuple[int, bytes], ...]
    begin: int

    @property
    def layout(self) -> str:
        """How one sample is stored once it is decoded."""
        return "i8" if self.bits == 8 else f"i{self.bits}le"

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel, decoded."""
        return self.channels * ((self.bits + 7) // 8)


def read(source: Source) -> Audio:
    """The sound in a FLAC file; `head` gets its metadata blocks. Raises UnsupportedFile for what is damaged, odd or empty."""
    from lacodec.media.audio._flac_frames import FlacSamples

    found = metadata(source)
    if found.bits not in (8, 16, 24) or not _can_be_written(found.rate):
        raise UnsupportedFile(f"{source.name}: FLAC of {found.bits} bits at {found.rate} Hz is not supported")
    pcm = FlacSamples(source, found)
    return Audio(found.rate, found.channels, found.layout, pcm, "flac", join_blocks(found.blocks))


def write(value: Audio) -> Iterator[bytes]:
    """A FLAC file of integer sound of known size; raises BadInput for what FLAC cannot hold."""
    import soundfile

    from lacodec.media.audio.samples import from_bytes

    size = sample_size(value.layout)
    if value.layout.startswith("f") or size > 3 or not _can_be_written(value.rate):
        raise BadInput(f"FLAC cannot hold {value.layout} samples at {value.rate} Hz; decode to .wav")
    if not value.pcm.size:
        raise BadInput("a FLAC file of no samples cannot be written; decode to .wav")
    with tempfile.TemporaryFile() as out:
        options = {"subtype": _SUBTYPES[size], "format": "FLAC", "compression_level": 1.0}
        try:
            with soundfile.SoundFile(out, "w", value.rate, value.channels, **options) as file:
                for block in value.pcm.blocks(value.frame_size * _FRAMES):
                    file.write((from_bytes(block, value.layout, value.channels) << (32 - 8 * size)).T.astype("int32"))
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise BadInput(
                f"this sound cannot be written as FLAC ({getattr(error, 'error_string', error)}); decode to .wav"
            ) from error
        yield from _with_blocks(out, value.head if value.format == "flac" else None)


def metadata(source: Source) -> Metadata:
    """What stands before the frames of a FLAC file; raises UnsupportedFile."""
    name = source.name
    if source.read(0, 4) != b"fLaC":
        raise UnsupportedFile(f"{name}: does not begin as FLAC does")
    at, last, info = 4, False, b""
    blocks: list[tuple[int, bytes]] = []
    kept = 0
    while not last:
        head = source.read(at, 4)
        last, kind, size = bool(head[:1] >= bytes([_LAST])), head[0] & 127 if head else 0, int.from_bytes(head[1:], "big")
        at += 4 + size
        if len(head) < 4 or at > (source.size or 0) or at > _MAX_METADATA:
            raise UnsupportedFile(f"{name}: its metadata is cut short, or longer than {_MAX_METADATA >> 20} MiB")
        if (kind == STREAMINFO) != (not info) or kind == 127 or (kind == STREAMINFO and size != 34):
            raise UnsupportedFile(f"{name}: its metadata has a block of kind {kind} and {size} bytes where none can be")
        if kind == STREAMINFO:
            info = source.read(at - size, size)
        elif kind not in _IMPLIED:
            kept += 4 + size
            if kept > MAX_AROUND:
                raise UnsupportedFile(f"{name}: its tags and pictures have more than {MAX_AROUND >> 20} MiB")
            blocks.append((kind, source.read(at - size, size)))
    packed = int.from_bytes(info[10:18], "big")
    rate, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    return Metadata(rate, channels, bits, packed & (1 << 36) - 1, info[18:], tuple(blocks), at)


def join_blocks(blocks: tuple[tuple[int, bytes], ...]) -> bytes:
    """Metadata blocks as a file has them, the last one marked as such."""
    parts = []
    for number, (kind, body) in enumerate(blocks, 1):
        parts += [bytes([kind | _LAST if number == len(blocks) else kind]), len(body).to_bytes(3, "big"), body]
    return b"".join(parts)


def split_blocks(data: bytes) -> list[tuple[int, bytes]]:
    """The inverse of `join_blocks`."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        found.append((data[at] & 127, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def tags(comments: bytes) -> list[str]:
    """The names of the tags in a block of comments, in upper case; of one that makes no sense, [""]."""
    size = int.from_bytes(comments[:4], "little")
    at = 4 + size
    count = int.from_bytes(comments[at : at + 4], "little")
    at += 4
    found: list[str] = []
    while at + 4 <= len(comments) and len(found) < count:
        size = int.from_bytes(comments[at : at + 4], "little")
        text = comments[at + 4 : at + 4 + size]
        found.append(text.partition(b"=")[0].decode("utf-8", "replace").upper())
        at += 4 + size
    return found if len(found) == count and at == len(comments) else [""]


def name_of(kind: int) -> str:
    """How messages call metadata of this kind."""
    return _NAMES.get(kind, f"metadata of kind {kind}")


def _can_be_written(rate: int) -> bool:
    """Whether frames can say a rate of so many Hz: the library writes no others."""
    return 1 <= rate < 1 << 16 or (rate % 10 == 0 and rate // 10 < 1 << 16)


def _with_blocks(file: BinaryIO, head: bytes | None) -> Iterator[bytes]:
    """The FLAC file that the library wrote, with these metadata blocks in place of its own (None: with its own)."""
    file.seek(0)
    start = file.read(_INFO)
    if head is not None:
        at, last = _INFO, start[4] >= _LAST
        while not last:
            file.seek(at)
            kind = file.read(4)
            last, at = kind[0] >= _LAST, at + 4 + int.from_bytes(kind[1:], "big")
        file.seek(at)
        start = start[:4] + bytes([STREAMINFO if head else STREAMINFO | _LAST]) + start[5:] + head
    yield start
    while block := file.read(1 << 20):
        yield block
