"""Streams of Matroska and AVI files: which are kept, what is kept of each, and how a file gets one like it."""

import struct
from typing import Any

from lacodec.errors import UnsupportedFile
from lacodec.media.audio.value import MAX_CHANNELS
from lacodec.media.video.pixels import format_of
from lacodec.media.video.value import Form, Sound

FORMATS = {"mkv": "matroska", "avi": "avi"}
"""Our names of the formats, and the library's."""

CODECS = ("ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "v210", "v410", "r210")
"""Video streams that are read: no frame of theirs needs another one, so every frame has a time."""

_OTHERS = ("audio", "subtitle")
FRAME, PACKET = struct.Struct("<qq"), struct.Struct("<HqqqBI")
UNKNOWN = -(1 << 63)  # a time that is not known
_SMALL = 16  # pixels of a side, below which FFV1 may find nothing to divide
_PCM = {f"pcm_{name}": layout for name, layout in {"u8": "u8", "s8": "i8"}.items()}
_PCM |= {
    f"pcm_{kind}{end}": f"{'i' if kind[0] == 's' else 'f'}{kind[1:]}{end}"
    for kind in ("s16", "s24", "s32", "f32")
    for end in ("le", "be")
}
PROPERTIES = ("color_range", "colorspace", "color_primaries", "color_trc", "field_order")
"""What a stream says of its frames beside their form; numbers."""

_DISPLAY = "DISPLAYMATRIX"


def sounds_in(container: Any) -> dict[int, Sound]:
    """The uncompressed sound that can be coded as such, by stream."""
    found = {}
    for stream in container.streams.audio:
        context = stream.codec_context
        layout = _PCM.get(context.name)
        if layout and 1 <= context.channels <= MAX_CHANNELS:
            found[stream.index] = Sound(context.sample_rate, context.channels, layout)
    return found


def video_in(container: Any, name: str) -> Any:
    """The only stream of video; the others must be such as can be copied."""
    video = container.streams.video
    if len(video) != 1 or video[0].codec_context is None or video[0].codec_context.name not in CODECS:
        raise UnsupportedFile(f"{name}: has no raw or losslessly coded video, or several; codec bytes keeps it as it is")
    if any(stream.type not in ("video", *_OTHERS) for stream in container.streams):
        raise UnsupportedFile(f"{name}: has attachments or streams of unknown kind")
    if any(stream.codec_context is None for stream in container.streams):
        raise UnsupportedFile(f"{name}: has a stream whose codec is unknown")
    return video[0]


def tags_of(metadata: Any) -> dict[str, str]:
    """Tags, without those that the library writes itself."""
    return {key: value for key, value in metadata.items() if key.upper() not in ("ENCODER", "DURATION", "SOFTWARE")}


def ffv1_options(form: Form) -> dict[str, str]:
    """Options of the encoder of FFV1 for such frames."""
    return {"level": "3", "slices": "1" if min(form.width, form.height) < _SMALL else "4", "slicecrc": "1"}


def display_of(container: Any) -> tuple[int, ...] | None:
    """How players shall turn the frames, nine numbers; reads the first frame."""
    for frame in container.decode(video=0):
        for item in frame.side_data:
            if item.type.name == _DISPLAY:
                return struct.unpack("=9i", bytes(item))
        break
    return None


def check_beside(frame: Any, name: str) -> None:
    """Raises UnsupportedFile for what a frame brings along and no file that is written would have."""
    for item in frame.side_data:
        if item.type.name != _DISPLAY:
            raise UnsupportedFile(f"{name}: its frames have {item.type.name} beside them, which would be lost; use --codec bytes")


def add_like(made: Any, stream: Any, form: Form, display: tuple[int, ...] | None) -> Any:
    """A stream like `stream` in a file that is written. display: as `display_of` has it."""
    if stream.type != "video":
        added = made.add_stream_from_template(stream)
    else:
        context = stream.codec_context
        added = made.add_stream("ffv1", rate=stream.average_rate or 25, options=ffv1_options(form))
        added.width, added.height, added.pix_fmt = form.width, form.height, format_of(form)
        added.time_base = added.codec_context.time_base = stream.time_base
        if stream.sample_aspect_ratio:
            added.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio
        for name in PROPERTIES:
            setattr(added.codec_context, name, getattr(context, name))
        added.set_display_matrix(display)
        added.codec_context.thread_count = 1
    added.metadata.update(tags_of(stream.metadata))
    added.disposition = stream.disposition
    return added
