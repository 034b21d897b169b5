"""Codec `image.vq`: pictures at or below 0.04 bits per pixel, as indices into a book of vectors, one for each 16x16 pixels.

    pixels --analysis--> vectors --nearest of a book--> indices --network of whole numbers, range coder--> chunks
    chunks --> indices --book, synthesis--> pixels          indices of lost chunks: guessed from those around

With `chunks` = N, chunk c has the rows c, c + N, c + 2 N ... of indices, so that what is lost lies between what is there. The
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
_MOST_INDICES = 1 << 16  # in a chunk


@dataclass(frozen=True)
class _Options:
    book: int = field(default=1024, metadata={"help": "words of the book: 4096, 1024, 256, 64 or 8 (smallest files)"})
    chunks: int = field(default=1, metadata={"help": "chunks of interleaved rows, 1 to 64: lost ones are guessed"})
    model: str | None = field(default=None, metadata={"help": "a model file of your own"})

    def __post_init__(self) -> None:
        if isinstance(self.book, bool) or self.book not in _BOOKS:
            raise BadInput(f"book must be one of {', '.join(map(str, _BOOKS))}, not {self.book!r}")
        if isinstance(self.chunks, bool) or not isinstance(self.chunks, int) or not 1 <= self.chunks <= _MOST_CHUNKS:
            raise BadInput(f"chunks must be a whole number from 1 to {_MOST_CHUNKS}, not {self.chunks!r}")


@dataclass(frozen=True)
class _Part:
    """Indices i32[rows, columns] of some rows."""

    rows: range
    indices: "np.ndarray"


@dataclass(frozen=True)
class _Form:
    """What the header says of a picture."""

    shape: tuple[int, int, int]
    book: int
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
        return unusual(self.options, ("book", "chunks", "model"))

    def metadata(self, value: Image, session: Session = DEFAULT) -> dict[str, Any]:
        """Height, width, channels, words of the book, chunks; colour profile and the like."""
        form = self._form(value.pixels.shape)
        described: dict[str, Any] = {"vq": [*form.shape, form.book, form.chunks]}
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
        from lacodec.codecs.image.vq._payload import encode_indices

        model, form = self._model(), self._form(value.pixels.shape)
        vectors, start = _vectors_of(value.pixels, model), 0
        for rows in form.parts():
            part = _chosen(vectors, rows, model, form)
            payload = encode_indices(part, model.predictors[form.book], form.chunks > 1)
            yield Chunk(CRITICAL, ((start, start + part.size),), payload, _hash(part), form.size(part.size))
            start += part.size

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """Its indices."""
        from lacodec.codecs.image.vq._payload import decode_indices

        form, model = _form_of(header), _model_of(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it is not a part of a picture")
        rows = _rows(form, *chunk.covers[0])
        if form.size(len(rows) * form.columns) != chunk.decoded_size:
            raise CorruptFile("its decoded size contradicts its place")
        predictor = model.predictors[form.book]
        indices = decode_indices(chunk.payload, (len(rows), form.columns), predictor, form.chunks > 1)
        if _hash(indices) != chunk.content_hash:
            raise CorruptFile("its indices differ from those that were encoded")
        return _Part(rows, indices)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Image:
        """The picture; indices of lost chunks are guessed."""
        import numpy as np

        from lacodec.codecs.image.vq import _pictures

        form, model = _form_of(header), _model_of(header)
        indices = np.full((form.rows, form.columns), _pictures.LOST, np.int32)
        lost = False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            indices[part.rows.start :: form.chunks] = part.indices
        if (indices == _pictures.LOST).any() and not lost:
            raise CorruptFile("its parts do not cover the picture")
        return _picture_of(header, _pictures.pixels_of(indices, model.network, form.book, form.shape))

    def described(self, header: Header) -> Image:
        """The picture without its pixels."""
        import numpy as np

        return _picture_of(header, Unread(_form_of(header).shape, np.uint8, "this is only its description"))

    def indices(self, pixels: Any) -> "np.ndarray":
        """i32[rows, columns] of a picture u8[height, width, 1 or 3]: what the file stores."""
        import numpy as np

        picture, model = self.media.from_object(pixels).pixels, self._model()
        form = self._form(picture.shape)
        vectors, found = _vectors_of(picture, model), np.zeros((form.rows, form.columns), np.int32)
        for rows in form.parts():
            found[rows.start :: form.chunks] = _chosen(vectors, rows, model, form)
        return found

    def _model(self) -> "VectorModel":
        from lacodec.codecs.image.vq import _models

        return _models.chosen(self.options.model)

    def _form(self, shape: tuple[int, int, int]) -> _Form:
        height, width, channels = shape
        rows, columns = -(-height // _PATCH), -(-width // _PATCH)
        if height * width > _MOST_PIXELS:
            raise BadInput(f"codec image.vq takes at most {_MOST_PIXELS} pixels, not {width}x{height}")
        fewest = -(-rows // (_MOST_INDICES // columns))
        return _Form((height, width, channels), self.options.book, max(fewest, min(self.options.chunks, rows)))


def _vectors_of(pixels: "np.ndarray", model: "VectorModel") -> "np.ndarray":
    """f32[rows, columns, D] of u8[height, width, 1 or 3]; raises BadInput for pictures with alpha."""
    from lacodec.codecs.image.vq import _pictures

    if pixels.shape[2] not in (1, 3):
        raise BadInput("codec image.vq does not code alpha; remove it, or use image.learned")
    return _pictures.vectors_of(pixels, model.network)


def _chosen(vectors: "np.ndarray", rows: range, model: "VectorModel", form: _Form) -> "np.ndarray":
    """i32[rows, columns] of a chunk."""
    from lacodec.codecs.image.vq._payload import choose_indices

    words, price = model.network.book(form.book).numpy(), float(model.network.prices[_BOOKS.index(form.book)])
    return choose_indices(vectors[rows.start :: form.chunks], words, price, model.predictors[form.book], form.chunks > 1)


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
    if not isinstance(facts, list) or len(facts) != 5 or not all(type(n) is int and 0 < n <= MAX_SIDE for n in facts):
        raise CorruptFile("the header does not give the shape of the picture")
    height, width, channels, book, chunks = facts
    if channels not in (1, 3) or book not in _BOOKS or chunks > min(_MOST_CHUNKS, -(-height // _PATCH)):
        raise CorruptFile("the header gives an impossible form of the picture")
    if height * width > _MOST_PIXELS:
        raise LimitExceeded(f"{width}x{height} pixels do not fit into memory")
    form = _Form((height, width, channels), book, chunks)
    if len(form.parts()[0]) * form.columns > _MOST_INDICES:
        raise CorruptFile("the header gives chunks that are too large")
    return form
