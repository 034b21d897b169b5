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
from lacodec.codecs.regions import Layout, Lost, Range, total
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.threads import ordered_map
from lacodec.media.video.files import VIDEO
from lacodec.media.video.value import Form, Group, Held, Sound, Video

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


@dataclass(frozen=True)
class _Decoding:
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
        form = value.form
        described: dict[str, Any] = {"size": [form.width, form.height], "layout": form.layout, "depth": form.depth}
        if value.head:
            described["head"] = value.head
        if value.sounds:
            described["sounds"] = [[sound.rate, sound.channels, sound.layout] for sound in value.sounds]
        return described

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
        return ordered_map(
            lambda item: self._chunk(*item, form, value.sounds, session), _numbered(value, frames), session.threads
        )

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Group:
        """The frames of the chunk."""
        from lacodec.codecs.video.lossless._payload import decode_payload

        form, _, sounds = _description(header)
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
        form, head, sounds = _description(header)
        return Video(form, _Decoding(parts, form.frame_size), header.format, head, sounds)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """As `Video` as an array: [frames, samples of a frame]."""
        import numpy as np

        form, _, _ = _description(header)
        dtype = np.dtype(np.uint8 if form.depth == 8 else np.uint16)
        return Layout((total(index), form.frame_size // form.sample_size), dtype)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a range of frames: `key` is a slice with step 1."""
        return Range.of(key, total(index), "a video").chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Group], session: Session = DEFAULT
    ) -> Video:
        """The video of that range."""
        form, _, _ = _description(header)
        size, wanted = form.frame_size, Range.of(key, total(index), "a video")
        pieces = []
        for position, part in zip(self.select(header, index, key), parts, strict=True):
            begin, end = index[position].covers[0]
            both = wanted.within(begin, end)
            pieces.append(part.pixels[(both.start - begin) * size : (both.stop - begin) * size])
        return Video(form, Held(size, b"".join(pieces)))

    def _chunk(self, start: int, group: Group, form: Form, sounds: tuple[Sound, ...], session: Session) -> Chunk:
        from lacodec.codecs.video.lossless._payload import encode_payload

        stop, content = start + len(group.pixels) // form.frame_size, group.content
        payload = encode_payload(group, form, sounds, self.options.effort, session.report)
        return Chunk(CRITICAL, ((start, stop),), payload, content_hash(content), len(content))


def _numbered(value: Video, frames: int) -> Iterator[tuple[int, Group]]:
    """(first frame, group) in order."""
    start = 0
    for group in value.groups(frames):
        yield start, group
        start += len(group.pixels) // value.form.frame_size


def _description(header: Header) -> tuple[Form, bytes, tuple[Sound, ...]]:
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
