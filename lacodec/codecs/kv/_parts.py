"""Decoded chunks put together, layer by layer."""

from collections.abc import Iterable, Iterator

import numpy as np

from lacodec.codecs.kv._content import Pair, size_of
from lacodec.codecs.kv._header import Place, place_of
from lacodec.codecs.regions import Lost
from lacodec.errors import CorruptFile
from lacodec.media.kv.value import DTYPES, Shape

Part = tuple[Place, list[Pair]]
_MOST_ZEROS = 1 << 32  # bytes that stand for lost chunks


def layers_of(parts: Iterable[Part | Lost], shape: Shape, wanted: Place) -> list[Pair]:
    """(keys, values) of the wanted layers and tokens; zeros where chunks are lost. Raises CorruptFile for gaps and overlaps."""
    (first, last), (start, stop) = wanted
    found: list[list[Pair]] = [[] for _ in range(first, last)]
    ends = [start] * len(found)
    for ((one, other), (begin, end)), pairs in _without_lost(parts, shape):
        for layer in range(max(one, first), min(other, last)):
            keys, values = pairs[layer - one]
            if max(begin, start) != ends[layer - first]:
                raise CorruptFile(f"layer {layer} has tokens up to {ends[layer - first]}, and then from {begin} on")
            cut = slice(max(start - begin, 0), min(stop, end) - begin)
            found[layer - first].append((keys[:, :, cut], values[:, :, cut]))
            ends[layer - first] = max(start, min(stop, end))
    for layer, end in enumerate(ends, first):
        if end != stop:
            raise CorruptFile(f"layer {layer} has tokens up to {end}, not up to {stop}")
    return [_joined(pairs, shape, layer) for layer, pairs in enumerate(found, first)]


def _without_lost(parts: Iterable[Part | Lost], shape: Shape) -> Iterator[Part]:
    zeros = 0
    for part in parts:
        if isinstance(part, Lost):
            (first, last), (start, stop) = place = place_of(part.covers or (), shape)
            zeros += size_of(shape, place)
            if zeros > _MOST_ZEROS:
                raise CorruptFile("too much of it is lost")
            sizes = [shape.arrays(layer, stop - start) for layer in range(first, last)]
            kind = DTYPES[shape.dtype]
            yield place, [(np.zeros(keys, kind), np.zeros(values, kind)) for keys, values in sizes]
        else:
            yield part


def _joined(pairs: list[Pair], shape: Shape, layer: int) -> Pair:
    """Parts of a layer, one behind the other."""
    if not pairs:
        keys, values = shape.arrays(layer, 0)
        return np.empty(keys, DTYPES[shape.dtype]), np.empty(values, DTYPES[shape.dtype])
    if len(pairs) == 1:
        return pairs[0]
    return np.concatenate([keys for keys, _ in pairs], axis=2), np.concatenate([values for _, values in pairs], axis=2)
