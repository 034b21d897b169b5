"""Codec `video.learned`: video with loss, by the networks of image.learned and a model of latents that learns while it codes.

A chunk is a group of frames, which decodes alone. Its content is the samples that are decoded (the same on every machine), then
what the file has beside them, then its sounds; those two are kept exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lacodec.codecs.options import unusual
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.video.frames import described, description, numbered
from lacodec.codecs.video.groups import GroupCodec, check_group, covered, frames_of_group, group_field
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, MissingModel
from lacodec.media.video.value import Form, Group, Video

if TYPE_CHECKING:
    from lacodec.codecs.model_files import LoadedModel
    from lacodec.codecs.video.learned._group import Manner

_STEPS = 100  # quality is stored in these parts
_CHROMA_PARTS = 64
_CHROMA = 48  # weight of chroma, in these parts: level for 6:1:1 PSNR, 5 % fewer bits at equal PSNR of Y (synthetic clips)
_SOUND_EFFORT = 5


@dataclass(frozen=True)
class _Options:
    quality: float = field(default=50.0, metadata={"help": "any number from 1 (smallest) to 100 (best)"})
    profile: str = field(default="small", metadata={"help": "one of the image models that come with lacodec"})
    model: str | None = field(default=None, metadata={"help": "an image model of your own (lacodec train image writes them)"})
    target_kbps: float | None = field(
        default=None, metadata={"help": "choose the quality that gives the first group so many kilobits a second"}
    )
    group: int = group_field()

    def __post_init__(self) -> None:
        if isinstance(self.quality, bool) or not isinstance(self.quality, int | float) or not 1 <= self.quality <= 100:
            raise BadInput(f"quality is {self.quality!r}; give a number from 1 to 100")
        check_group(self.group)
        target = self.target_kbps
        if target is not None and (isinstance(target, bool) or not isinstance(target, int | float) or not 0 < target < 1e7):
            raise BadInput(f"target_kbps is {target!r}; give kilobits a second, above 0")


class LearnedVideo(GroupCodec):
    """Video with loss, at a quality from 1 to 100."""

    name = "video.learned"
    stream_version = 0
    identical = "none"
    Options = _Options

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def options_dict(self) -> dict[str, Any]:
        """The requested options, without paths; the quality is in the metadata."""
        return unusual(self.options, ("model", "quality"))

    def metadata(self, value: Video, session: Session = DEFAULT) -> dict[str, Any]:
        """The form of the frames and what the file says besides; hundredths of the quality, 64ths of the weight of chroma."""
        if value.form.layout.endswith("a"):
            raise BadInput("video.learned does not code transparency; use video.lossless, or convert it to a format without")
        quality, chroma = self._quality(value, session), _CHROMA
        return {**described(value), "q": [quality, chroma]}

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        try:
            quality, _ = _quality_of(header)
        except CorruptFile:  # decoding will report it
            return header.metadata
        return {"quality": quality / _STEPS, **{key: value for key, value in header.metadata.items() if key != "q"}}

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Activations of the networks for a frame, the model, and decoded frames."""
        return 200 * size + (384 << 20)

    def encode(self, value: Video, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per group, one after another and in the caller's thread: networks use torch's own threads."""
        form, quality = value.form, self._quality(value, session)
        manner = _manner(self._model(), form, quality, _CHROMA)
        frames = frames_of_group(form, self.options.group)
        for start, group in numbered(value, frames):
            yield self._chunk(start, group, manner, value, session)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Group:
        """The frames of the chunk."""
        form, _, sounds = description(header)
        quality, chroma = _quality_of(header)
        if form.layout.endswith("a"):
            raise CorruptFile("the header describes frames with transparency, which this codec does not have")
        start, stop = covered(chunk)
        from lacodec.codecs.fields import Reader
        from lacodec.codecs.video.beside import read_beside
        from lacodec.codecs.video.learned._group import decode_group

        reader = Reader(chunk.payload, 0)
        beside = read_beside(reader, chunk.decoded_size - (stop - start) * form.frame_size, sounds, header)
        manner, stream = _manner(_model_of(header, session), form, quality, chroma), bytes(reader.rest())
        if stop == start and stream:
            raise CorruptFile("it has a stream but no frames")
        planes = decode_group(stream, stop - start, manner, session.report) if stop > start else []
        group = Group(form.pixels(planes) if planes else b"", *beside)
        if content_hash(group.content) != chunk.content_hash:
            raise CorruptFile("its frames differ from those that were encoded")
        return group

    def _chunk(self, start: int, group: Group, manner: "Manner", value: Video, session: Session) -> Chunk:
        from lacodec.codecs.fields import Writer
        from lacodec.codecs.video.beside import write_beside
        from lacodec.codecs.video.learned._group import encode_group

        form, out = value.form, Writer()
        write_beside(out, group, value.sounds, _SOUND_EFFORT)
        count, pixels = len(group.pixels) // form.frame_size, b""
        if count:
            stream, planes = encode_group(form.planes(group.pixels), manner, session.report)
            out.write(stream)
            pixels = form.pixels(planes)
        content = Group(pixels, group.side, group.sounds).content
        return Chunk(CRITICAL, ((start, start + count),), out.data, content_hash(content), len(content))

    def _model(self) -> "LoadedModel":
        from lacodec.codecs import model_files

        return model_files.chosen(self.options.profile, self.options.model)

    def _quality(self, value: Video, session: Session) -> int:
        """In hundredths: the quality of the options, or the one that reaches their target."""
        target = self.options.target_kbps
        if target is None:
            return round(self.options.quality * _STEPS)

        def find() -> tuple[Video, int]:  # the video is kept, so that no other one can have its id meanwhile
            from lacodec.codecs.video.learned._target import find_quality

            model = self._model()
            return value, find_quality(value, target, self.options.group, lambda q: _manner(model, value.form, q, _CHROMA))

        return int(session.once((self, id(value)), find)[1])


def _manner(model: "LoadedModel", form: Form, quality: int, chroma: int) -> "Manner":
    from lacodec.codecs.video.learned._group import Manner

    return Manner(model.network, form, (quality / _STEPS - 1) / 99, chroma / _CHROMA_PARTS)


def _model_of(header: Header, session: Session) -> "LoadedModel":
    if header.model_id is None:
        raise CorruptFile("the header does not name the model that the video needs")
    from lacodec.codecs import model_files

    try:
        return model_files.by_id(header.model_id, "cpu")
    except MissingModel as error:
        raise MissingModel(f"{header.name or 'this video'}: {error}") from error


def _quality_of(header: Header) -> tuple[int, int]:
    """Hundredths of the quality, 64ths of the weight of chroma; raises CorruptFile."""
    facts = header.metadata.get("q")
    if not isinstance(facts, list) or len(facts) != 2 or any(type(n) is not int for n in facts):
        raise CorruptFile("the header lacks the quality of the video")
    if not (_STEPS <= facts[0] <= 100 * _STEPS and 1 <= facts[1] <= 4 * _CHROMA_PARTS):
        raise CorruptFile("the header gives an impossible quality for the video")
    return facts[0], facts[1]
