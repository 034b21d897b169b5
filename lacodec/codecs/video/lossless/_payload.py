"""A group of frames in and out of the payload of a chunk.

payload = u8 method, number bytes beside the frames, [if any: number size, payload of codec `bytes`],
          for each sound: number bytes, [if any: number size, payload of codec `audio.lossless`], body
body    = 0 the frames as a payload of codec `bytes`; 1 the pixel model (`_model`)
"""

from collections.abc import Sequence

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.video.lossless._model import decode_group, encode_group
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.io.source import BytesSource
from lacodec.media.audio.value import Audio
from lacodec.media.video.value import Form, Group, Sound

BYTES, MODEL = range(2)
_BYTES_EFFORT = 4


def encode_payload(group: Group, form: Form, sounds: Sequence[Sound], effort: int, report: Report) -> bytes:
    """The payload of a group; sounds: what its samples are."""
    out = Writer()
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
    planes = form.planes(group.pixels)
    top = (1 << form.depth) - 1
    body = None
    if group.pixels and all(int(plane.max()) <= top for plane in planes):
        body = encode_group(planes, form, effort, report)
    if body is None or len(body) > len(group.pixels):
        return bytes([BYTES]) + out.data + embed("bytes", group.pixels, effort=_BYTES_EFFORT)
    return bytes([MODEL]) + out.data + body


def decode_payload(
    payload: bytes, frames: int, size: int, form: Form, sounds: Sequence[Sound], header: Header, report: Report
) -> Group:
    """The group of so many frames, with `size` bytes in all; raises CorruptFile."""
    if not payload or payload[0] > MODEL:
        raise CorruptFile(f"method {payload[:1].hex()} is unknown; if a newer lacodec wrote it, update")
    reader = Reader(payload, 1)
    side_size = reader.number()
    left = size - frames * form.frame_size - side_size
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
    beside = side, tuple(samples)
    if payload[0] == BYTES:
        return Group(unembed("bytes", reader.rest(), frames * form.frame_size, header), *beside)
    if not frames:
        raise CorruptFile("its pixel model has no frames")
    return Group(form.pixels(decode_group(reader, frames, form, header, report)), *beside)
