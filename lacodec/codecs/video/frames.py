"""What codecs of video share: the description of frames in a header, numbered groups, videos that decode while they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lacodec.codecs.regions import Lost, Range
from lacodec.container.types import ChunkHead, Header
from lacodec.errors import CorruptFile, LacodecError
from lacodec.media.video.value import Form, Group, Held, Sound, Video


@dataclass(frozen=True)
class Decoding:
    """The groups of a video that decodes while it is read; black frames stand for lost ones that are known."""

    parts: Iterator[Any]
    frame_size: int

    def __call__(self, n: int) -> Iterator[Group]:
        """As in `Groups`, as many at a time as were encoded."""
        for part in self.parts:
            if isinstance(part, Lost):
                yield from (Group(pixels) for pixels in part.filled(bytes(self.frame_size)))
            else:
                yield part


def described(value: Video) -> dict[str, Any]:
    """The form of the frames and what the file says besides."""
    form = value.form
    found: dict[str, Any] = {"size": [form.width, form.height], "layout": form.layout, "depth": form.depth}
    if value.head:
        found["head"] = value.head
    if value.sounds:
        found["sounds"] = [[sound.rate, sound.channels, sound.layout] for sound in value.sounds]
    return found


def part_of(
    form: Form, frames: int, index: Sequence[ChunkHead], key: Any, positions: Sequence[int], parts: Sequence[Group]
) -> Video:
    """The range `key` of so many frames, out of the parts of the chunks at these positions in the index."""
    size, wanted, pieces = form.frame_size, Range.of(key, frames, "a video"), []
    for position, part in zip(positions, parts, strict=True):
        begin, end = index[position].covers[0]
        both = wanted.within(begin, end)
        pieces.append(part.pixels[(both.start - begin) * size : (both.stop - begin) * size])
    return Video(form, Held(size, b"".join(pieces)))


def numbered(value: Video, frames: int) -> Iterator[tuple[int, Group]]:
    """(first frame, group) in order."""
    start = 0
    for group in value.groups(frames):
        yield start, group
        start += len(group.pixels) // value.form.frame_size


def description(header: Header) -> tuple[Form, bytes, tuple[Sound, ...]]:
    """(form of the frames, head, sounds) out of the header; raises CorruptFile if they are invalid."""
    size, layout, depth, head, sounds = (header.metadata.get(name) for name in ("size", "layout", "depth", "head", "sounds"))
    sides = size if isinstance(size, list) and len(size) == 2 else [None]
    if any(type(number) is not int for number in (*sides, depth)) or not isinstance(layout, str):
        raise CorruptFile("the header does not describe the frames")
    if not isinstance(head, bytes | None):
        raise CorruptFile("the header does not describe the file's head")
    try:
        return Form(sides[0], sides[1], layout, depth), head or b"", _sounds(sounds or [])  # type: ignore[arg-type]
    except LacodecError as error:
        raise CorruptFile(f"the header describes impossible frames or sound ({error})") from error


def _sounds(listed: Any) -> tuple[Sound, ...]:
    entries = listed if isinstance(listed, list) else [None]
    if not all(isinstance(entry, list) and [type(field) for field in entry] == [int, int, str] for entry in entries):
        raise CorruptFile("the header does not describe the sound")
    return tuple(Sound(rate, channels, layout) for rate, channels, layout in entries)  # type: ignore[misc]
