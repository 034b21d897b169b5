"""FLAC: samples in, samples out; tags, pictures and all other metadata that says something are copied as the blocks they are.

file --metadata, frames (`_flac_frames`)--> Audio        Audio --library `soundfile`--> file

Reading decodes the whole stream once, strictly: a file that is damaged or odd in any way is left to codec `bytes`.
"""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.audio.flac_metadata import LAST, STREAMINFO, join_blocks, metadata
from lacodec.media.audio.value import Audio, sample_size

_INFO = 42  # bytes of a file up to the end of its STREAMINFO
_FRAMES = 1 << 16
_SUBTYPES = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24"}


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
        raise BadInput("a FLAC file without samples cannot be written; decode to .wav")
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


def _can_be_written(rate: int) -> bool:
    """Whether frames can say a rate of so many Hz: the library writes no others."""
    return 1 <= rate < 1 << 16 or (rate % 10 == 0 and rate // 10 < 1 << 16)


def _with_blocks(file: BinaryIO, head: bytes | None) -> Iterator[bytes]:
    """The FLAC file that the library wrote, with these metadata blocks in place of its own (None: with its own)."""
    file.seek(0)
    start = file.read(_INFO)
    if head is not None:
        at, last = _INFO, start[4] >= LAST
        while not last:
            file.seek(at)
            kind = file.read(4)
            last, at = kind[0] >= LAST, at + 4 + int.from_bytes(kind[1:], "big")
        file.seek(at)
        start = start[:4] + bytes([STREAMINFO if head else STREAMINFO | LAST]) + start[5:] + head
    yield start
    while block := file.read(1 << 20):
        yield block
