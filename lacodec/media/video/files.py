"""Video files in and out: Y4M byte for byte."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.video import y4m
from lacodec.media.video.value import Video


class VideoMedia(Media[Video]):
    """Sequences of frames."""

    name = "video"
    suffixes = {".y4m": "y4m"}
    quiet = True

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is Y4M."""
        return head.startswith(y4m.MAGIC)

    def accepts(self, value: Any) -> bool:
        """Video."""
        return isinstance(value, Video)

    def from_source(self, source: Source) -> Video:
        """The frames of a file; raises UnsupportedFile if it could not be restored exactly."""
        source = seekable(source)
        if not self.sniff(source.peek(16)):
            raise UnsupportedFile(f"{source.name}: is not a video file that is read here; use --codec bytes")
        return y4m.read(source)

    def from_object(self, value: Any) -> Video:
        """A Video, a Source or the bytes of a file."""
        if isinstance(value, Video):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        raise BadInput(f"a {type(value).__name__} is not a video; pass Video.from_planes(arrays, layout), a path or a file's bytes")

    def to_object(self, value: Video) -> Video:
        """The same with all frames in memory."""
        return replace(value, groups=value.held())

    def to_blocks(self, value: Video, suffix: str = "") -> Iterator[bytes]:
        """The file again, or another format where `suffix` names one."""
        return y4m.write(value)

    def written(self, value: Video, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the video came from."""
        return self.suffixes.get(suffix) or value.format or "y4m"


VIDEO = VideoMedia()
"""The one instance."""
