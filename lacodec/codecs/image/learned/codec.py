"""Codec `image.learned`: pictures with loss, by networks that come out the same on every machine.

    pixels --analysis--> latents --entropy networks (exact) + rANS--> tiles --> latents --synthesis--> pixels

A tile (of 1024 pixels a side by default) is a chunk: one rANS stream (`tiles`), and alpha as in image.lossless. Tiles decode
alone, to latents; synthesis then sees latents across their borders, without seams. The content hash is of the integer latents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lacodec.codecs.base import Codec
from lacodec.codecs.image.learned import boxes
from lacodec.codecs.options import TILE_HELP, check_effort, check_tile, effort_field, unusual
from lacodec.codecs.regions import Layout, Lost, Window
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded, MissingModel
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.value import MAX_SIDE, Image, Unread

if TYPE_CHECKING:
    from lacodec.codecs.image.learned.quality import Quality
    from lacodec.codecs.image.learned.tiles import Part
    from lacodec.codecs.model_files import LoadedModel

_SIDE = 1024  # pixels of a tile, at most
_GRID = 64  # tiles begin at its multiples, where a hyper-latent begins
_STEPS = 100  # quality is stored in these parts


@dataclass(frozen=True)
class _Options:
    quality: float = field(default=50.0, metadata={"help": "any number from 1 (smallest) to 100 (best)"})
    effort: int = effort_field()
    profile: str = field(default="free", metadata={"help": "one of the models that come with lacodec"})
    model: str | None = field(default=None, metadata={"help": "a model file of your own (lacodec train writes them)"})
    regions: str | tuple[tuple[int, int, int, int], ...] | None = field(
        default=None,
        metadata={"help": "rows and columns that have this quality, as '40:200,100:260'; several with spaces between"},
    )
    background: float = field(default=15.0, metadata={"help": "the quality around regions"})
    target_bpp: float | None = field(default=None, metadata={"help": "choose the quality that gives this many bits per pixel"})
    target_psnr: float | None = field(default=None, metadata={"help": "choose the lowest quality that reaches this many dB"})
    progressive: bool = field(default=False, metadata={"help": "any beginning of the file decodes, with less detail"})
    tile: int = field(default=_SIDE, metadata={"help": f"{TILE_HELP}, a multiple of {_GRID}"})

    def __post_init__(self) -> None:
        for name, quality in (("quality", self.quality), ("background", self.background)):
            if isinstance(quality, bool) or not isinstance(quality, int | float) or not 1 <= quality <= 100:
                raise BadInput(f"{name} is {quality!r}; give a number from 1 to 100")
        object.__setattr__(self, "regions", boxes.parsed(self.regions))
        check_effort(self.effort)
        check_tile(self.tile, _GRID)
        targets = [t for t in (self.target_bpp, self.target_psnr) if t is not None]
        if len(targets) > 1 or not all(isinstance(t, int | float) and 0 < t < 1000 for t in targets):
            raise BadInput("give only one target, above 0: target_bpp in bits per pixel or target_psnr in dB")


class LearnedImage(Codec[Image]):
    """Pictures with loss, at a quality from 1 to 100."""

    name = "image.learned"
    stream_version = 0
    identical = "none"
    media = PHOTOS
    nested: ClassVar[Mapping[str, int]] = {"image.lossless": 1, "bytes": 2}
    Options = _Options

    def nested_in(self, value: Image) -> Mapping[str, int]:
        """Only alpha is coded by other codecs."""
        return self.nested if value.pixels.shape[2] in (2, 4) else {}

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def options_dict(self) -> dict[str, Any]:
        """The requested options, without paths; the quality is in the metadata."""
        return unusual(self.options, ("model", "quality", "regions", "background"))

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Height, width, channels, the quality in hundredths, 1 if progressive; colour profile and the like."""
        described: dict[str, Any] = {"q": [*value.pixels.shape, self._quality(value, session), *[1] * self.options.progressive]}
        if self.options.regions:
            described["regions"] = [self._background(), self._regions(value)]
        if value.extras:
            described["extras"] = [list(item) for item in value.extras]
        return described

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        rest = {key: value for key, value in header.metadata.items() if key not in ("q", "regions")}
        try:
            described = {"shape": list(_shape(header)), "quality": _quality(header) / _STEPS}
            if found := boxes.of_header(header, _shape(header)):
                described |= {"background": found[0] / _STEPS, "regions": boxes.as_texts(found[1], _shape(header))}
            return {**described, **({"progressive": True} if _is_progressive(header) else {}), **rest}
        except CorruptFile:  # decoding will report it
            return header.metadata

    def chunk_size(self) -> int:
        """A tile of RGBA."""
        return _SIDE * _SIDE * 4

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Activations of the networks for a tile, and the model; encoding with refinement also keeps those of both slopes.

        Decoding: with synthesis, which follows when all tiles are there (measured: 360 MB for 768x512, 690 for 2000x1500).
        """
        if payload is not None:
            return 160 * size + (256 << 20)
        return 180 * size + (384 << 20) if self.options.effort >= 4 else 100 * size + (256 << 20)

    def encode(self, value: Image, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per tile, one after another and in the caller's thread: networks use torch's own threads.

        Without this, every thread that ever encoded a tile would leave memory in the C library's heap.
        """
        from lacodec.codecs.image.learned.refine import searched
        from lacodec.codecs.image.learned.tiles import Picture, encode_tile

        qualities = _made(self._quality(value, session), self._background(), self._regions(value))
        picture = Picture(self._model().network, value.pixels, qualities)
        effort, progressive = self.options.effort, self.options.progressive

        def tile(place: tuple[int, int, int, int]) -> Chunk:
            top, bottom, left, right = place
            payload, content = encode_tile(picture, place, searched(picture, place, effort), session, progressive)
            size = (bottom - top) * (right - left) * value.pixels.shape[2]
            return Chunk(CRITICAL, ((top, bottom), (left, right)), payload, content_hash(content), size)

        return map(tile, _places(value.pixels.shape, self.options.tile))

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> "Part":
        """The latents of a tile, and its alpha."""
        shape = _shape(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 2:
            raise CorruptFile("it is not a tile of an image")
        (top, bottom), (left, right) = chunk.covers
        if not (_is_side(top, bottom, shape[0]) and _is_side(left, right, shape[1])):
            raise CorruptFile("its tile is outside the image, or is not one of its tiles")
        if chunk.decoded_size != (bottom - top) * (right - left) * shape[2]:
            raise CorruptFile("its decoded size contradicts the tile it covers")
        from lacodec.codecs.image.learned.tiles import decode_segments, decode_tile

        network, quality = _model_of(header, session).network, _qualities(header)
        if _is_progressive(header):
            part, content = decode_segments(network, chunk, shape[2], quality, header, session)
        else:
            part, content = decode_tile(network, chunk.payload, (top, bottom, left, right), shape[2], quality, header, session)
        if not chunk.cut and content_hash(content) != chunk.content_hash:
            raise CorruptFile("its latents differ from those that were encoded")
        return part

    def beginning(self, header: Header, chunk: Chunk) -> str | None:
        """How many segments of a progressive tile are there."""
        if not _is_progressive(header):
            return None
        from lacodec.codecs.image.learned.segments import front_of

        try:
            front = front_of(chunk.payload, _shape(header)[2] in (2, 4))
        except CorruptFile:
            return None
        there = len(front.segments(chunk.payload))
        if not there or len(chunk.payload) >= front.size:  # nothing is left, or it is damaged and not cut off
            return None
        return f"it ends after {there} of {len(front.sizes)} segments: a picture with less detail"

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; lost tiles are black."""
        height, width, _ = shape = _shape(header)
        from lacodec.codecs.image.learned.tiles import Canvas

        network = _model_of(header, session).network
        try:
            canvas = Canvas(network, shape, (0, height, 0, width), _qualities(header))
        except (MemoryError, RuntimeError, ValueError) as error:
            raise LimitExceeded(f"{width}x{height} pixels do not fit into memory") from error
        covered, lost = 0, False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            canvas.put(part)
            lost |= not part.whole  # the file ends here: the tiles after it are lost
            covered += (part.bottom - part.top) * (part.right - part.left)
        if covered != height * width and not lost:
            raise CorruptFile("the tiles do not cover the image exactly")
        return _picture_of(header, canvas.pixels())

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""
        return _picture_of(header, Unread(_shape(header), np.uint8, "this is only its description"))

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Pixels[height, width, channels]."""
        return Layout(_shape(header), np.dtype(np.uint8), axes=2)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Tiles that a key such as [100:200, 50:80] touches, and those whose latents its pixels depend on."""
        from lacodec.codecs.image.learned.tiles import margin

        return Window.of(key, _shape(header)).chunks(index, margin(_model_of(header, DEFAULT).network))

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> np.ndarray:
        """The pixels of the window, uint8[rows, columns, channels]."""
        from lacodec.codecs.image.learned.tiles import Canvas

        shape = _shape(header)
        window = Window.of(key, shape)
        if 0 in window.shape:
            return np.zeros((*window.shape, shape[2]), np.uint8)
        place = (window.rows.start, window.rows.stop, window.columns.start, window.columns.stop)
        canvas = Canvas(_model_of(header, session).network, shape, place, _qualities(header))
        for part in parts:
            canvas.put(part)
        return canvas.pixels()

    def _model(self) -> "LoadedModel":
        from lacodec.codecs import model_files

        return model_files.chosen(self.options.profile, self.options.model)

    def _background(self) -> int:
        """In hundredths."""
        return round(self.options.background * _STEPS)

    def _regions(self, value: Image) -> list[list[int]]:
        """Boxes of latents."""
        given = self.options.regions
        return boxes.in_latents(given, value.pixels.shape) if isinstance(given, tuple) else []

    def _quality(self, value: Image, session: Session) -> int:
        """In hundredths: the quality of the options, or the one that reaches their target."""
        if self.options.target_bpp is None and self.options.target_psnr is None:
            return round(self.options.quality * _STEPS)

        def find() -> tuple[Image, int]:  # the picture is kept, so that no other one can have its id meanwhile
            from lacodec.codecs.image.learned.target import Target, find_quality

            quality = _made(_STEPS, self._background(), self._regions(value))
            target = Target(self._model().network, value.pixels, self.options.target_bpp, self.options.target_psnr, quality)
            return value, find_quality(target, self.options.effort)

        return int(session.once((self, id(value)), find)[1])


def _picture_of(header: Header, pixels: Any) -> Image:
    """The picture with these pixels, or a stand-in."""
    extras = tuple((str(key), bytes(body)) for key, body in header.metadata.get("extras", ()))
    return Image(pixels, 8, None, extras, header.format)


def _model_of(header: Header, session: Session) -> "LoadedModel":
    if header.model_id is None:
        raise CorruptFile("the header does not name the model that the image needs")
    from lacodec.codecs import model_files

    try:
        return model_files.by_id(header.model_id, session.device)
    except MissingModel as error:
        raise MissingModel(f"{header.name or 'this image'}: {error}") from error


def _made(quality: int, around: int, regions: Sequence[Sequence[int]]) -> "Quality":
    """From hundredths, and boxes of latents."""
    from lacodec.codecs.image.learned.quality import Quality

    found = tuple((top, bottom, left, right) for top, bottom, left, right in regions)
    return Quality((quality / _STEPS - 1) / 99, (around / _STEPS - 1) / 99, found)


def _qualities(header: Header) -> "Quality":
    around, regions = boxes.of_header(header, _shape(header)) or (_STEPS, [])
    return _made(_quality(header), around, regions)


def _quality(header: Header) -> int:
    return _facts(header)[3]


def _is_progressive(header: Header) -> bool:
    return _facts(header)[4] == 1


def _shape(header: Header) -> tuple[int, int, int]:
    return _facts(header)[:3]


def _facts(header: Header) -> tuple[int, int, int, int, int]:
    """Height, width, channels, the quality in hundredths, 1 if progressive or 0."""
    facts, limits = header.metadata.get("q"), (MAX_SIDE, MAX_SIDE, 4, 100 * _STEPS, 1)
    if not isinstance(facts, list) or len(facts) not in (4, 5):
        raise CorruptFile("the header lacks the shape or quality of the image")
    if not all(isinstance(n, int) and 0 < n <= limit for n, limit in zip(facts, limits, strict=False)) or facts[3] < _STEPS:
        raise CorruptFile("the header gives an impossible shape or quality for the image")
    return facts[0], facts[1], facts[2], facts[3], len(facts) - 4


def _places(shape: tuple[int, ...], side: int) -> Iterator[tuple[int, int, int, int]]:
    """Tiles of at most `side` squared: top, bottom, left, right."""
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield top, min(top + side, shape[0]), left, min(left + side, shape[1])


def _is_side(start: int, stop: int, total: int) -> bool:
    """Whether a tile may reach from `start` to `stop` in a picture of `total` rows or columns."""
    return 0 <= start < stop <= min(start + _SIDE, total) and not start % _GRID and (stop == total or not stop % _GRID)
