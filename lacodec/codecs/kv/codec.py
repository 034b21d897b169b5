"""Codec `kv`: the keys and values of a transformer's cache, restored bit for bit; with a quality, codec `kv.lossy` has them.

    KVCache --places--> layers x tokens --gather--> channels side by side --codec `weights`--> payload

A chunk covers (layers, tokens). The header's metadata holds the axes and the model (`media/kv/value.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.kv._header import Place, asked_for, model_of, place_of, shape_of
from lacodec.codecs.options import check_effort, effort_field
from lacodec.codecs.regions import Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, MAX_DECODED, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.kv.files import KV
from lacodec.media.kv.value import KVCache, Shape

if TYPE_CHECKING:
    from lacodec.codecs.kv._content import Pair
    from lacodec.codecs.kv._parts import Part

_CHUNK = 4 << 20  # bytes of a chunk, about: layers are put together up to that many, or tokens cut
_TOKENS = 1 << 16  # in a chunk, at most


def tokens_field() -> Any:
    """A dataclass field for `tokens`."""
    return field(default=1024, metadata={"help": "tokens in a chunk: fewer make parts quicker to read, and the file larger"})


def check_tokens(value: Any) -> None:
    """A whole number from 1."""
    if type(value) is not int or not 1 <= value <= _TOKENS:
        raise BadInput(f"tokens is {value!r}; give a whole number from 1 to {_TOKENS}")


@dataclass(frozen=True)
class _Options:
    effort: int = effort_field()
    tokens: int = tokens_field()
    quality: float | None = field(
        default=None, metadata={"help": "lossy: any number from 1 (smallest) to 100 (best); default: lossless"}
    )
    basis: str | None = field(
        default=None, metadata={"help": "with a quality: file that lacodec.kv.calibrate made for the model"}
    )

    def __post_init__(self) -> None:
        check_effort(self.effort)
        check_tokens(self.tokens)
        if self.basis is not None and self.quality is None:
            raise BadInput("a basis is of use only to lossy coding; give a quality, too")


class KVCodec(Codec[KVCache]):
    """Keys and values, with an effort from 1 to 9."""

    name = "kv"
    stream_version = 0
    identical = "bytes"
    media = KV
    nested: ClassVar[dict[str, int]] = {"weights": 1, "bytes": 2}
    Options: ClassVar[type[Any]] = _Options

    @classmethod
    def suiting(cls, options: Any) -> Codec[KVCache]:
        """With a quality, the lossy codec."""
        if options.quality is None:
            return cls(options)
        lossy = registry.get("kv.lossy")
        return lossy(lossy.Options(options.quality, options.basis, options.tokens))

    def options_dict(self) -> dict[str, Any]:
        """Without those of the lossy codec."""
        return {"effort": self.options.effort, "tokens": self.options.tokens}

    def metadata(self, value: KVCache, session: Session = DEFAULT) -> dict[str, Any]:
        """The axes, and the model."""
        shape = value.shape
        layers = [list(layer) for layer in shape.layers]
        layers = layers[:1] if all(layer == layers[0] for layer in layers) else layers
        count = len(shape.layers)
        axes = {"dtype": shape.dtype, "batch": shape.batch, "tokens": shape.tokens, "count": count, "layers": layers}
        return {**axes, "model": value.model.plain()}

    @classmethod
    def samples(cls) -> list[Any]:
        """Caches of all types of elements."""
        import numpy as np

        spread = np.random.default_rng(1).normal(0, 1, (1, 2, 300, 32)).astype(np.float32)
        kinds: dict[str, Any] = {
            "F32": spread,
            "F16": spread.astype(np.float16),
            "BF16": (spread.view(np.uint32) >> 16).astype(np.uint16),
        }
        return [KVCache(((array, array[:, :, ::-1]),), dtype) for dtype, array in kinds.items()]

    def content_size(self, value: KVCache) -> int:
        """Bytes of all keys and values."""
        shape = value.shape
        return sum(shape.row(layer) for layer in range(len(shape.layers))) * shape.tokens

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """What codec `weights` needs, and two copies of the content."""
        from lacodec.codecs.weights.codec import Weights

        return 2 * size + Weights().memory(size, payload)

    def encode(self, value: KVCache, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of about 4 MiB, by layers, then by tokens."""
        return ordered_map(lambda place: self._chunk(value, place, session), self._places(value.shape), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> "Part":
        """(the place, keys and values of each layer)."""
        import numpy as np

        from lacodec.codecs.kv._content import size_of, spread

        shape, place = shape_of(header), place_of(chunk.covers, shape_of(header))
        if chunk.kind != CRITICAL or chunk.decoded_size != size_of(shape, place):
            raise CorruptFile("its decoded size contradicts the layers and tokens that it covers")
        content = np.asarray(unembed("weights", chunk.payload, chunk.decoded_size, header, session))
        if content_hash(content) != chunk.content_hash:
            raise CorruptFile("its bits differ from those that were encoded")
        return place, spread(content, shape, place)

    def assemble(self, header: Header, parts: "Iterator[Part | Lost]", session: Session = DEFAULT) -> KVCache:
        """The cache; zeros stand for lost layers and tokens."""
        from lacodec.codecs.kv._parts import layers_of

        shape = shape_of(header)
        layers = layers_of(parts, shape, ((0, len(shape.layers)), (0, shape.tokens)))
        return KVCache(tuple(layers), shape.dtype, model_of(header))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold these layers and tokens: `key` is two slices with step 1."""
        (first, last), (start, stop) = asked_for(header, key)
        rows, columns = Range(first, last).chunks(index, 0), set(Range(start, stop).chunks(index, 1))
        return [position for position in rows if position in columns]

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> "list[Pair]":
        """(keys, values) of each layer, with these tokens."""
        from lacodec.codecs.kv._parts import layers_of

        return layers_of(parts, shape_of(header), asked_for(header, key))

    def _places(self, shape: Shape) -> Iterator[Place]:
        """Layers together as far as they fit into a chunk, and their tokens in order."""
        layer = 0
        while layer < len(shape.layers):
            row, last = shape.row(layer), layer + 1
            tokens = max(1, min(self.options.tokens, _CHUNK // max(row, 1)))
            while last < len(shape.layers) and (row + shape.row(last)) * tokens <= _CHUNK:
                row += shape.row(last)
                last += 1
            if row * tokens > MAX_DECODED:
                raise BadInput(f"layer {layer} has {row} bytes a token; at most {MAX_DECODED} are supported")
            for start in range(0, max(shape.tokens, 1), tokens):
                yield (layer, last), (start, min(start + tokens, shape.tokens))
            layer = last

    def _chunk(self, value: KVCache, place: Place, session: Session) -> Chunk:
        from lacodec.codecs.kv._content import gather, runs_of

        content, runs = gather(value, place), list(runs_of(value.shape, place))
        payload = embed("weights", (content.data, runs), session, effort=self.options.effort)
        return Chunk(CRITICAL, place, payload, content_hash(content), len(content))
