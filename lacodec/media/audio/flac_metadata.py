"""The metadata of FLAC files: the blocks before the frames."""

from dataclasses import dataclass

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.audio.value import MAX_AROUND

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, COMMENTS, CUESHEET, PICTURE = range(7)
"""Kinds of metadata blocks."""
MAX_BLOCK = (1 << 24) - 1  # bytes of one

_NAMES = {APPLICATION: "application data", COMMENTS: "tags", CUESHEET: "a cue sheet", PICTURE: "pictures"}
_IMPLIED = (STREAMINFO, PADDING, SEEKTABLE)  # they follow from the samples and how they are coded
LAST = 128  # bit of a block's kind
_MAX_METADATA = 1 << 28  # bytes


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


def metadata(source: Source) -> Metadata:
    """What stands before the frames of a FLAC file; raises UnsupportedFile."""
    name = source.name
    if source.read(0, 4) != b"fLaC":
        raise UnsupportedFile(f"{name}: does not begin like FLAC")
    at, last, info = 4, False, b""
    blocks: list[tuple[int, bytes]] = []
    kept = 0
    while not last:
        head = source.read(at, 4)
        last, kind, size = bool(head[:1] >= bytes([LAST])), head[0] & 127 if head else 0, int.from_bytes(head[1:], "big")
        at += 4 + size
        if len(head) < 4 or at > (source.size or 0) or at > _MAX_METADATA:
            raise UnsupportedFile(f"{name}: its metadata is cut short, or longer than {_MAX_METADATA >> 20} MiB")
        if (kind == STREAMINFO) != (not info) or kind == 127 or (kind == STREAMINFO and size != 34):
            raise UnsupportedFile(f"{name}: its metadata has a misplaced or impossible block of kind {kind} and {size} bytes")
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
        parts += [bytes([kind | LAST if number == len(blocks) else kind]), len(body).to_bytes(3, "big"), body]
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
