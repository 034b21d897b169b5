"""Codec `image.pc`: sets of small pictures of one size, without loss, by a probabilistic circuit that was trained on such ones.

    pictures --walk of a tree: what hidden states and so the next pixel are likely to be--> range coder --> chunks

The circuit is a model file that any number of files share; a file names it by its id. A chunk is some pictures, and stands alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.base import Codec
from lacodec.codecs.image.pc import _models
from lacodec.codecs.image.pc._options import Options
from lacodec.codecs.regions import Layout, Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded
from lacodec.io.threads import ordered_map
from lacodec.media.pictures.files import PICTURE_SETS
from lacodec.media.pictures.value import MOST_PIXELS, Pictures

if TYPE_CHECKING:
    import numpy as np

    from lacodec.models.circuits.circuit import Circuit

_CHUNK = 1 << 18  # pixels
_MOST = 1 << 40  # pictures
_MOST_ZEROS = 1 << 32  # bytes that stand for lost chunks


class CircuitPictures(Codec[Pictures]):
    """Sets of small pictures, by a circuit of your own."""

    name = "image.pc"
    stream_version = 0
    identical = "pixels"
    media = PICTURE_SETS
    nested: ClassVar[Mapping[str, int]] = {"bytes": 2}
    Options = Options

    def options_dict(self) -> dict[str, Any]:
        """Nothing: the header has the circuit's id, the index the chunks, and a path is nobody's business."""
        return {}

    def model_id(self) -> bytes | None:
        """Of the circuit that the options name."""
        return _models.by_path(self.options.model).id

    def metadata(self, value: Pictures, session: Session = DEFAULT) -> dict[str, Any]:
        """The axes."""
        return {"shape": list(value.pixels.shape)}

    def content_size(self, value: Pictures) -> int | None:
        """A byte a pixel."""
        return int(value.pixels.nbytes)

    def chunk_size(self) -> int:
        """Of a chunk by default."""
        return _CHUNK

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """The coded bytes at worst, and two rows of states for each step of the longest path."""
        return 12 * size + (64 << 20)

    def encode(self, value: Pictures, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of pictures; raises BadInput for pictures of another size than the circuit's."""
        circuit, size = _models.by_path(self.options.model), prod(value.pixels.shape[1:])
        if circuit.shape != value.pixels.shape[1:]:
            raise BadInput(
                f"the circuit is for pictures of {list(circuit.shape)}, not {list(value.pixels.shape[1:])}; name another"
            )
        step = self.options.chunk or max(1, _CHUNK // size)
        return ordered_map(
            lambda at: _chunk(value, at, step, circuit, session), range(0, len(value.pixels), step), session.threads
        )

    def decode_chunk(
        self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT
    ) -> "np.ndarray":
        """Its pictures."""
        from lacodec.codecs.image.pc._payload import decode

        shape, circuit = _shape(header), _models.by_id(header.model_id or b"")
        if circuit.shape != shape[1:]:
            raise CorruptFile("its circuit is for pictures of another size")
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it is not a range of pictures")
        first, last = chunk.covers[0]
        if not 0 <= first < last <= shape[0] or (last - first) * prod(shape[1:]) != chunk.decoded_size:
            raise CorruptFile("its decoded size contradicts the pictures that it covers")
        found = decode(chunk.payload, last - first, circuit, header, session)
        if content_hash(found.tobytes()) != chunk.content_hash:
            raise CorruptFile("its pictures differ from those that were encoded")
        return found.reshape(-1, *shape[1:])

    def assemble(self, header: Header, parts: "Iterator[np.ndarray | Lost]", session: Session = DEFAULT) -> Pictures:
        """The pictures; lost ones are black."""
        import numpy as np

        shape = _shape(header)
        found, lost = [np.empty((0, *shape[1:]), np.uint8)], False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                part = _black(part, shape)
            found.append(part)
        pixels = np.concatenate(found)
        if len(pixels) != shape[0] and not lost:
            raise CorruptFile("its chunks have another number of pictures than the header")
        return Pictures(pixels)

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """One array."""
        import numpy as np

        return Layout(_shape(header), np.dtype(np.uint8))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold these pictures."""
        return Range.of(key, _shape(header)[0], "pictures").chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """These pictures."""
        import numpy as np

        shape = _shape(header)
        pieces = Range.of(key, shape[0], "pictures").pieces(index, parts)
        return np.concatenate([np.empty((0, *shape[1:]), np.uint8), *pieces])


def _chunk(value: Pictures, at: int, step: int, circuit: "Circuit", session: Session) -> Chunk:
    from lacodec.codecs.image.pc._payload import encode

    part = value.pixels[at : at + step]
    payload = encode(part.reshape(len(part), -1), circuit, session)
    return Chunk(CRITICAL, ((at, at + len(part)),), payload, content_hash(part.tobytes()), part.nbytes)


def _shape(header: Header) -> tuple[int, ...]:
    """Of the set; raises CorruptFile."""
    shape = header.metadata.get("shape")
    if not isinstance(shape, list) or len(shape) not in (3, 4) or not all(type(n) is int and n >= 0 for n in shape):
        raise CorruptFile("the header does not give the axes of the pictures")
    if shape[0] > _MOST or not 1 <= prod(shape[1:]) <= MOST_PIXELS:
        raise CorruptFile("the header gives impossible axes")
    return tuple(shape)


def _black(part: Lost, shape: tuple[int, ...]) -> "np.ndarray":
    import numpy as np

    count = len(part.zeros("u1"))
    if count * prod(shape[1:]) > _MOST_ZEROS:
        raise LimitExceeded(f"a lost range of {count} pictures is too large to be filled; the file is forged")
    return np.zeros((count, *shape[1:]), np.uint8)
