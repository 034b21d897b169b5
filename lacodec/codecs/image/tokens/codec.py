"""Codec `image.tokens`: indices of VQGAN, TiTok and other models of yours, exactly; of a sequence, any beginning decodes.

    tokens --tree over the book, range coder--> chunks          (the model stays with you: indices in, indices out)

The probability of a word grows with how often it has occurred. Whole numbers throughout.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from lacodec.codecs.base import Codec
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Covers, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.tokens.files import TOKENS
from lacodec.media.tokens.value import DTYPES, MOST_WORDS, Tokens

if TYPE_CHECKING:
    import numpy as np

_MOST = 1 << 20  # tokens in a chunk
_MOST_TOKENS = 1 << 32


@dataclass(frozen=True)
class _Options:
    book: int | None = field(default=None, metadata={"help": "words of the model's book (default: as many as the tokens need)"})

    def __post_init__(self) -> None:
        if self.book is not None and (type(self.book) is not int or not 1 <= self.book <= MOST_WORDS):
            raise BadInput(f"book must be a whole number from 1 to {MOST_WORDS}, not {self.book!r}")


@dataclass(frozen=True)
class _Form:
    """What the header says of tokens."""

    shape: tuple[int, ...]
    dtype: str
    words: int

    @property
    def item(self) -> int:
        """Bytes of a token in the array."""
        return int(self.dtype[2])

    @property
    def is_sequence(self) -> bool:
        """Whether any beginning of the file decodes."""
        return len(self.shape) == 1


@dataclass(frozen=True)
class _Part:
    """Tokens; whole: of a chunk that was not cut off."""

    tokens: "np.ndarray"
    whole: bool


class ImageTokens(Codec[Tokens]):
    """Whole numbers that index a book, without loss."""

    name = "image.tokens"
    stream_version = 0
    identical = "samples"
    media = TOKENS
    Options = _Options

    @classmethod
    def samples(cls) -> list[Any]:
        """A map."""
        import numpy as np

        return [np.arange(60, dtype=np.uint16).reshape(6, 10) ** 2 % 1000]

    def options_dict(self) -> dict[str, Any]:
        """None: the metadata has them."""
        return unusual(self.options, ("book",))

    def metadata(self, value: Tokens, session: Session = DEFAULT) -> dict[str, Any]:
        """Axes, type, words of the book."""
        form = self._form(value)
        return {"tokens": [list(form.shape), form.dtype, form.words]}

    def content_size(self, value: Tokens) -> int | None:
        """Bytes of the array."""
        return int(value.values.nbytes)

    def chunk_size(self) -> int:
        """The most tokens of the widest type."""
        return 8 * _MOST

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Tokens as int64, counts of the largest book."""
        return 32 * size + (64 << 20)

    def encode(self, value: Tokens, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of tokens, row by row."""
        from lacodec.codecs.image.tokens._payload import encode_tokens

        form, flat = self._form(value), value.values.reshape(-1)
        for start in range(0, flat.size, _MOST):
            part = flat[start : start + _MOST].astype("<i8")
            digest = content_hash(part.tobytes())
            payload = encode_tokens(part, form.words, digest if form.is_sequence else None)
            yield Chunk(CRITICAL, ((start, start + part.size),), payload, digest, part.size * form.item)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """Its tokens; of a beginning, those that are certain."""
        from lacodec.codecs.image.tokens._payload import decode_tokens, first_tokens

        form, count = _form_of(header), _count(header, chunk)
        if chunk.cut:
            return _Part(first_tokens(chunk.payload, count, form.words, chunk.content_hash).astype(form.dtype), False)
        tokens = decode_tokens(chunk.payload, count, form.words, chunk.content_hash if form.is_sequence else None)
        if content_hash(tokens.astype("<i8").tobytes()) != chunk.content_hash:
            raise CorruptFile("its tokens differ from those that were encoded")
        return _Part(tokens.astype(form.dtype), True)

    def beginning(self, header: Header, chunk: Chunk) -> str | None:
        """How many tokens of a sequence are certain."""
        from lacodec.codecs.image.tokens._payload import first_tokens

        try:
            form, count = _form_of(header), _count(header, chunk)
        except CorruptFile:
            return None
        if not form.is_sequence:
            return None
        there = len(first_tokens(chunk.payload, count, form.words, chunk.content_hash))
        return _certain(chunk.covers[0][0] + there, form) if there else None

    def cut_after(self, header: Header, covers: Sequence[Covers]) -> str | None:
        """The same of a file that was cut off after, or near the start of, one of several chunks."""
        try:
            form = _form_of(header)
        except CorruptFile:
            return None
        there = max((cover[0][1] for cover in covers if cover), default=0)
        return _certain(there, form) if form.is_sequence and there else None

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Tokens:
        """The tokens; zeros stand for lost ones. Of a file that was cut off, those that are there."""
        import numpy as np

        form, found, whole = _form_of(header), [], True
        for part in parts:
            found.append(part.zeros(form.dtype) if isinstance(part, Lost) else part.tokens)
            whole = whole and (isinstance(part, Lost) or part.whole)
        flat = np.concatenate([np.zeros(0, form.dtype), *found])
        cut = not whole or (flat.size and flat.size % _MOST == 0)  # in a chunk, or after one
        if cut and form.is_sequence:
            return Tokens(flat, header.format or "npy")
        if flat.size != prod(form.shape):
            raise CorruptFile("it does not hold as many tokens as its header has")
        return Tokens(flat.reshape(form.shape), header.format or "npy")

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        try:
            form = _form_of(header)
        except CorruptFile:  # decoding will report it
            return header.metadata
        return {"shape": list(form.shape), "dtype": form.dtype, "book": form.words}

    def _form(self, value: Tokens) -> _Form:
        values = value.values
        least = int(values.max()) + 1 if values.size else 1
        words = least if self.options.book is None else self.options.book
        if words < least:
            raise BadInput(f"token {least - 1} is not in a book of {words} words")
        return _Form(tuple(values.shape), values.dtype.str, words)


def _certain(there: int, form: _Form) -> str:
    """A remark."""
    which = f"only its first {there} of" if there < form.shape[0] else "but all of its"
    return f"it is cut off or damaged, {which} {form.shape[0]} tokens are certain"


def _count(header: Header, chunk: Chunk) -> int:
    """Tokens in a chunk; raises CorruptFile."""
    form = _form_of(header)
    if chunk.kind != CRITICAL or len(chunk.covers) != 1:
        raise CorruptFile("it needs one range of tokens")
    start, stop = chunk.covers[0]
    if not 0 <= start < stop <= prod(form.shape) or stop - start > _MOST or (stop - start) * form.item != chunk.decoded_size:
        raise CorruptFile("its decoded size contradicts the tokens that it covers")
    return stop - start


def _form_of(header: Header) -> _Form:
    found = header.metadata.get("tokens")
    if not isinstance(found, list) or len(found) != 3:
        raise CorruptFile("the header does not describe the tokens")
    shape, dtype, words = found
    if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(type(n) is int and n >= 0 for n in shape):
        raise CorruptFile("the header does not give the axes of the tokens")
    if max(shape) > _MOST_TOKENS or prod(shape) > _MOST_TOKENS or dtype not in DTYPES:
        raise CorruptFile("the header gives impossible axes or an unknown type of tokens")
    if type(words) is not int or not 1 <= words <= MOST_WORDS:
        raise CorruptFile("the header gives an impossible book")
    return _Form(tuple(shape), dtype, words)
