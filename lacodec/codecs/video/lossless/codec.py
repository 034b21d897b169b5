"""Codec `video.lossless`: sequences of frames, every sample restored. Y4M files come back byte for byte.

A chunk is a group of frames on one axis. Its content is their samples, what the file has beside
them, then its sounds. `_payload` says how a
chunk is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.video.frames import described, description, numbered
from lacodec.codecs.video.groups import GroupCodec, check_group, covered, frames_of_group, group_field
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.video.value import Form, Group, Sound, Video

_BASE_COST = 640 << 20  # bytes of memory for any group: six pixel models


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    group: int = group_field()

    def __post_init__(self) -> None:
        check_effort(self.effort)
        check_group(self.group)


class VideoLossless(GroupCodec):
    """Video of 8 to 16 bits, gray, YUV or RGB, with an effort from 1 to 9."""

    name = "video.lossless"
    stream_version = 1
    identical = "frames"
    also_identical = ("bytes",)
    by_content = True  # raw and lossless video only: VIDEO refuses all other
    Options = _Options

    def restores(self, value: Video) -> str:
        """Bytes of Y4M files, else frames."""
        return "bytes" if value.format == "y4m" else "frames"

    def metadata(self, value: Video, session: Session = DEFAULT) -> dict[str, Any]:
        """The form of the frames and what the file says besides."""
        return described(value)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Frames in a few copies; the sums, slots and weights of six pixel models; errors of three frames."""
        return 12 * size + _BASE_COST

    def encode(self, value: Video, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per group; a video without frames gives one chunk."""
        form = value.form
        frames = frames_of_group(form, self.options.group)
        return ordered_map(lambda item: self._chunk(*item, form, value.sounds, session), numbered(value, frames), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Group:
        """The frames of the chunk."""
        from lacodec.codecs.video.lossless._payload import decode_payload

        form, _, sounds = description(header)
        start, stop = covered(chunk)
        group = decode_payload(chunk.payload, stop - start, chunk.decoded_size, form, sounds, header, session.report)
        if content_hash(group.content) != chunk.content_hash:
            raise CorruptFile("its frames differ from those that were encoded")
        return group

    def _chunk(self, start: int, group: Group, form: Form, sounds: tuple[Sound, ...], session: Session) -> Chunk:
        from lacodec.codecs.video.lossless._payload import encode_payload

        stop, content = start + len(group.pixels) // form.frame_size, group.content
        payload = encode_payload(group, form, sounds, self.options.effort, session.report)
        return Chunk(CRITICAL, ((start, stop),), payload, content_hash(content), len(content))
