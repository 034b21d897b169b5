"""Codec `video.lossless`: sequences of frames, every sample restored. Y4M files come back byte for byte.

A chunk is a group of frames on one axis. Its content is their samples, what the file has beside
them, then its sounds. `_payload` says how a
chunk is stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.regions import Layout, Range, total
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.video.frames import Decoding, described, description, numbered, part_of
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import Form, Group, Sound, Video

_GROUP, _MAX_GROUP = 48, 1024
_MOST = 48 << 20  # bytes of frames in a group: the rest of 64 MiB is for what is beside them
_BASE_COST = 640 << 20  # bytes of memory for any group: six pixel models


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    group: int = field(
        default=_GROUP,
        metadata={"help": f"frames that are coded together, 1 to {_MAX_GROUP}: reading one decodes its whole group"},
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        if isinstance(self.group, bool) or not isinstance(self.group, int) or not 1 <= self.group <= _MAX_GROUP:
            raise BadInput(f"group must be a whole number from 1 to {_MAX_GROUP}, not {self.group!r}")


class VideoLossless(Codec[Video]):
    """Video of 8 to 16 bits, gray, YUV or RGB, with an effort from 1 to 9."""

    name = "video.lossless"
    stream_version = 1
    identical = "frames"
    also_identical = ("bytes",)
    media = VIDEO
    by_content = True  # raw and lossless video only: VIDEO refuses all other
    nested: ClassVar[dict[str, int]] = {"bytes": 2, "audio.lossless": 1}
    Options = _Options

    def restores(self, value: Video) -> str:
        """Bytes of Y4M files, else frames."""
        return "bytes" if value.format == "y4m" else "frames"

    def metadata(self, value: Video, session: Session = DEFAULT) -> dict[str, Any]:
        """The form of the frames and what the file says besides."""
        return described(value)

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

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Frames in a few copies; the sums, slots and weights of six pixel models; errors of three frames."""
        return 12 * size + _BASE_COST

    def encode(self, value: Video, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per group; a video without frames gives one chunk."""
        form = value.form
        frames = max(1, min(self.options.group, _MOST // form.frame_size))
        return ordered_map(lambda item: self._chunk(*item, form, value.sounds, session), numbered(value, frames), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Group:
        """The frames of the chunk."""
        from lacodec.codecs.video.lossless._payload import decode_payload

        form, _, sounds = description(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it does not cover a range of frames")
        start, stop = chunk.covers[0]
        if stop - start > _MAX_GROUP:
            raise CorruptFile(f"it covers {stop - start} frames, more than {_MAX_GROUP}")
        group = decode_payload(chunk.payload, stop - start, chunk.decoded_size, form, sounds, header, session.report)
        if content_hash(group.content) != chunk.content_hash:
            raise CorruptFile("its frames differ from those that were encoded")
        return group

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

    def _chunk(self, start: int, group: Group, form: Form, sounds: tuple[Sound, ...], session: Session) -> Chunk:
        from lacodec.codecs.video.lossless._payload import encode_payload

        stop, content = start + len(group.pixels) // form.frame_size, group.content
        payload = encode_payload(group, form, sounds, self.options.effort, session.report)
        return Chunk(CRITICAL, ((start, stop),), payload, content_hash(content), len(content))
