"""Codec `image.walloc`: pictures with loss, by an encoder cheap enough for sensors, and latents that networks can learn from.

    pixels --wavelet packet, one matrix, companding--> int8 latents --codec features--> chunks
    chunks --> latents --one matrix, wavelet packet--> pixels

A chunk has a rectangle of latents, all channels. The content hash is of the latents; pixels may differ by one between machines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import walloc
from lacodec.codecs.base import Codec
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded
from lacodec.io.threads import ordered_map
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.value import MAX_SIDE, Image, Unread

if TYPE_CHECKING:
    import numpy as np

    from lacodec.models.walloc.transform import Latents, Transform

_KIND = "image"
_SIDE = 1 << 10  # pixels of a chunk, a side
_MOST_PIXELS = 1 << 28


@dataclass(frozen=True)
class _Options:
    profile: str = field(default="16x", metadata={"help": "16x or 4x: how many values of the picture become one latent"})
    model: str | None = field(default=None, metadata={"help": "a model file of your own (lacodec train walloc writes them)"})
    step: float | None = field(default=None, metadata={"help": "of latents, in the model's steps (default: by what is left out)"})

    def __post_init__(self) -> None:
        walloc.check_step(self.step)


@dataclass(frozen=True)
class _Part:
    """Latents i8[K, rows, columns] from a place on."""

    row: int
    column: int
    latents: "Latents"


class WallocImage(Codec[Image]):
    """Gray and RGB pictures with loss; 8-bit latents for networks (`latents`)."""

    name = "image.walloc"
    stream_version = 0
    identical = "none"
    media = PHOTOS
    nested: ClassVar[Mapping[str, int]] = walloc.NESTED
    Options = _Options

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def options_dict(self) -> dict[str, Any]:
        """Those that differ from the defaults, without paths."""
        return unusual(self.options, ("model",))

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Height, width, channels; the latents' step in sixteenths of the model's; colour profile and the like."""
        described: dict[str, Any] = {"shape": list(value.pixels.shape), "step": self._latents(value, session)[1]}
        if value.extras:
            described["extras"] = [list(item) for item in value.extras]
        return described

    def chunk_size(self) -> int:
        """A square of RGB."""
        return 3 * _SIDE * _SIDE

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Single-precision bands, a few at a time; coding of the latents."""
        return 40 * size + (64 << 20)

    def encode(self, value: Image, session: Session = DEFAULT) -> Iterator[Chunk]:
        """The latents of the whole picture, then chunks of them."""
        model, (height, width, channels) = self._model(), value.pixels.shape
        latents, step = self._latents(value, session)[0], max(1, _SIDE // model.side)

        def chunk(place: tuple[int, int]) -> Chunk:
            row, column = place
            part = latents[:, row : row + step, column : column + step]
            (top, left), (bottom, right) = (model.side * row, model.side * column), (model.side * (n + step) for n in place)
            covers = ((top, min(bottom, height)), (left, min(right, width)))
            size = (covers[0][1] - top) * (covers[1][1] - left) * channels
            return Chunk(CRITICAL, covers, walloc.encode(part, session), content_hash(part.tobytes()), size)

        places = [(row, column) for row in range(0, latents.shape[1], step) for column in range(0, latents.shape[2], step)]
        return ordered_map(chunk, places, session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """Its latents."""
        (height, width, channels), model = _shape(header), _model_of(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 2:
            raise CorruptFile("it is not a part of a picture")
        (top, bottom), (left, right) = chunk.covers
        possible = _is_side(top, bottom, height, model.side) and _is_side(left, right, width, model.side)
        if not possible or (bottom - top) * (right - left) * channels != chunk.decoded_size:
            raise CorruptFile("its place is not that of a part of the picture")
        sizes = (-(-(stop - start) // model.side) for start, stop in chunk.covers)
        latents = walloc.decode(chunk.payload, (model.channels, *sizes), header, session)
        if content_hash(latents.tobytes()) != chunk.content_hash:
            raise CorruptFile("its latents differ from those that were encoded")
        return _Part(top // model.side, left // model.side, latents)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; lost parts are gray."""
        import numpy as np

        (height, width, channels), model = _shape(header), _model_of(header)
        if height * width > _MOST_PIXELS:
            raise LimitExceeded(f"{width}x{height} pixels do not fit into memory")
        latents = np.zeros((model.channels, -(-height // model.side), -(-width // model.side)), np.int8)
        covered, lost = 0, False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            _, rows, columns = part.latents.shape
            latents[:, part.row : part.row + rows, part.column : part.column + columns] = part.latents
            covered += rows * columns
        if covered != latents[0].size and not lost:
            raise CorruptFile("its parts do not cover the picture exactly")
        rgb = model.values(latents, walloc.step_of(header))[:, :height, :width] + 128
        shown = rgb.mean(axis=0, keepdims=True) if channels == 1 else rgb
        pixels = np.clip(np.rint(shown), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        return _picture_of(header, np.ascontiguousarray(pixels))

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""
        import numpy as np

        return _picture_of(header, Unread(_shape(header), np.uint8, "this is only its description"))

    def latents(self, pixels: Any) -> "Latents":
        """i8[K, rows, columns] of a picture u8[height, width, 1 or 3]: what the file stores, to learn from."""
        return self._latents(self.media.from_object(pixels), DEFAULT)[0]

    def _latents(self, value: Image, session: Session) -> "tuple[Latents, int]":
        """And their step in sixteenths of the model's; found once in a session."""

        def made() -> "tuple[tuple[Latents, int], Image]":
            return latents_of(value.pixels, self._model(), walloc.in_sixteenths(self.options.step)), value

        return session.once((type(self), self.options, id(value)), made)[0]

    def _model(self) -> "Transform":
        return walloc.chosen(_KIND, self.options.profile, self.options.model)


def latents_of(pixels: "np.ndarray", model: "Transform", step: int | None) -> "tuple[Latents, int]":
    """i8[K, rows, columns] of u8[height, width, 1 or 3], and their step; raises BadInput for pictures with alpha."""
    import numpy as np

    if pixels.shape[2] not in (1, 3):
        raise BadInput("codec image.walloc does not code alpha; remove it, or use image.learned")
    planes = pixels.transpose(2, 0, 1).astype(np.float32) - 128
    return model.latents(np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:]))), step)


def _is_side(start: int, stop: int, size: int, side: int) -> bool:
    """Whether a chunk may have these rows or columns of a picture."""
    return 0 <= start < stop <= min(size, start + max(_SIDE, side)) and not start % side and (stop == size or not stop % side)


def _picture_of(header: Header, pixels: Any) -> Image:
    extras = tuple((str(key), bytes(body)) for key, body in header.metadata.get("extras", ()))
    return Image(pixels, 8, None, extras, header.format)


def _model_of(header: Header) -> "Transform":
    return walloc.by_id(_KIND, header.model_id or b"")


def _shape(header: Header) -> tuple[int, int, int]:
    shape = header.metadata.get("shape")
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(n) is int and 0 < n <= MAX_SIDE for n in shape):
        raise CorruptFile("the header does not give the shape of the picture")
    if shape[2] not in (1, 3):
        raise CorruptFile("the header gives an impossible number of channels")
    return shape[0], shape[1], shape[2]
