"""Video files in and out: Y4M byte for byte, Matroska and AVI through PyAV."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.video import y4m
from lacodec.media.video.value import Video

MATROSKA = b"\x1a\x45\xdf\xa3"


class VideoMedia(Media[Video]):
    """Sequences of frames."""

    name = "video"
    suffixes: ClassVar[Mapping[str, str]] = {".y4m": "y4m", ".mkv": "mkv", ".avi": "avi"}
    quiet = True

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is Y4M, Matroska or AVI."""
        return head.startswith(y4m.MAGIC) or _container(head) is not None

    def accepts(self, value: Any) -> bool:
        """Video."""
        return isinstance(value, Video)

    def from_source(self, source: Source) -> Video:
        """The frames of a file; raises UnsupportedFile if it could not be restored exactly."""
        source = seekable(source)
        head = source.peek(16)
        if container := _container(head):
            from lacodec.media.video import containers

            return containers.read(source, container)
        if not self.sniff(head):
            raise UnsupportedFile(f"{source.name}: is not a Y4M, Matroska or AVI file; use --codec bytes")
        return y4m.read(source)

    def from_object(self, value: Any) -> Video:
        """A Video, a Source or the bytes of a file."""
        if isinstance(value, Video):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        raise BadInput(
            f"a {type(value).__name__} is not a video; pass Video.from_planes(arrays, layout), a path or a file's bytes"
        )

    def to_object(self, value: Video) -> Video:
        """The same with all frames in memory."""
        return replace(value, groups=value.held())

    def to_blocks(self, value: Video, suffix: str = "") -> Iterator[bytes]:
        """The file again, or another format where `suffix` names one."""
        format = self.written(value, suffix)
        if format != "y4m":
            from lacodec.media.video import container_writing

            return container_writing.write(value, format)
        return y4m.write(value)

    def written(self, value: Video, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the video came from."""
        return self.suffixes.get(suffix) or value.format or ("y4m" if y4m.holds(value.form) else "mkv")

    def difference(self, original: Source, restored: Source) -> str | None:
        """Of Matroska and AVI files streams, tags, chapters, times, frames and packets; of others the bytes."""
        if _container(original.peek(16)):
            from lacodec.media.video import containers

            return containers.difference(original, restored)
        return super().difference(original, restored)


def _container(head: bytes) -> str | None:
    """The format of a file that begins so, if it is one that PyAV reads for us."""
    return "mkv" if head.startswith(MATROSKA) else "avi" if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


VIDEO = VideoMedia()
"""The one instance."""
