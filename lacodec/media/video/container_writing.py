"""Matroska and AVI files written with PyAV: the inverse of `containers`."""

import struct
import tempfile
from collections.abc import Iterator
from typing import Any

from lacodec.errors import CorruptFile
from lacodec.io.source import BytesSource
from lacodec.media.video.container_streams import (
    FORMATS,
    FRAME,
    PACKET,
    UNKNOWN,
    add_like,
    display_of,
    ffv1_options,
    sounds_in,
    tags_of,
)
from lacodec.media.video.pixels import format_of, frame_of
from lacodec.media.video.pyav import opened, writing
from lacodec.media.video.value import Video

_PIECE = 1 << 20


def write(value: Video, format: str) -> Iterator[bytes]:
    """A file with FFV1; of a video that has no times 25 frames a second."""
    with tempfile.TemporaryFile() as file:
        with writing(f"the {format} file") as av, av.open(file, "w", FORMATS[format]) as made:
            if value.format in FORMATS:
                _copy(value, made)
            else:
                _encode_plain(value, made)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _copy(value: Video, made: Any) -> None:
    form = value.form
    with opened(BytesSource(value.head, "the description of the streams")) as described:
        made.metadata.update(tags_of(described.metadata))
        made.set_chapters(described.chapters())
        display = display_of(described)
        streams = [add_like(made, stream, form, display) for stream in described.streams]
        bases = [stream.time_base for stream in described.streams]
        (video,) = (stream for stream in streams if stream.type == "video")
        sounds = sounds_in(described)
        if tuple(sounds.values()) != value.sounds:
            raise CorruptFile("the header describes other sound than the description of the streams")
        made.start_encoding()
        for record, pixels in _parsed(value, list(sounds)):
            if pixels is None:
                made.mux_one(_packet(record, streams, bases))
                continue
            frame = frame_of(pixels, form)
            frame.pts, frame.time_base = record[0], bases[video.index]
            frame.duration = record[1]
            for packet in video.encode(frame):
                made.mux_one(packet)
        for packet in video.encode(None):
            made.mux_one(packet)


def _encode_plain(value: Video, made: Any) -> None:
    form, count = value.form, 0
    video = made.add_stream("ffv1", rate=25, options=ffv1_options(form))
    video.width, video.height, video.pix_fmt = form.width, form.height, format_of(form)
    for group in value.groups(1):
        for at in range(0, len(group.pixels), form.frame_size):
            frame = frame_of(group.pixels[at : at + form.frame_size], form)
            frame.pts, count = count, count + 1
            made.mux(video.encode(frame))
    made.mux(video.encode(None))


def _parsed(value: Video, sounds: list[int]) -> Iterator[tuple[Any, bytes | None]]:
    """((time, duration), pixels) of frames, (fields, None) of packets; raises CorruptFile. sounds: their streams.

    Frames that were lost have no records, and are left out: nobody knows when they were shown.
    """
    size = value.form.frame_size
    for group in value.groups(48):
        side, at, frame = group.side, 0, 0
        places = dict.fromkeys(sounds, 0)
        try:
            while at < len(side):
                kind, at = side[at], at + 1
                if kind:
                    fields = PACKET.unpack_from(side, at)
                    at += PACKET.size
                    stream, length = fields[0], fields[-1]
                    if kind == 1:
                        data, at = side[at : at + length], at + length
                    elif kind == 2 and stream in places and group.sounds:
                        data = group.sounds[sounds.index(stream)][places[stream] :][:length]
                        places[stream] += length
                    else:
                        raise CorruptFile("what it has beside its frames is of unknown kind")
                    if len(data) != length:
                        raise CorruptFile("a packet is cut short")
                    yield (*fields[:-1], data), None
                    continue
                fields, at = FRAME.unpack_from(side, at), at + FRAME.size
                pixels = group.pixels[frame : frame + size]
                if len(pixels) != size:
                    raise CorruptFile("it lists more frames than it has")
                frame += size
                yield fields, pixels
        except struct.error as error:
            raise CorruptFile("what it has beside its frames is cut short") from error


def _packet(fields: Any, streams: list[Any], bases: list[Any]) -> Any:
    index, pts, dts, duration, key, data = fields
    if index >= len(streams) or streams[index].type == "video":
        raise CorruptFile(f"a packet belongs to stream {index}, which has none")
    import av

    packet = av.Packet(data)
    packet.stream, packet.time_base = streams[index], bases[index]
    packet.pts, packet.dts = (None if time == UNKNOWN else time for time in (pts, dts))
    packet.duration, packet.is_keyframe = duration, bool(key)
    return packet
