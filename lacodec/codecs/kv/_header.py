"""What the header of a file says of its cache, and what callers and chunks may name of it."""

from typing import Any

from lacodec.codecs.regions import Range
from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.kv.value import MOST_LAYERS, Model, Shape

Place = tuple[tuple[int, int], tuple[int, int]]
"""(first layer, one after the last), (first token, one after the last)"""


def shape_of(header: Header) -> Shape:
    """The axes of the cache in a file; raises CorruptFile."""
    found = header.metadata
    layers, count = found.get("layers"), found.get("count")
    if not isinstance(layers, list | tuple) or type(count) is not int or len(layers) not in (1, count) or count > MOST_LAYERS:
        raise CorruptFile("the header does not list the layers of the cache")
    if not all(isinstance(layer, list | tuple) and len(layer) == 4 for layer in layers):
        raise CorruptFile("the header does not give heads and widths of each layer")
    sizes = tuple(tuple(layer) for layer in layers)
    try:
        return Shape(found.get("dtype"), found.get("batch"), found.get("tokens"), sizes * count if len(sizes) == 1 else sizes)  # type: ignore[arg-type]
    except (BadInput, TypeError) as error:
        raise CorruptFile(f"the header describes no cache ({error})") from error


def model_of(header: Header) -> Model:
    """The model that made the cache in a file; raises CorruptFile."""
    return Model.of_plain(header.metadata.get("model"))


def asked_for(header: Header, key: Any) -> Place:
    """(layers, tokens) that a key asks for; raises BadInput."""
    if not isinstance(key, tuple) or len(key) != 2 or not all(isinstance(item, slice) for item in key):
        raise BadInput(f"{key!r} cannot select from a cache; use slices of layers and tokens such as [2:4, 0:1024]")
    shape = shape_of(header)
    layers, tokens = Range.of(key[0], len(shape.layers), "layers"), Range.of(key[1], shape.tokens, "tokens")
    return (layers.start, layers.stop), (tokens.start, tokens.stop)


def place_of(covers: Any, shape: Shape) -> Place:
    """What a chunk covers, checked against the axes; raises CorruptFile."""
    if len(covers) != 2:
        raise CorruptFile("it does not cover layers and tokens")
    (first, last), (start, stop) = covers
    if not 0 <= first < last <= len(shape.layers) or not 0 <= start <= stop <= shape.tokens:
        raise CorruptFile("it covers layers or tokens that the cache does not have")
    return (first, last), (start, stop)
