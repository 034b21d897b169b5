"""FLAC, through the `soundfile` library: samples in, samples out; tags and pictures are copied as the blocks they are."""

import io
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import IteratorSource, Source
from lacodec.media.audio.value import MAX_AROUND, Audio, sample_size

_STREAMINFO, _PADDING, _SEEKTABLE, _CUESHEET = 0, 1, 3, 5
_FRAMES = 1 << 16
_BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}


def read(source: Source) -> Audio:
    """The sound in a FLAC file; `head` gets its metadata blocks (tags, pictures, applications)."""
    import soundfile

    extras = _metadata(source)
    try:
        file = soundfile.SoundFile(_Stream(source))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UnsupportedFile(f"{source.name}: cannot be read as FLAC ({error})") from error
    bits = _BITS.get(file.subtype)
    if bits is None or file.channels > 8:
        raise UnsupportedFile(f"{source.name}: FLAC of {file.subtype} and {file.channels} channels is not supported")
    layout = "i8" if bits == 8 else f"i{bits}le"
    size = file.frames * file.channels * sample_size(layout)
    pcm = IteratorSource(_pcm(file, layout, source.name), source.name, size)
    return Audio(file.samplerate, file.channels, layout, pcm, "flac", extras)


def write(value: Audio) -> Iterator[bytes]:
    """A FLAC file of integer sound of known size; raises BadInput for what FLAC cannot hold."""
    import soundfile

    from lacodec.media.audio.samples import from_bytes

    size = sample_size(value.layout)
    if value.layout.startswith("f") or size > 3 or not 1 <= value.rate <= 655350:
        raise BadInput(f"FLAC cannot hold {value.layout} samples at {value.rate} Hz; decode to .wav")
    subtype = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24"}[size]
    with tempfile.TemporaryFile() as out:
        with soundfile.SoundFile(out, "w", value.rate, value.channels, subtype, format="FLAC", compression_level=1.0) as file:
            for block in value.pcm.blocks(value.frame_size * _FRAMES):
                file.write((from_bytes(block, value.layout, value.channels) << (32 - 8 * size)).T.astype("int32"))
        out.seek(0)
        start = out.read(42)
        if value.format == "flac" and value.head:
            end = 42
            last = bool(start[4] & 128)
            while not last:  # the library's own blocks make room for the original ones
                out.seek(end)
                kind = out.read(4)
                last, end = bool(kind[0] & 128), end + 4 + int.from_bytes(kind[1:], "big")
            yield start[:4] + bytes([_STREAMINFO]) + start[5:] + value.head
            out.seek(end)
        else:
            yield start
        while block := out.read(1 << 20):
            yield block


def _pcm(file: Any, layout: str, name: str) -> Iterator[bytes]:
    import soundfile

    from lacodec.media.audio.samples import to_bytes

    shift = 32 - 8 * sample_size(layout)
    left = file.frames
    with file:
        while left > 0:
            try:
                block = file.read(min(left, _FRAMES), dtype="int32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise BadInput(f"{name}: is damaged ({error}); use --codec bytes to keep it as it is") from error
            if not len(block):
                raise BadInput(f"{name}: ends {left} samples too early; use --codec bytes to keep it as it is")
            left -= len(block)
            yield to_bytes((block >> shift).T, layout)


def _metadata(source: Source) -> bytes:
    """The metadata blocks that do not depend on how the samples are coded, the last one marked as such."""
    at, kept, last = 4, [], False
    while not last:
        head = source.read(at, 4)
        if len(head) < 4:
            raise UnsupportedFile(f"{source.name}: its metadata is cut short")
        last, kind, size = bool(head[0] & 128), head[0] & 127, int.from_bytes(head[1:], "big")
        if kind not in (_STREAMINFO, _PADDING, _SEEKTABLE):
            kept.append(bytes([kind]) + struct.pack(">I", size)[1:] + source.read(at + 4, size))
        at += 4 + size
        if at > MAX_AROUND:
            raise UnsupportedFile(f"{source.name}: more than {MAX_AROUND >> 20} MiB of metadata")
    if kept:
        kept[-1] = bytes([kept[-1][0] | 128]) + kept[-1][1:]
    return b"".join(kept)


class _Stream(io.RawIOBase):
    """A source as a file object."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._source.size or 0)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
