"""Codec `vectors`: embeddings in as many bytes as asked for, by principal components; without a number of bytes, codec `arrays`.

    vectors --Fit, scale_for (`_fit`)--> model --coordinates, choose--> numbers [n, K] --rANS--> chunks of vectors

The model is a shared section; a chunk covers vectors. The numbers, and the vectors they give, are the same on every machine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.regions import Layout, Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.codecs.vectors._header import Shape, shape_of
from lacodec.codecs.vectors._options import Options
from lacodec.container.types import CRITICAL, MAX_DECODED, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.vectors.files import VECTORS
from lacodec.media.vectors.value import Vectors

if TYPE_CHECKING:
    import numpy as np

    from lacodec.codecs.vectors._encoding import Encoding

_ROWS = 4096  # vectors in a chunk


class VectorsCodec(Codec[Vectors]):
    """Vectors at a rate in bytes for each."""

    name = "vectors"
    stream_version = 0
    identical = "none"
    media = VECTORS
    nested: ClassVar[Mapping[str, int]] = {"arrays": 1, "bytes": 2}
    sample_options: ClassVar[Mapping[str, Any]] = {"bytes_per_vector": 24}
    Options = Options

    @classmethod
    def suiting(cls, options: Any) -> Codec[Any]:
        """Without a rate, codec `arrays`, which is lossless."""
        if options.bytes_per_vector is not None:
            return cls(options)
        lossless = registry.get("arrays")
        return lossless(lossless.Options(effort=options.effort, chunk=options.chunk))

    @classmethod
    def samples(cls) -> list[Any]:
        """Correlated floats, of length 1 and not."""
        import numpy as np

        rng = np.random.default_rng(1)
        rows = (rng.normal(size=(600, 6)) @ rng.normal(size=(6, 32)) + 0.1 * rng.normal(size=(600, 32))).astype(np.float32)
        return [rows, rows / np.linalg.norm(rows, axis=1, keepdims=True)]

    @classmethod
    def samples_at(cls, effort: int) -> list[Any]:
        """At one effort, which is for lossless coding; that is by codec `arrays`."""
        return cls.samples() if effort == 1 else []

    def options_dict(self) -> dict[str, Any]:
        """All but the effort, which is for lossless coding."""
        return {name: value for name, value in super().options_dict().items() if value is not None and name != "effort"}

    def metadata(self, value: Vectors, session: Session = DEFAULT) -> dict[str, Any]:
        """The axes, and the type of the numbers."""
        return Shape(len(value.rows), value.rows.shape[1], value.rows.dtype.str, self.options.ordered).plain()

    def content_size(self, value: Vectors) -> int | None:
        """Bytes of the vectors."""
        return int(value.rows.nbytes)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Numbers, coordinates and values of a chunk in double precision; the encoder's sample is beside it."""
        return 32 * size + (64 << 20)

    def encode(self, value: Vectors, session: Session = DEFAULT) -> Iterator[Chunk]:
        """The model, then chunks of vectors."""
        encoding = self._encoding(value, session)
        data = encoding.packed
        yield Chunk(CRITICAL, (), data, content_hash(data), len(data))
        starts = range(0, len(value.rows), self._rows(value))
        yield from ordered_map(lambda start: self._chunk(value, encoding, start), starts, session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> Any:
        """Its vectors, [n, d]; the numbers are checked against the hash."""
        import numpy as np

        from lacodec.codecs.vectors._encoding import numbers_in
        from lacodec.codecs.vectors._model import Model

        shape = shape_of(header)
        if len(chunk.covers) != 1 or len(shared) != 1 or shared[0].covers:
            raise CorruptFile("it needs one range and one model")
        count = chunk.covers[0][1] - chunk.covers[0][0]
        if count * shape.row != chunk.decoded_size:
            raise CorruptFile("its decoded size contradicts the vectors that it covers")

        def matrix(data: bytes, dtype: str, axes: tuple[int, int]) -> "np.ndarray":
            return unembed("arrays", data, (np.dtype(dtype), axes), header, session)

        def made() -> Model:
            if content_hash(shared[0].payload) != shared[0].content_hash:
                raise CorruptFile("its model differs from the one that was encoded")
            return Model.unpack(shared[0].payload, shape.columns, matrix)

        model: Model = session.once((Model, shared[0].payload), made)
        numbers = numbers_in(chunk.payload, model, count, shape.ordered, matrix)
        if content_hash(numbers.astype("<i4").tobytes()) != chunk.content_hash:
            raise CorruptFile("its numbers differ from those that were encoded")
        return model.restore(numbers, shape.dtype)

    def assemble(self, header: Header, parts: "Iterator[np.ndarray | Lost]", session: Session = DEFAULT) -> Vectors:
        """The vectors; zeros stand for lost ones."""
        import numpy as np

        shape = shape_of(header)
        found = [np.empty((0, shape.columns), shape.dtype)]
        for part in parts:
            if isinstance(part, Lost):
                if part.covers:  # the model covers nothing; without it all others are lost, too
                    count = len(part.zeros("u1"))
                    shape.require(count * shape.row)
                    part = np.zeros((count, shape.columns), shape.dtype)
                else:
                    continue
            found.append(part)
        return Vectors(np.concatenate(found), header.format or "npy")

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """One array."""
        shape = shape_of(header)
        return Layout((shape.rows, shape.columns), shape.dtype)

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold these vectors."""
        return Range.of(key, shape_of(header).rows, "vectors").chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """These vectors."""
        import numpy as np

        shape = shape_of(header)
        pieces = Range.of(key, shape.rows, "vectors").pieces(index, parts)
        return np.concatenate([np.empty((0, shape.columns), shape.dtype), *pieces])

    def _rows(self, value: Vectors) -> int:
        return min(self.options.chunk or _ROWS, max(1, MAX_DECODED // (value.rows.shape[1] * value.rows.itemsize)))

    def _encoding(self, value: Vectors, session: Session) -> "Encoding":
        """The search for the scale, made once in a session."""
        from lacodec.codecs.vectors._encoding import Encoding

        def made() -> tuple[Encoding, Vectors]:
            def embedded(array: "np.ndarray") -> bytes:
                return embed("arrays", array, session)

            options = self.options
            return Encoding(value.rows, options.bytes_per_vector, self._rows(value), options.ordered, embedded), value

        return session.once((Encoding, id(value)), made)[0]

    def _chunk(self, value: Vectors, encoding: "Encoding", start: int) -> Chunk:
        chosen = slice(start, start + self._rows(value))
        rows = value.rows[chosen if encoding.order is None else encoding.order[chosen]]
        payload, digest = encoding.encode(rows)
        return Chunk(CRITICAL, ((start, start + len(rows)),), payload, digest, rows.nbytes, depends=(0,))
