"""Codec `image.field`: pictures with loss, by networks that are fitted to each picture and stored with it. No trained model.

A tile (of at most 1024 pixels a side) is a chunk, with a field of its own (`_payload`), and alpha as in image.lossless.
Samples are the same on every machine; the content hash is of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.options import check_effort, effort_field, unusual
from lacodec.codecs.regions import Layout, Lost, Window
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.value import MAX_SIDE, Image, Unread

_SIDE = 1024  # pixels of a tile, at most
_STEPS = {1: 200, 2: 400, 3: 700, 4: 1200, 5: 2000, 6: 2800, 7: 5000, 8: 9000, 9: 13000}  # of the fit, by effort
_ALPHA_EFFORT = 5


@dataclass(frozen=True)
class _Options:
    quality: float = field(default=50.0, metadata={"help": "any number from 1 (smallest) to 100 (best)"})
    effort: int = effort_field()

    def __post_init__(self) -> None:
        if isinstance(self.quality, bool) or not isinstance(self.quality, int | float) or not 1 <= self.quality <= 100:
            raise BadInput(f"quality is {self.quality!r}; give a number from 1 to 100")
        check_effort(self.effort)


class FieldImage(Codec[Image]):
    """Pictures with loss, at a quality from 1 to 100 and an effort that says how long is fitted."""

    name = "image.field"
    stream_version = 0
    identical = "none"
    media = PHOTOS
    nested: ClassVar[Mapping[str, int]] = {"image.lossless": 1, "bytes": 2}
    Options = _Options

    def nested_in(self, value: Image) -> Mapping[str, int]:
        """Only alpha is coded by other codecs."""
        return self.nested if value.pixels.shape[2] in (2, 4) else {}

    def options_dict(self) -> dict[str, Any]:
        """The requested options that are not the usual ones."""
        return unusual(self.options)

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Height, width, channels; colour profile and the like."""
        described: dict[str, Any] = {"shape": list(value.pixels.shape)}
        if value.extras:
            described["extras"] = [list(item) for item in value.extras]
        return described

    def chunk_size(self) -> int:
        """A tile of RGBA."""
        return _SIDE * _SIDE * 4

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Features and activations in double precision; encoding has arrays of the fit beside them."""
        return (500 if payload is not None else 700) * size + (256 << 20)

    def encode(self, value: Image, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per tile, several at a time."""
        places = list(_places(value.pixels.shape))
        own = 1 if len(places) > 1 else session.threads
        return ordered_map(lambda place: self._chunk(value.pixels, place, session, own), places, session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> "Tile":
        """The samples of a tile."""
        from lacodec.codecs.image.field._network import synthesise
        from lacodec.codecs.image.field._payload import decode_field

        height, width, channels = _shape(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 2:
            raise CorruptFile("it is not a tile of an image")
        (top, bottom), (left, right) = chunk.covers
        if (top, bottom, left, right) not in set(_places((height, width))):
            raise CorruptFile("its tile is outside the image, or is not one of its tiles")
        shape = (bottom - top, right - left, channels)
        if chunk.decoded_size != int(np.prod(shape)):
            raise CorruptFile("its decoded size contradicts the tile it covers")
        reader = Reader(chunk.payload, 0)
        coded = decode_field(reader.take(reader.number()), (*shape[:2], _colours(channels)))
        pixels = synthesise(coded.latents, coded.synthesis)
        if channels % 2 == 0:
            expected = (*shape[:2], 1), 8
            pixels = np.concatenate([pixels, unembed("image.lossless", reader.rest(), expected, header, session)], 2)
        elif len(reader.rest()):
            raise CorruptFile("something follows its field")
        session.report(chunk.decoded_size)
        if content_hash(pixels.tobytes()) != chunk.content_hash:
            raise CorruptFile("its samples differ from those that were encoded")
        return Tile(top, left, pixels)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; lost tiles are black."""
        pixels, covered, lost = np.zeros(_shape(header), np.uint8), 0, False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            part.into(pixels, 0, 0)
            covered += part.pixels.shape[0] * part.pixels.shape[1]
        if covered != pixels.shape[0] * pixels.shape[1] and not lost:
            raise CorruptFile("the tiles do not cover the image exactly")
        return _picture_of(header, pixels)

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""
        return _picture_of(header, Unread(_shape(header), np.uint8, "this is only its description"))

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Pixels[height, width, channels]."""
        return Layout(_shape(header), np.dtype(np.uint8), axes=2)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Tiles that a key such as [100:200, 50:80] touches."""
        return Window.of(key, _shape(header)).chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> np.ndarray:
        """The pixels of the window, uint8[rows, columns, channels]."""
        window = Window.of(key, _shape(header))
        pixels = np.zeros((*window.shape, _shape(header)[2]), np.uint8)
        for part in parts:
            part.into(pixels, window.rows.start, window.columns.start)
        return pixels

    def _chunk(self, pixels: np.ndarray, place: tuple[int, int, int, int], session: Session, threads: int) -> Chunk:
        from lacodec.codecs.image.field._fit import fit
        from lacodec.codecs.image.field._network import synthesise
        from lacodec.codecs.image.field._payload import encode_field
        from lacodec.io.progress import Share

        top, bottom, left, right = place
        tile = np.ascontiguousarray(pixels[top:bottom, left:right])
        colours, steps = _colours(tile.shape[2]), _STEPS[self.options.effort]
        share = Share(session.report, tile.size, steps)
        found = fit(tile[:, :, :colours], 2.0 ** ((100.0 - self.options.quality) / 7.0), steps, lambda: share(1), threads)
        share.finish()
        coded, out = encode_field(found), Writer()
        out.number(len(coded))
        out.write(coded)
        restored = synthesise(found.latents, found.synthesis)
        if colours < tile.shape[2]:
            alpha = tile[:, :, colours:]
            out.write(embed("image.lossless", (alpha, 8), session, effort=_ALPHA_EFFORT))
            restored = np.concatenate([restored, alpha], 2)
        return Chunk(CRITICAL, ((top, bottom), (left, right)), out.data, content_hash(restored.tobytes()), restored.size)


@dataclass(frozen=True)
class Tile:
    """Decoded samples uint8[rows, columns, channels], and where they begin."""

    top: int
    left: int
    pixels: np.ndarray

    def into(self, canvas: np.ndarray, top: int, left: int) -> None:
        """Put what lies on it into a canvas that begins at these places."""
        down, across = self.top - top, self.left - left
        rows = slice(max(down, 0), min(down + self.pixels.shape[0], canvas.shape[0]))
        columns = slice(max(across, 0), min(across + self.pixels.shape[1], canvas.shape[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            own = self.pixels[rows.start - down : rows.stop - down, columns.start - across : columns.stop - across]
            canvas[rows, columns] = own


def _colours(channels: int) -> int:
    """Channels without alpha."""
    return channels - (channels % 2 == 0)


def _places(shape: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Tiles: top, bottom, left, right."""
    for top in range(0, shape[0], _SIDE):
        for left in range(0, shape[1], _SIDE):
            yield top, min(top + _SIDE, shape[0]), left, min(left + _SIDE, shape[1])


def _picture_of(header: Header, pixels: Any) -> Image:
    extras = tuple((str(key), bytes(body)) for key, body in header.metadata.get("extras", ()))
    return Image(pixels, 8, None, extras, header.format)


def _shape(header: Header) -> tuple[int, int, int]:
    """Height, width, channels; raises CorruptFile."""
    shape = header.metadata.get("shape")
    if not isinstance(shape, list) or len(shape) != 3:
        raise CorruptFile("the header lacks the shape of the image")
    if not all(type(n) is int and 0 < n <= limit for n, limit in zip(shape, (MAX_SIDE, MAX_SIDE, 4), strict=True)):
        raise CorruptFile("the header gives an impossible shape for the image")
    return shape[0], shape[1], shape[2]
