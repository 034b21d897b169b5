"""`GroupCodec`, the base of codecs of video: groups of frames on one axis, each a chunk that decodes alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Layout, Range, total
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.video.frames import Decoding, description, part_of
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import Form, Group, Video

_GROUP, _MAX_GROUP = 48, 1024
_MOST = 48 << 20  # bytes of frames in a group: the rest of 64 MiB is for what is beside them


def group_field() -> int:
    """The option `group`."""
    text = f"frames that are coded together, 1 to {_MAX_GROUP}: reading one decodes its whole group"
    found: int = field(default=_GROUP, metadata={"help": text})
    return found


def check_group(group: object) -> None:
    """Raises BadInput unless it is a number of frames."""
    if isinstance(group, bool) or not isinstance(group, int) or not 1 <= group <= _MAX_GROUP:
        raise BadInput(f"group must be a whole number from 1 to {_MAX_GROUP}, not {group!r}")


def frames_of_group(form: Form, wanted: int) -> int:
    """As many as are wanted, or as memory allows."""
    return max(1, min(wanted, _MOST // form.frame_size))


def covered(chunk: Chunk) -> tuple[int, int]:
    """The frames of a chunk, as a range; raises CorruptFile."""
    if chunk.kind != CRITICAL or len(chunk.covers) != 1:
        raise CorruptFile("it does not cover a range of frames")
    start, stop = chunk.covers[0]
    if stop - start > _MAX_GROUP:
        raise CorruptFile(f"it covers {stop - start} frames, more than {_MAX_GROUP}")
    return start, stop


class GroupCodec(Codec[Video]):
    """What does not depend on how frames are coded."""

    media = VIDEO
    nested: ClassVar[dict[str, int]] = {"bytes": 2, "audio.lossless": 1}

    @classmethod
    def samples(cls) -> list[Any]:
        """Three frames in which something moves."""
        import numpy as np

        t, y, x = np.mgrid[0:3, 0:24, 0:32]
        moving = ((x - t) ** 2 // 9 + (y + 2 * t) ** 2 // 7 + 5 * (x % 3)) % 251
        return [Video.from_planes([moving, moving[:, ::2, ::2] // 2, moving[:, ::2, 1::2] // 3], "420")]

    def chunk_size(self) -> int:
        """The largest group."""
        return _MOST

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Video:
        """A Video that decodes while it is read."""
        form, head, sounds = description(header)
        return Video(form, Decoding(parts, form.frame_size), header.format, head, sounds)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """As `Video` as an array: [frames, samples of a frame]."""
        import numpy as np

        form, _, _ = description(header)
        dtype = np.dtype(np.uint8 if form.depth == 8 else np.uint16)
        return Layout((total(index), form.frame_size // form.sample_size), dtype)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a range of frames: `key` is a slice with step 1."""
        return Range.of(key, total(index), "a video").chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Group], session: Session = DEFAULT
    ) -> Video:
        """The video of that range."""
        form, _, _ = description(header)
        return part_of(form, total(index), index, key, self.select(header, index, key), parts)
