"""Matroska and AVI files with raw or losslessly coded video, read and written with PyAV: frames, their times, all other streams,
tags, chapters.

`Video.head` is such a file with one black frame: it has the streams and what is said of them. `Group.side` has a record for
each frame and for each packet of another stream, in the order of the file; little-endian:

    u8 0, i64 time, i64 duration                                                    a frame
    u8 1, u16 stream, i64 presentation time, i64 decoding time, i64 duration, u8 key, u32 size, the bytes of a packet
    u8 2, the same without the bytes                                                they are in `Group.sounds`
"""

import io
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xxhash

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.media.audio.value import MAX_CHANNELS
from lacodec.media.video.pixels import form_of, format_of, frame_of, pixels_of
from lacodec.media.video.pyav import opened, writing
from lacodec.media.video.value import Form, Group, Sound, Video

FORMATS = {"mkv": "matroska", "avi": "avi"}
"""Our names of the formats, and the library's."""

CODECS = ("ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "v210", "v410", "r210")
"""Video streams that are read: no frame of theirs needs another one, so every frame has a time."""

_OTHERS = ("audio", "subtitle")
_FRAME, _PACKET = struct.Struct("<qq"), struct.Struct("<HqqqBI")
_NONE = -(1 << 63)  # a time that is not known
_MAX_SIDE = 8 << 20  # bytes beside a group, from which on it ends
_PIECE = 1 << 20
_FFV1 = {"level": "3", "slices": "4", "slicecrc": "1"}
_PCM = {f"pcm_{name}": layout for name, layout in {"u8": "u8", "s8": "i8"}.items()}
_PCM |= {
    f"pcm_{kind}{end}": f"{'i' if kind[0] == 's' else 'f'}{kind[1:]}{end}"
    for kind in ("s16", "s24", "s32", "f32")
    for end in ("le", "be")
}
_COLOURS = ("color_range", "colorspace", "color_primaries", "color_trc")


def read(source: Source, format: str) -> Video:
    """The video in a file, which is read once to its end; raises UnsupportedFile for one that could not be restored.

    format: one of `FORMATS`.
    """
    if not (_is_whole_matroska(source) if format == "mkv" else _is_whole_avi(source)):
        raise UnsupportedFile(f"{source.name}: is cut short, or something follows its end")
    with opened(source) as container:
        stream = _video_in(container, source.name)
        context = stream.codec_context
        form = form_of(context.pix_fmt, context.width, context.height, source.name)
        head = _description(container, form, format)
        sounds = _sounds(container)
    frames = _Frames(source, form, sounds)
    for _ in frames.records():
        pass
    return Video(form, frames, format, head, tuple(sounds.values()))


def _sounds(container: Any) -> dict[int, Sound]:
    """The uncompressed sound that can be coded as such, by stream."""
    found = {}
    for stream in container.streams.audio:
        context = stream.codec_context
        layout = _PCM.get(context.name)
        if layout and 1 <= context.channels <= MAX_CHANNELS:
            found[stream.index] = Sound(context.sample_rate, context.channels, layout)
    return found


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


def _video_in(container: Any, name: str) -> Any:
    """The only stream of video; the others must be such as can be copied."""
    video = container.streams.video
    if len(video) != 1 or video[0].codec_context is None or video[0].codec_context.name not in CODECS:
        raise UnsupportedFile(f"{name}: has no raw or losslessly coded video, or several; codec bytes keeps it as it is")
    if any(stream.type not in ("video", *_OTHERS) for stream in container.streams):
        raise UnsupportedFile(f"{name}: has attachments or streams of unknown kind")
    if any(stream.codec_context is None for stream in container.streams):
        raise UnsupportedFile(f"{name}: has a stream whose codec is unknown")
    return video[0]


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
            video = _video_in(container, self.source.name)
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
                    if form_of(frame.format.name, frame.width, frame.height, self.source.name) != self.form:
                        raise UnsupportedFile(f"{self.source.name}: its frames change in form; use --codec bytes")
                    times = _FRAME.pack(_time(frame.dts if frame.pts is None else frame.pts), frame.duration or 0)
                    yield b"\0" + times, None, pixels_of(frame, self.form)


def _packet_record(packet: Any, apart: bool) -> bytes:
    times = _time(packet.pts), _time(packet.dts), packet.duration or 0
    fields = _PACKET.pack(packet.stream.index, *times, packet.is_keyframe, packet.size)
    return b"\2" + fields if apart else b"\1" + fields + bytes(packet)


def _time(value: int | None) -> int:
    return _NONE if value is None else value


def _description(container: Any, form: Form, format: str) -> bytes:
    """A file with the same streams, the video as FFV1, and one packet, a black frame: readers want to see one."""
    out = io.BytesIO()
    with writing("a description of the streams") as av, av.open(out, "w", FORMATS[format]) as made:
        made.metadata.update(_tags(container.metadata))
        made.set_chapters(container.chapters())
        streams = [_add(made, stream, form) for stream in container.streams]
        (video,) = (stream for stream in streams if stream.type == "video")
        made.mux(video.encode(frame_of(bytes(form.frame_size), form)))
        made.mux(video.encode(None))
    return out.getvalue()


def _tags(metadata: Any) -> dict[str, str]:
    """Tags, without those that the library writes itself."""
    return {key: value for key, value in metadata.items() if key.upper() not in ("ENCODER", "DURATION", "SOFTWARE")}


def _add(made: Any, stream: Any, form: Form) -> Any:
    """A stream like `stream` in a file that is written."""
    if stream.type != "video":
        added = made.add_stream_from_template(stream)
    else:
        context = stream.codec_context
        added = made.add_stream("ffv1", rate=stream.average_rate or 25, options=dict(_FFV1))
        added.width, added.height, added.pix_fmt = form.width, form.height, format_of(form)
        added.time_base = added.codec_context.time_base = stream.time_base
        if stream.sample_aspect_ratio:
            added.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio
        for name in _COLOURS:
            setattr(added.codec_context, name, getattr(context, name))
        added.codec_context.thread_count = 1
    added.metadata.update(_tags(stream.metadata))
    added.disposition = stream.disposition
    return added


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
        made.metadata.update(_tags(described.metadata))
        made.set_chapters(described.chapters())
        streams = [_add(made, stream, form) for stream in described.streams]
        bases = [stream.time_base for stream in described.streams]
        (video,) = (stream for stream in streams if stream.type == "video")
        sounds = _sounds(described)
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
    video = made.add_stream("ffv1", rate=25, options=dict(_FFV1))
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
                    fields = _PACKET.unpack_from(side, at)
                    at += _PACKET.size
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
                fields, at = _FRAME.unpack_from(side, at), at + _FRAME.size
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
    packet.pts, packet.dts = (None if time == _NONE else time for time in (pts, dts))
    packet.duration, packet.is_keyframe = duration, bool(key)
    return packet


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
        video = _video_in(container, source.name).index
        facts: dict[str, Any] = {"tags": _tags(container.metadata)}
        sounds = _sounds(container)
        for stream in container.streams:
            told = [stream.type, str(stream.time_base), _tags(stream.metadata), str(stream.disposition)]
            context = stream.codec_context
            if stream.index == video:
                form = form_of(context.pix_fmt, context.width, context.height, source.name)
                told += [form, str(stream.sample_aspect_ratio or 1), *(int(getattr(context, name)) for name in _COLOURS)]
            else:
                told += [context.name, context.extradata]
            facts[f"stream {stream.index}"] = told
        count = len(facts) - 1
        facts["chapters"] = container.chapters()
    digests: dict[str, Any] = {f"packets of stream {i}": [0, xxhash.xxh3_128()] for i in range(count)}
    for record, stream, data in _Frames(source, form, sounds).records():
        digest = digests[f"packets of stream {video if stream is None else stream}"]
        digest[0] += 1
        digest[1].update(record + data)
    return facts | {name: (count, digest.hexdigest()) for name, (count, digest) in digests.items()}
