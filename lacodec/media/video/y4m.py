"""Y4M (YUV4MPEG2): a line about the format, then frames, each behind the line `FRAME`. Restored byte for byte.

The format: https://wiki.multimedia.cx/index.php/YUV4MPEG2 and, for more than 8 bits, the names that FFmpeg writes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.video.value import Form, Group, Video

MAGIC = b"YUV4MPEG2 "
_FRAME = b"FRAME\n"
_MAX_HEAD = 4096
_LAYOUTS = {"mono": "gray", "420": "420", "422": "422", "440": "440", "411": "411", "444": "444", "444alpha": "444a"}
_ALPHA = "444alpha"
_COLOURS = re.compile(r"(420|422|440|411|444)(?:p(9|1[0-6]))?|(mono)(9|1[0-6])?|420(?:jpeg|mpeg2|paldv)|(444alpha)")


def read(source: Source) -> Video:
    """The video in a Y4M file; raises UnsupportedFile for anything unusual."""
    size = source.size or 0
    head, line, _ = source.read(0, _MAX_HEAD).partition(b"\n")
    head += line
    form = parse(head, source.name)
    step = len(_FRAME) + form.frame_size
    count = (size - len(head)) // step
    if any(source.read(len(head) + i * step, len(_FRAME)) != _FRAME for i in range(count)):
        raise UnsupportedFile(f"{source.name}: a frame has parameters of its own")

    return Video(form, _Frames(source, len(head), count, form.frame_size), "y4m", head)


@dataclass(frozen=True)
class _Frames:
    """The frames of a file whose first line has `start` bytes; the last group has the bytes after the last whole frame."""

    source: Source
    start: int
    count: int
    frame_size: int

    def __call__(self, n: int) -> Iterator[Group]:
        """As in `Groups`."""
        step = len(_FRAME) + self.frame_size
        tail = self.source.read(self.start + self.count * step, step)
        for first in range(0, max(self.count, 1), n):
            last = min(first + n, self.count)
            data = self.source.read(self.start + first * step, (last - first) * step)
            if len(data) != (last - first) * step:
                raise BadInput(f"{self.source.name}: changed while it was read; encode it again")
            view = memoryview(data)
            pixels = b"".join(view[at + len(_FRAME) : at + step] for at in range(0, len(data), step))
            yield Group(pixels, tail if last == self.count else b"")


def parse(head: bytes, name: str) -> Form:
    """The form of the frames by a file's first line, line feed included; raises UnsupportedFile."""
    if not (head.startswith(MAGIC) and head.endswith(b"\n")):
        raise UnsupportedFile(f"{name}: its first line is not that of a Y4M file")
    try:
        words = head[len(MAGIC) : -1].decode("ascii").split(" ")
    except UnicodeDecodeError:
        words = []
    known = {word[:1]: word[1:] for word in words if word[:1] in ("W", "H", "C")}
    colours = known.get("C", "420")
    match = _COLOURS.fullmatch(colours)
    sides = [known.get(letter, "") for letter in "WH"]
    if match is None or any(re.fullmatch("[1-9][0-9]{0,4}", side) is None for side in sides):
        raise UnsupportedFile(f"{name}: frames of {'x'.join(sides)} with the colours {colours!r} are not supported")
    layout, depth = match[1] or match[3] or match[5] or "420", match[2] or match[4] or "8"
    return Form(int(sides[0]), int(sides[1]), _LAYOUTS[layout], int(depth))


def holds(form: Form) -> bool:
    """Whether Y4M has a name for such frames."""
    return form.layout in _LAYOUTS.values() and (form.layout != "444a" or form.depth == 8)


def write(value: Video) -> Iterator[bytes]:
    """The file again, or of a video that came from elsewhere the plainest one; raises BadInput for what Y4M lacks."""
    yield value.head if value.format == "y4m" else head_of(value.form)
    size = value.form.frame_size
    for group in value.groups(1):
        for at in range(0, len(group.pixels), size):
            yield _FRAME
            yield group.pixels[at : at + size]
        if value.format == "y4m":
            yield group.side


def head_of(form: Form) -> bytes:
    """The first line for frames of unknown rate; raises BadInput."""
    if not holds(form):
        raise BadInput(f"Y4M cannot hold frames of layout {form.layout!r} and {form.depth} bits; write .mkv")
    deep = "" if form.depth == 8 else str(form.depth)
    colours = f"mono{deep}" if form.layout == "gray" else _ALPHA if form.layout == "444a" else form.layout + (deep and f"p{deep}")
    return b"%sW%d H%d F25:1 Ip A0:0 C%s\n" % (MAGIC, form.width, form.height, colours.encode())
