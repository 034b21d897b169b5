"""Layers put together: the units of the first chunks, refined as far as the layers go.

The header has `layers`: f32[layers + 1, 2], the squared error relative to the squares after each layer, plain and weighted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.regions import Lost
from lacodec.codecs.weights._payload import Surroundings
from lacodec.codecs.weights._selection import table_of
from lacodec.codecs.weights.quantised._pieces import pieces_of
from lacodec.codecs.weights.quantised.layers._base import Base, read_base
from lacodec.codecs.weights.quantised.layers._layer import Layer, read_layer, steps_hash, steps_size, trace
from lacodec.codecs.weights.quantised.layers._unit import read_level
from lacodec.container.types import Chunk, ChunkHead, Covers, Header, content_hash
from lacodec.errors import CorruptFile

LAYERS = "layers"


def in_layers(header: Header) -> bool:
    """Whether the file is in layers."""
    return LAYERS in header.metadata


def file_size(header: Header) -> int:
    """Bytes of the file that decoding gives, where the first layer begins."""
    return max((entry.stop for entry in table_of(header)), default=0)


def read_part(header: Header, chunk: Chunk, around: Surroundings) -> Base | Layer:
    """One chunk; raises CorruptFile. What a layer refines is checked when it is put together with the others."""
    start, stop = chunk.covers[0]
    size = file_size(header)
    if start >= size > 0:
        return read_layer(chunk.payload, chunk.content_hash, chunk.decoded_size)
    return read_base(chunk.payload, start, pieces_of(table_of(header), start, stop), around, chunk.content_hash)


def refined(numbers: Sequence[int], parts: Sequence[Any]) -> list[memoryview]:
    """The bytes of the first chunks with these numbers; parts: of these and of all layers."""
    found = Refined(dict(zip(numbers, parts, strict=False)))
    for layer in parts[len(numbers) :]:
        found.add(layer, True)
    return [found.content(number) for number in numbers]


def qualities(header: Header) -> NDArray[np.float32]:
    """f32[layers + 1, 2]; raises CorruptFile."""
    data = header.metadata[LAYERS]
    if not isinstance(data, bytes) or not data or len(data) % 8:
        raise CorruptFile("the header does not tell the errors of its layers")
    return np.frombuffer(data, "<f4").reshape(-1, 2)


def described(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
    """For `lacodec info`: how many layers there are, bits per value and the errors with these; tensors share bytes by size."""
    table, known, size = table_of(header), qualities(header), file_size(header)
    there = _layers([head.covers for head in index], size)
    plain, weighted = known[min(there, len(known) - 1)].tolist()
    values = max(1, sum(int(np.prod(entry.shape, dtype=np.int64)) for entry in table))
    coded = sum(head.payload_size for head in index)
    return {
        "profile": "layers, data-free", "layers": there, "layers of the whole file": len(known) - 1,
        "bits": round(8 * coded / values, 3), "error": plain, "weighted error": weighted,
        "tensors": {
            entry.name: {
                "dtype": entry.dtype, "shape": list(entry.shape), "size": entry.size, "coded": entry.size * coded // max(1, size)
            } for entry in table
        },
    }  # fmt: skip


def cut_after(header: Header, covers: Sequence[Covers]) -> str | None:
    """How good a file is of which only these chunks are left; None if some of the first ones are missing."""
    known, size = qualities(header)[:, 0], file_size(header)
    if not size or max((cover[0][1] for cover in covers if cover), default=0) < size:
        return None
    there = min(_layers(covers, size), len(known) - 1)
    return f"it ends after {there} of {len(known) - 1} layers: relative squared error {known[there]:.4g}, not {known[-1]:.4g}"


def _layers(covers: Sequence[Covers], size: int) -> int:
    return sum(1 for cover in covers if cover and cover[0][0] >= size > 0)


class Refined:
    """Base chunks by their numbers, and how many levels of each of their units are known."""

    def __init__(self, bases: Mapping[int, Base]) -> None:
        self._bases = {number: base.afresh() for number, base in bases.items()}
        self._levels = {number: [0] * len(base.units) for number, base in bases.items()}
        self._whole = True  # no chunk before was lost

    def lose(self) -> None:
        """A chunk is lost: from now on, only units that go on where they ended are refined."""
        self._whole = False

    def add(self, layer: Layer, part: bool = False) -> None:
        """Refine by a layer; raises CorruptFile. part: there are units of other base chunks in it, which are left out."""
        units, traces = [], []
        for step in layer.steps:
            levels = self._levels.get(step.chunk)
            if levels is None or step.unit >= len(levels) or levels[step.unit] != step.level:
                if not (part and levels is None) and self._whole:
                    raise CorruptFile("a layer refines what is not there")
                part = True
                continue
            unit = self._bases[step.chunk].units[step.unit]
            read_level(unit, step.data, step.level)
            levels[step.unit] += 1
            units.append(unit)
            traces.append(content_hash(trace(unit)))
        if not part and (steps_hash(traces) != layer.hash or steps_size(units) != layer.size):
            raise CorruptFile("the numbers of a layer differ from those that were encoded")

    def content(self, number: int) -> memoryview:
        """The bytes of the range of a base chunk."""
        return self._bases[number].content(self._levels[number])


def contents(parts: Iterable[Base | Layer | Lost], size: int) -> Iterator[memoryview | Lost]:
    """The content of the file, range by range. parts: of all chunks, in order, all read at once; size: bytes of the file."""
    first: list[Base | Lost] = []
    refined: Refined | None = None
    for part in parts:
        if isinstance(part, Base) or (isinstance(part, Lost) and (part.covers is None or part.covers[0][0] < size)):
            first.append(part)
            continue
        refined = refined or _of(first)
        if isinstance(part, Lost):
            refined.lose()
        else:
            refined.add(part)
    known = refined or _of(first)
    return (base if isinstance(base, Lost) else known.content(number) for number, base in enumerate(first))


def _of(first: list[Base | Lost]) -> Refined:
    found = Refined({number: base for number, base in enumerate(first) if isinstance(base, Base)})
    if any(isinstance(base, Lost) for base in first):
        found.lose()
    return found
