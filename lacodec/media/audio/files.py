"""Sound files in and out.

WAV and AIFF are read and written by `wav` and `aiff`: the bytes around the samples are kept, so files are restored byte for
byte. FLAC is read by our own decoder and written by the `soundfile` library: the samples, tags and pictures come back (`flac`).
Where a file is written in another format than it came in, `foreign` reports the parts that the format cannot hold.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import IteratorSource, SpooledSource, seekable
from lacodec.media.audio.value import Audio
from lacodec.media.base import Media

SUFFIXES = {".wav": "wav", ".wave": "wav", ".aif": "aiff", ".aiff": "aiff", ".aifc": "aiff", ".flac": "flac"}
"""The formats that can be written: suffix of the file name -> name of the format."""

_BLOCK = 1 << 20


class AudioMedia(Media[Audio]):
    """Sampled sound."""

    name = "audio"
    suffixes = SUFFIXES

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is WAV, AIFF or FLAC."""
        return head[:4] == b"fLaC" or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE") or is_aiff(head)

    def remark(self, head: bytes) -> str | None:
        """Lossy formats: decoding them first would only make them larger."""
        if head[:4] == b"OggS":
            return "Ogg audio is already lossy; codec bytes keeps it as it is"
        if head[:3] == b"ID3":
            size = 10 + sum((byte & 127) << 7 * i for i, byte in enumerate(head[9:5:-1]))
            if head[size : size + 4] == b"fLaC":
                return "this is FLAC after an ID3 tag, which FLAC does not allow; codec bytes keeps it as it is"
            if size + 4 > len(head):
                return "an ID3 tag usually starts an MP3, which is already lossy; codec bytes keeps it as it is"
        if head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
            return "MP3 is already lossy; codec bytes keeps it as it is"
        return None

    def accepts(self, value: Any) -> bool:
        """Audio."""
        return isinstance(value, Audio)

    def from_source(self, source: Source) -> Audio:
        """The sound in a file or pipe; raises UnsupportedFile if it cannot be restored exactly."""
        from lacodec.media.audio import aiff, flac, wav

        source = seekable(source)
        head = source.peek(12)
        if not self.sniff(head):
            raise UnsupportedFile(f"{source.name}: is not a WAV, AIFF or FLAC file; use --codec bytes")
        return flac.read(source) if head[:4] == b"fLaC" else aiff.read(source) if is_aiff(head) else wav.read(source)

    def from_object(self, value: Any) -> Audio:
        """An object from a caller of the Python interface: an Audio, or the bytes of a file."""
        if isinstance(value, Audio):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        raise BadInput(f"a {type(value).__name__} is not audio; pass Audio.from_samples(array, rate), a path, or a file's bytes")

    def to_object(self, value: Audio) -> Audio:
        """The same with everything in memory."""
        pcm = b"".join(_blocks(value.pcm))
        return replace(value, pcm=BytesSource(pcm), tail=BytesSource(b"".join(_blocks(value.tail))))

    def written(self, value: Audio, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the sound came from."""
        return SUFFIXES.get(suffix) or value.format or "wav"

    def to_blocks(self, value: Audio, suffix: str = "") -> Iterator[bytes]:
        """The file again, or another format where `suffix` names one: the format `written`."""
        from lacodec.media.audio import foreign

        wanted = self.written(value, suffix)
        if wanted == value.format and value.head and wanted != "flac":
            yield value.head
            yield from _blocks(value.pcm)
            yield from _blocks(value.tail)
            return
        if value.pcm.size is None:
            value = replace(value, pcm=SpooledSource(value.pcm))
        if value.format not in (None, wanted):
            yield from foreign.converted(value, wanted)
        else:
            yield from foreign.writer(wanted)(value)

    def difference(self, original: Source, restored: Source) -> str | None:
        """Of FLAC files everything but how the samples are coded; of others the bytes."""
        from lacodec.media.audio import compare

        if original.peek(4) == b"fLaC" and restored.peek(4) == b"fLaC":
            return compare.flac_difference(original, restored)
        return super().difference(original, restored)


AUDIO = AudioMedia()
"""The one instance."""


def is_aiff(head: bytes) -> bool:
    """Whether a file that begins so is AIFF or AIFC."""
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def _blocks(source: Source) -> Iterator[bytes]:
    return source.pieces() if isinstance(source, IteratorSource) else source.blocks(_BLOCK)
