"""A group of frames in and out of the payload of a chunk.

payload = u8 method, what is beside the frames (`video.beside`), body
body    = 0 the frames as a payload of codec `bytes`; 1 the pixel model (`_model`)
"""

from collections.abc import Sequence

from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.video.beside import read_beside, write_beside
from lacodec.codecs.video.lossless._model import decode_group, encode_group
from lacodec.container.types import Header
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report
from lacodec.media.video.value import Form, Group, Sound

BYTES, MODEL = range(2)
_BYTES_EFFORT = 4


def encode_payload(group: Group, form: Form, sounds: Sequence[Sound], effort: int, report: Report) -> bytes:
    """The payload of a group; sounds: what its samples are."""
    out = Writer()
    write_beside(out, group, sounds, effort)
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
    beside = read_beside(reader, size - frames * form.frame_size, sounds, header)
    if payload[0] == BYTES:
        return Group(unembed("bytes", reader.rest(), frames * form.frame_size, header), *beside)
    if not frames:
        raise CorruptFile("its pixel model has no frames")
    return Group(form.pixels(decode_group(reader, frames, form, header, report)), *beside)
