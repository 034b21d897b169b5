"""Matroska and AVI files with raw or losslessly coded video, read and written with PyAV: frames, their times, all other streams,
tags, chapters.

`Video.head` is such a file with one black frame: it has the streams and what is said of them. `Group.side` has a record for
each frame and for each packet of another stream, in the order of the file; little-endian:

    u8 0, i64 time, i64 duration                                                    a frame
    u8 1, u16 stream, i64 presentation time, i64 decoding time, i64 duration, u8 key, u32 size, the bytes of a packet
    u8 2, the same without the bytes                                                they are in `Group.sounds`
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xxhash

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.video.container_streams import (
    FORMATS,
    FRAME,
    PACKET,
    PROPERTIES,
    UNKNOWN,
    add_like,
    check_beside,
    display_of,
    sounds_in,
    tags_of,
    video_in,
)
from lacodec.media.video.pixels import form_of, frame_of, pixels_of
from lacodec.media.video.pyav import opened, writing
from lacodec.media.video.value import Form, Group, Sound, Video

_MAX_SIDE = 8 << 20  # bytes beside a group, from which on it ends


def read(source: Source, format: str) -> Video:
    """The video in a file, which is read once to its end; raises UnsupportedFile for one that could not be restored.

    format: one of `FORMATS`.
    """
    if not (_is_whole_matroska(source) if format == "mkv" else _is_whole_avi(source)):
        raise UnsupportedFile(f"{source.name}: is cut short, or something follows its end")
    with opened(source) as container:
        stream = video_in(container, source.name)
        context = stream.codec_context
        form = form_of(context.pix_fmt, context.width, context.height, source.name)
        head = _description(container, form, format)
        sounds = sounds_in(container)
    frames = _Frames(source, form, sounds)
    for _ in frames.records():
        pass
    return Video(form, frames, format, head, tuple(sounds.values()))


def _is_whole_avi(source: Source) -> bool:
    """Whether the file is a sequence of RIFF chunks: long ones have several."""
    at, size = 0, source.size or 0
    while at < size:
        head = source.read(at, 8)
        if head[:4] != b"RIFF" or len(head) < 8:
            return False
        at += 8 + int.from_bytes(head[4:], "little")
        at += at & 1
    return at == size


def _is_whole_matroska(source: Source) -> bool:
    """Whether the file is a head and a segment, which ends with it or does not state its size."""
    at = 0
    for name in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):
        if source.read(at, 4) != name:
            return False
        first = source.read(at + 4, 1)
        width = 9 - first[0].bit_length() if first else 9
        field = source.read(at + 4, width)
        if width > 8 or len(field) < width:
            return False
        most = (1 << 7 * width) - 1
        size = int.from_bytes(field, "big") & most
        at += 4 + width + size
    return at == source.size or size == most


@dataclass(frozen=True)
class _Frames:
    """The frames of a file, and what lies between them."""

    source: Source
    form: Form
    sounds: dict[int, Sound]  # by stream

    def __call__(self, n: int) -> Iterator[Group]:
        """As in `Groups`."""
        numbers = {stream: number for number, stream in enumerate(self.sounds)}
        pixels: list[bytes] = []
        side: list[bytes] = []
        sounds: list[list[bytes]] = [[] for _ in numbers]
        size = 0
        for record, stream, data in self.records():
            side.append(record)
            size += len(record)
            if stream is None:
                pixels.append(data)
            elif data:
                sounds[numbers[stream]].append(data)
                size += len(data)
            if len(pixels) == n or size >= _MAX_SIDE:
                yield Group(b"".join(pixels), b"".join(side), tuple(b"".join(sound) for sound in sounds))
                pixels, side, sounds, size = [], [], [[] for _ in numbers], 0
        yield Group(b"".join(pixels), b"".join(side), tuple(b"".join(sound) for sound in sounds))

    def records(self) -> Iterator[tuple[bytes, int | None, bytes]]:
        """(record, the packet's stream, None for a frame, the bytes that are not in the record: pixels or samples)."""
        with opened(self.source) as container:
            video = video_in(container, self.source.name)
            video.codec_context.options = {"err_detect": "explode"}
            for packet in container.demux():
                if packet.stream.index != video.index:
                    if packet.size:
                        sound = self.sounds.get(packet.stream.index)
                        apart = sound is not None and packet.size % sound.frame_size == 0
                        yield _packet_record(packet, apart), packet.stream.index, bytes(packet) if apart else b""
                    continue
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise UnsupportedFile(f"{self.source.name}: has damaged frames")
                    check_beside(frame, self.source.name)
                    if form_of(frame.format.name, frame.width, frame.height, self.source.name) != self.form:
                        raise UnsupportedFile(f"{self.source.name}: its frames change in form; use --codec bytes")
                    times = FRAME.pack(_time(frame.dts if frame.pts is None else frame.pts), frame.duration or 0)
                    yield b"\0" + times, None, pixels_of(frame, self.form)


def _packet_record(packet: Any, apart: bool) -> bytes:
    times = _time(packet.pts), _time(packet.dts), packet.duration or 0
    fields = PACKET.pack(packet.stream.index, *times, packet.is_keyframe, packet.size)
    return b"\2" + fields if apart else b"\1" + fields + bytes(packet)


def _time(value: int | None) -> int:
    return UNKNOWN if value is None else value


def _description(container: Any, form: Form, format: str) -> bytes:
    """A file with the same streams, the video as FFV1, and one packet, a black frame: readers want to see one."""
    out = io.BytesIO()
    with writing("a description of the streams") as av, av.open(out, "w", FORMATS[format]) as made:
        made.metadata.update(tags_of(container.metadata))
        made.set_chapters(container.chapters())
        display = display_of(container)
        streams = [add_like(made, stream, form, display) for stream in container.streams]
        (video,) = (stream for stream in streams if stream.type == "video")
        made.mux(video.encode(frame_of(bytes(form.frame_size), form)))
        made.mux(video.encode(None))
    return out.getvalue()


def difference(original: Source, restored: Source) -> str | None:
    """The first difference in streams, tags, times, frames or packets; None if there is none."""
    first, second = _facts(original), _facts(restored)
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            return f"{name}: {first.get(name)} and {second.get(name)}"
    return None


def _facts(source: Source) -> dict[str, Any]:
    """All that is kept, by name; of frames and packets a hash for each stream."""
    with opened(source) as container:
        video = video_in(container, source.name).index
        facts: dict[str, Any] = {"tags": tags_of(container.metadata)}
        sounds = sounds_in(container)
        for stream in container.streams:
            told = [stream.type, str(stream.time_base), tags_of(stream.metadata), str(stream.disposition)]
            context = stream.codec_context
            if stream.index == video:
                form = form_of(context.pix_fmt, context.width, context.height, source.name)
                told += [form, str(stream.sample_aspect_ratio or 1), *(int(getattr(context, name)) for name in PROPERTIES)]
            else:
                told += [context.name, context.extradata]
            facts[f"stream {stream.index}"] = told
        count = len(facts) - 1
        facts["chapters"], facts["display"] = container.chapters(), display_of(container)
    digests: dict[str, Any] = {f"packets of stream {i}": [0, xxhash.xxh3_128()] for i in range(count)}
    for record, stream, data in _Frames(source, form, sounds).records():
        digest = digests[f"packets of stream {video if stream is None else stream}"]
        digest[0] += 1
        digest[1].update(record + data)
    return facts | {name: (count, digest.hexdigest()) for name, (count, digest) in digests.items()}
