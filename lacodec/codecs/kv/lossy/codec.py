"""Codec `kv.lossy`: keys and values as whole numbers of steps; what `kv` does with a quality.

    keys --rotary embedding undone--> coefficients of a basis --steps--> numbers --one table a channel, rANS--> chunks
    values ------------------------>

Chunks and parts are those of codec `kv`. The numbers are the same on every machine; the last bit of an element need not be.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs.kv._header import Place, place_of, shape_of
from lacodec.codecs.kv.codec import KVCodec, check_tokens, model_of, tokens_field
from lacodec.codecs.references import Reference, is_description, needed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.kv.value import KVCache, Model, Shape

if TYPE_CHECKING:
    from lacodec.codecs.kv._parts import Part
    from lacodec.codecs.kv.lossy._classes import Classes
    from lacodec.codecs.kv.lossy._payload import Setup
    from lacodec.codecs.kv.lossy.basis import Basis

_OCTAVE = 10.0  # of quality: steps half as large
_MIDDLE = 50.0
_MOST_KEPT = 1 << 16  # tokens
_LAST_START = 1 << 40


@dataclass(frozen=True)
class _Options:
    quality: float = field(default=_MIDDLE, metadata={"help": "lossy: any number from 1 (smallest) to 100 (best)"})
    basis: str | None = field(default=None, metadata={"help": "file that lacodec.kv.calibrate made for the model"})
    tokens: int = tokens_field()
    exact: int = field(default=2, metadata={"help": "tokens at the begin that are kept as they are"})
    ends: bool = field(default=True, metadata={"help": "the text goes on after this cache: its last tokens matter more"})
    start: int = field(default=0, metadata={"help": "tokens of the sequence before the first one of this cache"})

    def __post_init__(self) -> None:
        check_quality(self.quality)
        check_tokens(self.tokens)
        if type(self.exact) is not int or not 0 <= self.exact <= _MOST_KEPT:
            raise BadInput(f"exact is {self.exact!r}; give a number of tokens from 0 to {_MOST_KEPT}")
        if type(self.ends) is not bool:
            raise BadInput(f"ends is {self.ends!r}; give True or False")
        if type(self.start) is not int or not 0 <= self.start <= _LAST_START:
            raise BadInput(f"start is {self.start!r}; give a number of tokens from 0 to {_LAST_START}")


class Lossy(KVCodec):
    """Keys and values, at a quality from 1 to 100."""

    name = "kv.lossy"
    identical = "none"
    reference_option = "basis"
    sample_options: ClassVar[Mapping[str, Any]] = {}
    Options = _Options

    @classmethod
    def suiting(cls, options: Any) -> "Lossy":
        """This codec."""
        return cls(options)

    def options_dict(self) -> dict[str, Any]:
        """Without the path of the basis, which the metadata describes."""
        return {name: getattr(self.options, name) for name in ("quality", "tokens", "exact", "ends", "start")}

    @classmethod
    def samples(cls) -> list[Any]:
        """Caches of all types of elements, with a rotary embedding."""
        model = Model("", "", "default", (1.0, 0.1), 1.0)
        return [KVCache(value.layers, value.dtype, model) for value in super().samples()]

    def metadata(self, value: KVCache, session: Session = DEFAULT) -> dict[str, Any]:
        """Beside the axes and the model: step, tokens kept better, place in the sequence, the basis if decoding needs it."""
        setup, reference = self._setup(value, session)
        found = super().metadata(value, session)
        found["lossy"] = {"step": setup.step, "exact": setup.exact, "start": setup.start}
        if reference is not None and setup.basis is not None and setup.basis.has_matrices:
            found["basis"] = reference.described()
        return found

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Values, coefficients and numbers, some of them twice; cos and sin."""
        return 24 * size + (64 << 20)

    def encode(self, value: KVCache, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of about 4 MiB, by layers, then by tokens."""
        from lacodec.codecs.kv._content import size_of
        from lacodec.codecs.kv.lossy._payload import encode_place

        setup, _ = self._setup(value, session)

        def chunk(place: Place) -> Chunk:
            payload, found = encode_place(value, place, setup, session)
            return Chunk(CRITICAL, place, payload, found, size_of(setup.shape, place))

        return ordered_map(chunk, self._places(value.shape), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> "Part":
        """(the place, keys and values of each layer); the numbers are checked against the chunk's hash."""
        from lacodec.codecs.kv._content import size_of
        from lacodec.codecs.kv.lossy._payload import decode_place

        setup = _stored_setup(header, session)
        place = place_of(chunk.covers, setup.shape)
        if chunk.kind != CRITICAL or chunk.decoded_size != size_of(setup.shape, place):
            raise CorruptFile("its decoded size contradicts the layers and tokens that it covers")
        return place, decode_place(chunk.payload, place, setup, chunk.content_hash, header, session)

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata; of the basis its name and size."""
        basis = header.metadata.get("basis")
        if not is_description(basis):
            return header.metadata
        return {**header.metadata, "basis": {**basis, "hash": basis["hash"].hex()}}

    def _setup(self, value: KVCache, session: Session) -> "tuple[Setup, Reference | None]":
        from lacodec.codecs.kv.lossy._payload import Setup

        options = self.options
        reference = session.references[0] if session.references else None
        basis = None if reference is None else _opened(reference, session)
        if basis is not None:
            _check_suits(basis, value.shape, value.model)
        step = float(2.0 ** ((_MIDDLE - options.quality) / _OCTAVE))
        classes = _classes_of(value) if options.ends or value.weights is not None else None
        return Setup(value.shape, value.model, step, options.exact, options.start, basis, classes), reference


def check_quality(value: Any) -> None:
    """A number from 1 to 100."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 100:
        raise BadInput(f"quality is {value!r}; give a number from 1 to 100")


def _classes_of(value: KVCache) -> "Classes":
    import numpy as np

    from lacodec.codecs.kv.lossy._classes import of_ends, of_weights

    if value.weights is not None:
        return of_weights(value.weights)
    shape = value.shape
    return np.broadcast_to(of_ends(shape.tokens), (len(shape.layers), shape.tokens))


def _stored_setup(header: Header, session: Session) -> "Setup":
    from lacodec.codecs.kv.lossy._payload import Setup

    found = header.metadata.get("lossy")
    if not isinstance(found, Mapping) or set(found) != {"step", "exact", "start"}:
        raise CorruptFile("the header does not tell the steps of the cache")
    step, start, exact = found["step"], found["start"], found["exact"]
    if (
        type(step) is not float
        or not 2.0**-20 <= step <= 2.0**20
        or type(exact) is not int
        or not 0 <= exact <= _MOST_KEPT
        or type(start) is not int
        or not 0 <= start <= _LAST_START
    ):
        raise CorruptFile("the header tells impossible steps")
    shape, model, basis = shape_of(header), model_of(header), None
    if (described := header.metadata.get("basis")) is not None:
        basis = _opened(needed(described, session.references), session, described)
        try:
            _check_suits(basis, shape, model)
        except BadInput as error:
            raise CorruptFile(str(error)) from None
    return Setup(shape, model, step, exact, start, basis)


def _opened(reference: Reference, session: Session, described: Any = None) -> "Basis":
    """The basis in a file; BadInput if it is not the one described: hashes of chunks would not tell."""
    from lacodec.codecs.kv.lossy.basis import Basis

    def opened() -> "tuple[Basis, Reference]":
        if described is not None:
            reference.check(described)
        return Basis.of_source(reference.source), reference

    return session.once(("kv basis", id(reference), described is None), opened)[0]


def _check_suits(basis: "Basis", shape: Shape, model: Model) -> None:
    """BadInput if a basis is one of another model, or has other axes."""
    if model.fingerprint and basis.model.fingerprint and (other := basis.model.differs(model)):
        raise BadInput(f"the basis was made for {basis.model.name or 'a model without a name'}, of which the {other} differs")
    if (model.inv_freq, model.scaling) != (basis.model.inv_freq, basis.model.scaling):
        raise BadInput("the basis was made for keys with another rotary embedding; pass the model that made the cache")
    sizes = [(key_heads * key_width, heads * width) for key_heads, key_width, heads, width in shape.layers]
    if sizes != [(keys.channels, values.channels) for keys, values in basis.layers]:
        raise BadInput("the basis is one for caches of other layers, heads or widths")
