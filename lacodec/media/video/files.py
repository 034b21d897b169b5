"""Video files in and out: Y4M byte for byte, Matroska through PyAV."""

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
    suffixes: ClassVar[Mapping[str, str]] = {".y4m": "y4m", ".mkv": "mkv"}
    quiet = True

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is Y4M or Matroska."""
        return head.startswith((y4m.MAGIC, MATROSKA))

    def accepts(self, value: Any) -> bool:
        """Video."""
        return isinstance(value, Video)

    def from_source(self, source: Source) -> Video:
        """The frames of a file; raises UnsupportedFile if it could not be restored exactly."""
        source = seekable(source)
        head = source.peek(16)
        if head.startswith(MATROSKA):
            from lacodec.media.video import matroska

            return matroska.read(source)
        if not self.sniff(head):
            raise UnsupportedFile(f"{source.name}: is not a Y4M or Matroska file; use --codec bytes")
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
        if self.written(value, suffix) == "mkv":
            from lacodec.media.video import matroska

            return matroska.write(value)
        return y4m.write(value)

    def written(self, value: Video, suffix: str) -> str:
        """The format of the file that `to_blocks` gives: the one of `suffix`, else the one that the video came from."""
        return self.suffixes.get(suffix) or value.format or ("mkv" if value.form.layout == "rgb" else "y4m")

    def difference(self, original: Source, restored: Source) -> str | None:
        """Of Matroska files streams, tags, times, frames and packets; of others the bytes."""
        if original.peek(4) == MATROSKA:
            from lacodec.media.video import matroska

            return matroska.difference(original, restored)
        return super().difference(original, restored)


VIDEO = VideoMedia()
"""The one instance."""
