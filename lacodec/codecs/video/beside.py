"""What a group has beside its frames, in and out of a payload: bytes that only the file's format understands, and sounds.

number bytes beside the frames, [if any: number size, payload of codec `bytes`],
for each sound: number bytes, [if any: number size, payload of codec `audio.lossless`]
"""

from collections.abc import Sequence

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.fields import Reader, Writer
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.audio.value import Audio
from lacodec.media.video.value import Group, Sound

_BYTES_EFFORT = 4


def write_beside(out: Writer, group: Group, sounds: Sequence[Sound], effort: int) -> None:
    """sounds: what the samples of the group are."""
    out.number(len(group.side))
    if group.side:
        side = embed("bytes", group.side, effort=_BYTES_EFFORT)
        out.number(len(side))
        out.write(side)
    for sound, pcm in zip(sounds, group.sounds, strict=True):
        out.number(len(pcm))
        if pcm:
            coded = embed("audio.lossless", Audio(sound.rate, sound.channels, sound.layout, BytesSource(pcm)), effort=effort)
            out.number(len(coded))
            out.write(coded)


def read_beside(reader: Reader, size: int, sounds: Sequence[Sound], header: Header) -> tuple[bytes, tuple[bytes, ...]]:
    """(side, samples of each sound), `size` bytes in all; raises CorruptFile."""
    side_size = reader.number()
    left = size - side_size
    if left < 0:
        raise CorruptFile("its decoded size contradicts the frames it covers")
    side = unembed("bytes", reader.take(reader.number()), side_size, header) if side_size else b""
    samples = []
    for sound in sounds:
        pcm_size = reader.number()
        left -= pcm_size
        if left < 0 or pcm_size % sound.frame_size:
            raise CorruptFile("its decoded size contradicts the sound it has")
        expected = sound.rate, sound.channels, sound.layout, pcm_size // sound.frame_size
        samples.append(unembed("audio.lossless", reader.take(reader.number()), expected, header) if pcm_size else b"")
    if left:
        raise CorruptFile("its decoded size contradicts what it has")
    return side, tuple(samples)
