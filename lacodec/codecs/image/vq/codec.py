"""Codec `image.vq`: pictures at or below 0.04 bits per pixel, as indices into a book of vectors, one for each 16x16 pixels.

    pixels --analysis--> vectors --words of a book--> indices --network of whole numbers, range coder--> chunks
    chunks --> indices --book, synthesis--> pixels          indices of lost chunks: guessed from those around

With `layers` = 2, each vector has a second index, of a word that is added to the first (residual vector quantisation). With
`chunks` = N, chunk c has the rows c, c + N, c + 2 N ... of indices, so that what is lost lies between what is there. The
content hash is of the indices; pixels may differ by one between machines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lacodec.codecs.base import Codec
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded
from lacodec.media.image.photo import PHOTOS
from lacodec.media.image.value import MAX_SIDE, Image, Unread

if TYPE_CHECKING:
    import numpy as np

    from lacodec.models.vq.model import VectorModel

_PATCH = 16
_BOOKS = (8, 64, 256, 1024, 4096)
_MOST_PIXELS = 1 << 28
_MOST_CHUNKS = 64
_MOST_BPP = 24
_MOST_INDICES = 1 << 16  # in a chunk


@dataclass(frozen=True)
class _Options:
    book: int = field(default=1024, metadata={"help": "words of the book: 4096, 1024, 256, 64 or 8 (smallest files)"})
    layers: int = field(default=1, metadata={"help": "2: a second word for what the first of 4096 leaves (largest files)"})
    target_bpp: float | None = field(default=None, metadata={"help": "choose words that give at most this many bits per pixel"})
    chunks: int = field(default=1, metadata={"help": "chunks of interleaved rows, 1 to 64: lost ones are guessed"})
    model: str | None = field(default=None, metadata={"help": "a model file of your own"})

    def __post_init__(self) -> None:
        if isinstance(self.book, bool) or self.book not in _BOOKS:
            raise BadInput(f"book must be one of {', '.join(map(str, _BOOKS))}, not {self.book!r}")
        if isinstance(self.layers, bool) or self.layers not in (1, 2):
            raise BadInput(f"layers must be 1 or 2, not {self.layers!r}")
        if self.layers == 2 and self.book != _BOOKS[-1]:
            raise BadInput(f"2 layers need a book of {_BOOKS[-1]} words, not {self.book}")
        if self.target_bpp is not None and not (type(self.target_bpp) in (float, int) and 0 < self.target_bpp <= _MOST_BPP):
            raise BadInput(f"target_bpp must be above 0 and at most {_MOST_BPP} bits per pixel, not {self.target_bpp!r}")
        if isinstance(self.chunks, bool) or not isinstance(self.chunks, int) or not 1 <= self.chunks <= _MOST_CHUNKS:
            raise BadInput(f"chunks must be a whole number from 1 to {_MOST_CHUNKS}, not {self.chunks!r}")


@dataclass(frozen=True)
class _Part:
    """Indices i32[layers, rows, columns] of some rows."""

    rows: range
    indices: "np.ndarray"


@dataclass(frozen=True)
class _Form:
    """What the header says of a picture."""

    shape: tuple[int, int, int]
    book: int
    layers: int
    chunks: int

    @property
    def rows(self) -> int:
        """Of indices."""
        return -(-self.shape[0] // _PATCH)

    @property
    def columns(self) -> int:
        """Of indices."""
        return -(-self.shape[1] // _PATCH)

    def parts(self) -> list[range]:
        """The rows of each chunk."""
        return [range(first, self.rows, self.chunks) for first in range(self.chunks)]

    def size(self, indices: int) -> int:
        """Bytes of the pixels that so many indices stand for, those beyond the edges too."""
        return indices * _PATCH**2 * self.shape[2]


class VectorImage(Codec[Image]):
    """Gray and RGB pictures with much loss, for the lowest rates."""

    name = "image.vq"
    stream_version = 0
    identical = "none"
    media = PHOTOS
    Options = _Options

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def options_dict(self) -> dict[str, Any]:
        """None: the metadata has them."""
        return unusual(self.options, ("book", "layers", "target_bpp", "chunks", "model"))

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Height, width, channels, words of the book, layers, chunks; colour profile and the like."""
        form = self._form(value.pixels.shape)
        described: dict[str, Any] = {"vq": [*form.shape, form.book, form.layers, form.chunks]}
        if value.extras:
            described["extras"] = [list(item) for item in value.extras]
        return described

    def chunk_size(self) -> int:
        """The pixels of as many indices as a chunk may have."""
        return 3 * _PATCH**2 * _MOST_INDICES

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Activations of the networks for a window; the pixels."""
        return 2 * size + (512 << 20)

    def encode(self, value: Image, session: Session = DEFAULT) -> Iterator[Chunk]:
        """All indices, then a chunk for each set of rows; in the caller's thread, since networks use torch's own."""
        form, start = self._form(value.pixels.shape), 0
        for part, payload in self._chosen(value.pixels, form):
            end = start + part[0].size
            yield Chunk(CRITICAL, ((start, end),), payload, _hash(part), form.size(part[0].size))
            start = end

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """Its indices."""
        from lacodec.codecs.image.vq._payload import decode_indices

        form, model = _form_of(header), _model_of(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it is not a part of a picture")
        rows = _rows(form, *chunk.covers[0])
        if form.size(len(rows) * form.columns) != chunk.decoded_size:
            raise CorruptFile("its decoded size contradicts its place")
        predictors = model.layers(form.book, form.layers)
        indices = decode_indices(chunk.payload, (len(rows), form.columns), predictors, form.chunks > 1)
        if _hash(indices) != chunk.content_hash:
            raise CorruptFile("its indices differ from those that were encoded")
        return _Part(rows, indices)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; indices of lost chunks are guessed."""
        import numpy as np

        from lacodec.codecs.image.vq import _pictures

        form, model = _form_of(header), _model_of(header)
        indices = np.full((form.layers, form.rows, form.columns), _pictures.LOST, np.int32)
        lost = False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            indices[:, part.rows.start :: form.chunks] = part.indices
        if (indices == _pictures.LOST).any() and not lost:
            raise CorruptFile("its parts do not cover the picture")
        return _picture_of(header, _pictures.pixels_of(indices, model.network, form.book, form.shape))

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""
        import numpy as np

        return _picture_of(header, Unread(_form_of(header).shape, np.uint8, "this is only its description"))

    def indices(self, pixels: Any) -> "np.ndarray":
        """What a file stores of u8[height, width, 1 or 3]: i32[rows, columns], or i32[2, rows, columns] with two layers."""
        import numpy as np

        picture = self.media.from_object(pixels).pixels
        form = self._form(picture.shape)
        found = np.zeros((form.layers, form.rows, form.columns), np.int32)
        for first, (part, _) in enumerate(self._chosen(picture, form)):
            found[:, first :: form.chunks] = part
        return found[0] if form.layers == 1 else found

    def _model(self) -> "VectorModel":
        from lacodec.codecs.image.vq import _models

        return _models.chosen(self.options.model)

    def _form(self, shape: tuple[int, int, int]) -> _Form:
        height, width, channels = shape
        rows, columns = -(-height // _PATCH), -(-width // _PATCH)
        if height * width > _MOST_PIXELS:
            raise BadInput(f"codec image.vq takes at most {_MOST_PIXELS} pixels, not {width}x{height}")
        fewest = -(-rows // (_MOST_INDICES // columns))
        chunks = max(fewest, min(self.options.chunks, rows))
        return _Form((height, width, channels), self.options.book, self.options.layers, chunks)

    def _chosen(self, pixels: "np.ndarray", form: _Form) -> "list[tuple[np.ndarray, bytes]]":
        """Indices i32[layers, rows, columns] and payload of each chunk; raises BadInput for pictures with alpha."""
        from lacodec.codecs.image.vq import _pictures, _search

        if pixels.shape[2] not in (1, 3):
            raise BadInput("codec image.vq does not code alpha; remove it, or use image.learned")
        model = self._model()
        vectors = _pictures.vectors_of(pixels, model.network)
        search = _search.Search([vectors[rows.start :: form.chunks] for rows in form.parts()], model, form.book, form.layers)
        if self.options.target_bpp is None:
            return search.parts(1.0)
        return search.within(int(self.options.target_bpp * form.shape[0] * form.shape[1] / 8))


def _hash(indices: "np.ndarray") -> int:
    return content_hash(indices.astype("<u2").tobytes())


def _rows(form: _Form, start: int, stop: int) -> range:
    """Of the chunk with these indices, counted chunk by chunk; raises CorruptFile."""
    at = 0
    for rows in form.parts():
        size = len(rows) * form.columns
        if (at, at + size) == (start, stop):
            return rows
        at += size
    raise CorruptFile("its place is not that of a part of the picture")


def _picture_of(header: Header, pixels: Any) -> Image:
    extras = tuple((str(key), bytes(body)) for key, body in header.metadata.get("extras", ()))
    return Image(pixels, 8, None, extras, header.format)


def _model_of(header: Header) -> "VectorModel":
    from lacodec.codecs.image.vq import _models

    return _models.by_id(header.model_id or b"")


def _form_of(header: Header) -> _Form:
    facts = header.metadata.get("vq")
    if not isinstance(facts, list) or len(facts) != 6 or not all(type(n) is int and 0 < n <= MAX_SIDE for n in facts):
        raise CorruptFile("the header does not give the shape of the picture")
    height, width, channels, book, layers, chunks = facts
    if (
        channels not in (1, 3)
        or book not in _BOOKS
        or layers > 1 + (book == _BOOKS[-1])
        or chunks > min(_MOST_CHUNKS, -(-height // _PATCH))
    ):
        raise CorruptFile("the header gives an impossible form of the picture")
    if height * width > _MOST_PIXELS:
        raise LimitExceeded(f"{width}x{height} pixels do not fit into memory")
    form = _Form((height, width, channels), book, layers, chunks)
    if len(form.parts()[0]) * form.columns > _MOST_INDICES:
        raise CorruptFile("the header gives chunks that are too large")
    return form
