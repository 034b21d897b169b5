"""`KVCache`: the keys and values that a transformer keeps of the tokens it has seen, and the model that they belong to."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, CorruptFile

if TYPE_CHECKING:
    import numpy as np

DTYPES = {"BF16": "<u2", "F16": "<f2", "F32": "<f4"}
"""Types of the elements, by the names of safetensors -> numpy's; BF16 keeps its bits as uint16."""
MOST_LAYERS = 1 << 12
_MOST = 1 << 40  # elements on an axis
_MOST_TEXT = 256  # characters
_MOST_FREQUENCIES = 1 << 12


@dataclass(frozen=True)
class Model:
    """The model that made a cache: what must be the same where the cache is used.

    name: for people. fingerprint: SHA-256 in hexadecimal, of names, shapes and values of its weights. rope: "none", or the kind
    of rotary embedding that keys were turned by, with its numbers: inv_freq, radians a token for each pair of channels, and
    scaling, which cos and sin are multiplied by.
    """

    name: str = ""
    fingerprint: str = ""
    rope: str = "none"
    inv_freq: tuple[float, ...] = ()
    scaling: float = 1.0

    def __post_init__(self) -> None:
        for text in (self.name, self.fingerprint, self.rope):
            if not isinstance(text, str) or len(text) > _MOST_TEXT or not text.isprintable():
                raise BadInput(f"{str(text)[:80]!r} cannot describe a model; give a line of at most {_MOST_TEXT} characters")
        numbers = (*self.inv_freq, self.scaling)
        if len(numbers) > _MOST_FREQUENCIES or not all(type(number) is float and math.isfinite(number) for number in numbers):
            raise BadInput("the numbers of a rotary embedding must be finite floats")
        if (self.rope == "none") != (not self.inv_freq):
            raise BadInput("a rotary embedding has a kind and frequencies, or neither")

    def plain(self) -> dict[str, Any]:
        """For headers."""
        return {**asdict(self), "inv_freq": list(self.inv_freq)}

    @classmethod
    def of_plain(cls, found: Any) -> "Model":
        """The inverse of `plain`; raises CorruptFile."""
        if not isinstance(found, Mapping) or set(found) != set(cls.__dataclass_fields__):
            raise CorruptFile("the header does not describe the model of the cache")
        if not isinstance(found["inv_freq"], list | tuple):
            raise CorruptFile("the header does not give the frequencies of the rotary embedding")
        try:
            return cls(**{**found, "inv_freq": tuple(found["inv_freq"])})
        except BadInput as error:
            raise CorruptFile(str(error)) from error

    def differs(self, other: "Model") -> str | None:
        """In what another model is another one, for a message; names do not matter. None if they agree."""
        for name, what in (("fingerprint", "weights"), ("rope", "kind of rotary embedding"), ("inv_freq", "frequencies")):
            if getattr(self, name) != getattr(other, name):
                return what
        return "scaling of the rotary embedding" if self.scaling != other.scaling else None


@dataclass(frozen=True)
class Shape:
    """The axes of a cache: what all layers share, and (key heads, key width, value heads, value width) of each layer."""

    dtype: str
    batch: int
    tokens: int
    layers: tuple[tuple[int, int, int, int], ...]

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise BadInput(f"a cache has elements of type {str(self.dtype)[:40]}; supported types: {', '.join(DTYPES)}")
        if not 1 <= len(self.layers) <= MOST_LAYERS:
            raise BadInput(f"a cache has {len(self.layers)} layers; 1 to {MOST_LAYERS} are supported")
        for number in (self.batch, self.tokens, *(number for layer in self.layers for number in layer)):
            if type(number) is not int or not 0 <= number < _MOST:
                raise BadInput(f"a cache has an axis of size {number}")

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return 4 if self.dtype == "F32" else 2

    def row(self, layer: int) -> int:
        """Bytes of a token in a layer."""
        key_heads, key_width, value_heads, value_width = self.layers[layer]
        return self.batch * (key_heads * key_width + value_heads * value_width) * self.width

    def arrays(self, layer: int, tokens: int) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
        """[batch, heads, tokens, width] of keys and values, for so many tokens."""
        key_heads, key_width, value_heads, value_width = self.layers[layer]
        return (self.batch, key_heads, tokens, key_width), (self.batch, value_heads, tokens, value_width)


@dataclass(frozen=True, eq=False)
class KVCache:
    """A cache: for each layer (keys, values), arrays [batch, heads, tokens, width] of dtype (`DTYPES`), keys as attention uses
    them, after the rotary embedding.

    All layers have the same batch and tokens; heads and width may differ, also between keys and values. weights: f32[layers,
    tokens], what errors in each token cost, in any unit, for lossy coding, which gives more bits to what costs more; not kept.
    Raises BadInput.
    """

    layers: tuple[tuple["np.ndarray", "np.ndarray"], ...] = field(repr=False)
    dtype: str
    model: Model = Model()
    weights: "np.ndarray | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        first = None
        for number, pair in enumerate(self.layers):
            for what, array in zip(("keys", "values"), pair, strict=True):
                place = f"layer {number}: its {what}"
                if array.ndim != 4:
                    raise BadInput(f"{place} have {array.ndim} axes; give [batch, heads, tokens, width]")
                if array.dtype.str.replace(">", "<") != DTYPES.get(self.dtype, array.dtype.str):
                    raise BadInput(f"{place} are {array.dtype}, in a cache of {self.dtype}; all must have one type")
                first = first or (array.shape[0], array.shape[2])
                if (array.shape[0], array.shape[2]) != first:
                    raise BadInput(
                        f"{place} have shape {list(array.shape)}, but layer 0 has a batch of {first[0]} and {first[1]} tokens; "
                        "caches of which some layers keep other tokens (sliding windows) are not supported"
                    )
        shape = self.shape  # checks the sizes
        if self.weights is not None:
            if self.weights.shape != (len(shape.layers), shape.tokens):
                raise BadInput(f"weights have shape {list(self.weights.shape)}; give [{len(shape.layers)}, {shape.tokens}]")
            if not (self.weights >= 0).all() or not (self.weights < math.inf).all():
                raise BadInput("weights of tokens must be finite, and not below 0")

    @property
    def shape(self) -> Shape:
        """Its axes."""
        sizes = tuple((k.shape[1], k.shape[3], v.shape[1], v.shape[3]) for k, v in self.layers)
        batch, tokens = (self.layers[0][0].shape[0], self.layers[0][0].shape[2]) if self.layers else (0, 0)
        return Shape(self.dtype, batch, tokens, sizes)
