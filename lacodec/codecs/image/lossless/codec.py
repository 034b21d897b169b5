"""Codec `image.lossless`: pictures, every pixel restored; with `exact`, the file's own bytes as well.

A picture is cut into tiles, each a chunk that covers ((top, bottom), (left, right)). A payload is one byte and data:
0 a tile coded by `_tile`; 1 the file itself, coded like a block of codec `bytes` (small files, and `exact`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import msgspec
import numpy as np

from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.image.lossless.described import beside, depth_of, extras_of, picture_of, shape_of
from lacodec.codecs.options import TILE_HELP, check_effort, check_flag, check_tile, effort_field
from lacodec.codecs.regions import Layout, Lost, Window
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, MAX_DECODED, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import CorruptFile, LimitExceeded, UnsupportedFile
from lacodec.io.progress import ignore
from lacodec.io.threads import ordered_map
from lacodec.media.image.files import IMAGES, from_bytes
from lacodec.media.image.value import Image, Unread

TILE, FILE = range(2)
_SIDE = 1024
_CROP_SIDE, _CROP_EFFORT = 64, 2  # up to this effort tiles of photos are small, so that crops for training decode little
_SMALL = 24 << 20  # bytes of pixels up to which the file itself is tried
_CHUNK_COST = 160  # bytes of a chunk besides its payload, if there are several
_BASE_COST = 160 << 20  # bytes of memory for any tile: sums of products, slots


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    exact: bool = field(default=False, metadata={"help": "restore the file's own bytes, not only its pixels"})
    tile: int | None = field(
        default=None, metadata={"help": f"{TILE_HELP} (default {_CROP_SIDE} for photos at efforts 1 and 2, else 1024)"}
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        check_flag("exact", self.exact)
        check_tile(self.tile)


@dataclass(frozen=True)
class _Part:
    """Decoded pixels of one chunk and where they belong; `original` is the file, where the chunk held it."""

    top: int
    left: int
    pixels: np.ndarray
    original: bytes | None = None


class LosslessImage(Codec[Image]):
    """Pictures, with an effort from 1 to 9."""

    name = "image.lossless"
    stream_version = 1
    reads = frozenset({0})
    identical = "pixels"
    also_identical = ("bytes",)
    media = IMAGES
    by_content = True
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    Options = _Options

    def options_dict(self) -> dict[str, Any]:
        """The options, without the size of tiles where it is not given: the chunks tell it."""
        return {key: value for key, value in super().options_dict().items() if value is not None}

    def restores(self, value: Image) -> str:
        """The file's bytes if asked for and known, else pixels."""
        return "bytes" if self._exact(value) else "pixels"

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Shape, and the data of the format besides pixels."""
        described: dict[str, Any] = {"shape": list(value.pixels.shape)}
        if value.depth != 8:
            described["depth"] = value.depth
        if not self._exact(value) and not (_is_settled_first(value) and self._kept_whole(value, session)):
            described |= beside(value)
        if value.made_of is not None:
            described["object"] = dict(value.made_of)
        return described

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        return header.metadata | ({"extras": [list(item) for item in extras_of(header)]} if "extras" in header.metadata else {})

    @classmethod
    def samples(cls) -> list[Any]:
        """A photo-like picture in gray and colour, one of 16 bits that uses few of them, and a drawing."""
        y, x = np.mgrid[0:48, 0:64]
        smooth = (x * x + 3 * y * y) // 40 + (x * 7 + y * 13) % 5
        drawn = ((x // 9 + y // 7) % 3 * 100).astype(np.uint8)
        colour = np.stack([smooth, smooth // 2, smooth // 3], 2).astype(np.uint8)
        return [smooth.astype(np.uint8), colour, smooth.astype(np.uint16) * 257, np.stack([drawn] * 3, 2)]

    def chunk_size(self) -> int:
        """A tile of 16-bit RGBA."""
        return _SIDE * _SIDE * 8

    def content_size(self, value: Image) -> int | None:
        """Of the file, or of all pixels."""
        return len(value.original) if value.original is not None and self.options.exact else value.pixels.nbytes

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Mainly the sums of products, for every column of a tile, and the contexts' slots."""
        return 24 * size + _BASE_COST

    def encode(self, value: Image, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk per tile, or one with the file if that is smaller."""
        if self._exact(value):
            yield self._file_chunk(value, session)
            return
        if self.options.exact and value.format is not None:
            raise UnsupportedFile("only files of up to 64 MiB can be kept exactly as an image; use codec bytes")
        if _is_settled_first(value):
            yield from self._smallest(value, session)
            return
        taken, held = 0, []
        for chunk in self._tiles(value, session):
            if value.original is None:  # a large file: the caller compares the size of the result
                yield chunk
                continue
            held.append(chunk)
            taken += len(chunk.payload) + _CHUNK_COST
            if taken > len(value.original):
                held = [self._file_chunk(value, replace(session, report=ignore))]  # its pixels were reported
                break
        yield from held

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """The pixels of a tile."""
        return self._decoded(header, chunk, session, None)

    def decode_rows(self, header: Header, chunk: Chunk, stop: int, session: Session = DEFAULT) -> _Part:
        """The pixels of a tile down to a row of the picture; not compared with the content hash, which is of all of them."""
        return self._decoded(header, chunk, session, max(1, stop - chunk.covers[0][0]) if chunk.covers else None)

    def _decoded(self, header: Header, chunk: Chunk, session: Session, rows: int | None) -> _Part:
        (height, width, channels), depth = shape_of(header), depth_of(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 2 or not chunk.payload:
            raise CorruptFile("it is not a tile of an image")
        (top, bottom), (left, right) = chunk.covers
        if not (0 <= top < bottom <= height and 0 <= left < right <= width):
            raise CorruptFile("its tile is outside the image")
        if chunk.payload[0] == FILE:
            return _decode_file(header, chunk, session)
        if chunk.payload[0] != TILE:
            raise CorruptFile(f"method {chunk.payload[0]} is unknown; if a newer lacodec wrote it, update")
        shape = (bottom - top, right - left, channels)
        if chunk.decoded_size != shape[0] * shape[1] * channels * (2 if depth == 16 else 1):
            raise CorruptFile("its decoded size contradicts the tile it covers")
        from lacodec.codecs.image.lossless._tile import decode_tile

        if rows is not None and rows < shape[0]:
            return _Part(top, left, decode_tile(chunk.payload[1:], shape, depth, header, session, rows))
        pixels = decode_tile(chunk.payload[1:], shape, depth, header, session)
        if content_hash(_content(pixels)) != chunk.content_hash:
            raise CorruptFile("its pixels differ from those that were encoded")
        return _Part(top, left, pixels)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; lost tiles are black."""
        shape, depth = shape_of(header), depth_of(header)
        try:
            pixels = np.zeros(shape, np.uint16 if depth == 16 else np.uint8)
        except (MemoryError, ValueError) as error:
            raise LimitExceeded(f"{shape[1]}x{shape[0]} pixels do not fit into memory") from error
        original, covered, lost = None, 0, False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            rows, columns = part.pixels.shape[:2]
            if part.original is None:
                pixels[part.top : part.top + rows, part.left : part.left + columns] = part.pixels
            covered += rows * columns
            original = part.original or original
        if covered != shape[0] * shape[1] and not lost:
            raise CorruptFile("the tiles do not cover the image exactly")
        if original is not None:
            return _image_in(header, original)
        return picture_of(header, pixels)

    def described(self, header: Header) -> Image:
        """The picture without its pixels; without its palette and other data, too, if `kept_file` holds it."""
        dtype = np.uint16 if depth_of(header) == 16 else np.uint8
        return picture_of(header, Unread(shape_of(header), dtype, "this is only its description"))

    def kept_file(self, header: Header, chunk: Chunk, session: Session = DEFAULT) -> Image | None:
        """The picture in a chunk that holds the whole file; None for a tile."""
        part = self.decode_chunk(header, chunk, session=session) if chunk.payload[:1] == bytes([FILE]) else None
        return None if part is None or part.original is None else _image_in(header, part.original)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Pixels[height, width, channels]."""
        return Layout(shape_of(header), np.dtype(np.uint16 if depth_of(header) == 16 else np.uint8), axes=2)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Tiles that a key such as [100:200, 50:80] touches."""
        return Window.of(key, shape_of(header)).chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> np.ndarray:
        """The pixels of the window, uint8 or uint16[rows, columns, channels]."""
        shape, depth = shape_of(header), depth_of(header)
        window = Window.of(key, shape)
        pixels, covered = np.zeros((*window.shape, shape[2]), np.uint16 if depth == 16 else np.uint8), 0
        for part in parts:
            rows = window.rows.within(part.top, part.top + part.pixels.shape[0])
            columns = window.columns.within(part.left, part.left + part.pixels.shape[1])
            place = pixels[rows.start - window.rows.start :, columns.start - window.columns.start :]
            place[: rows.size, : columns.size] = part.pixels[rows.start - part.top :, columns.start - part.left :][
                : rows.size, : columns.size
            ]
            covered += rows.size * columns.size
        if covered != window.rows.size * window.columns.size:
            raise CorruptFile("its tiles do not cover this part of the image exactly")
        return pixels

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of a group of channels: content is (uint8 or uint16[height, width, channels], bits per sample)."""
        from lacodec.codecs.image.lossless._tile import encode_tile

        pixels, depth = content
        return encode_tile(pixels, depth, False, self.options.effort, session)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> np.ndarray:
        """Pixels of `expected`: ((height, width, channels), bits per sample)."""
        from lacodec.codecs.image.lossless._tile import decode_tile

        shape, depth = expected
        return decode_tile(payload, shape, depth, header, session)

    def _tiles(self, value: Image, session: Session) -> Iterator[Chunk]:
        return ordered_map(lambda item: self._tile(item, session), self._pieces(value), session.threads)

    def _pieces(self, value: Image) -> Iterator[tuple[Image, tuple[int, int], np.ndarray]]:
        """(the picture, top and left of a tile, its pixels), from the top down: large pictures are read while they are coded."""
        from lacodec.codecs.image.lossless._tile import is_drawn

        wanted = self.options.tile or _SIDE
        for top, bottom, left, right in _places(value.pixels.shape, wanted, wanted):
            block, side, columns = value.pixels[top:bottom, left:right], wanted, wanted
            small = self.options.tile is None and self.options.effort <= _CROP_EFFORT
            if small and not is_drawn(block, value.depth, value.palette is not None):
                side = _CROP_SIDE
                columns = max(side, side * side // (bottom - top))
            for y0, y1, x0, x1 in _places(block.shape, side, columns):
                yield value, (top + y0, left + x0), np.ascontiguousarray(block[y0:y1, x0:x1])

    def _smallest(self, value: Image, session: Session) -> list[Chunk]:
        """The tiles of a picture of moderate size, or the one chunk with its file if that is smaller."""

        def code() -> tuple[Image, list[Chunk]]:
            chunks = list(self._tiles(value, session))
            taken = sum(len(chunk.payload) + _CHUNK_COST for chunk in chunks) - _CHUNK_COST // 2
            taken += len(msgspec.msgpack.encode(beside(value))) * (1 + (len(chunks) > 1))  # the footer of many has it again
            if value.original is not None and taken >= len(value.original):
                chunks = [self._file_chunk(value, replace(session, report=ignore))]
            return value, chunks  # the picture is kept, so that no other one can have its id meanwhile

        return list(session.once((self, id(value)), code)[1])

    def _kept_whole(self, value: Image, session: Session) -> bool:
        return self._smallest(value, session)[0].payload[0] == FILE

    def _exact(self, value: Image) -> bool:
        return bool(self.options.exact and value.original is not None)

    def _tile(self, item: tuple[Image, tuple[int, int], np.ndarray], session: Session) -> Chunk:
        from lacodec.codecs.image.lossless._tile import encode_tile

        value, (top, left), pixels = item
        payload = bytes([TILE]) + encode_tile(pixels, value.depth, value.palette is not None, self.options.effort, session)
        covers = ((top, top + pixels.shape[0]), (left, left + pixels.shape[1]))
        return Chunk(CRITICAL, covers, payload, content_hash(_content(pixels)), pixels.nbytes)

    def _file_chunk(self, value: Image, session: Session) -> Chunk:
        assert value.original is not None
        data = value.original
        if len(data) > MAX_DECODED:
            raise UnsupportedFile(f"a file of {len(data) >> 20} MiB is too large to be kept exactly as an image; use codec bytes")
        payload = bytes([FILE]) + embed("bytes", data, session, effort=self.options.effort)
        height, width = value.pixels.shape[:2]
        return Chunk(CRITICAL, ((0, height), (0, width)), payload, content_hash(data), len(data))


def _decode_file(header: Header, chunk: Chunk, session: Session) -> _Part:
    data = unembed("bytes", chunk.payload[1:], chunk.decoded_size, header, session)
    if content_hash(data) != chunk.content_hash:
        raise CorruptFile("the decoded file differs from the one that was encoded")
    image = _image_in(header, data)
    if list(image.pixels.shape) != list(shape_of(header)) or image.depth != depth_of(header):
        raise CorruptFile("the shape of the file in it differs from the header's")
    return _Part(0, 0, image.pixels, data)


def _image_in(header: Header, data: bytes) -> Image:
    """The picture in a file; the file alone if it cannot be read, since a later reader may be stricter than the first one."""
    try:
        return from_bytes(data, header.name or "<image>")
    except UnsupportedFile as error:
        pixels: Any = Unread(shape_of(header), np.uint16 if depth_of(header) == 16 else np.uint8, str(error))
        return Image(pixels, depth_of(header), format=header.format, original=data)


def _is_settled_first(value: Image) -> bool:
    """Whether the smaller of tiles and file is found before the header is written, which then need not repeat the file.

    This is so for pictures of moderate size, and if the data besides the pixels is large.
    """
    if value.original is None:
        return False
    return value.pixels.nbytes <= _SMALL or len(msgspec.msgpack.encode(beside(value))) > len(value.original) // 2000


def _content(pixels: np.ndarray) -> bytes:
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def _places(shape: tuple[int, ...], side: int, columns: int) -> Iterator[tuple[int, int, int, int]]:
    """Tiles of at most `side` squared pixels, longer ones in narrow pictures.

    None is wider than `columns`: those up to 1024, as the sums of the mixed model are by column.
    """
    height, width = shape[:2]
    columns = min(width, columns)
    rows = min(height, side * side // columns)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            yield top, min(top + rows, height), left, min(left + columns, width)
