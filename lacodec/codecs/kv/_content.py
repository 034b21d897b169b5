"""The content of a chunk: the keys and values of some layers and tokens, channel by channel.

    for each layer: keys [batch, heads, width, tokens], values [batch, heads, width, tokens]

A channel has its own scale, so it is the unit for which tables are chosen: its tokens lie side by side.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.kv._header import Place
from lacodec.codecs.kv._turn_kernel import turn
from lacodec.media.kv.files import little
from lacodec.media.kv.value import DTYPES, KVCache, Shape

Pair = tuple[NDArray[np.generic], NDArray[np.generic]]


def size_of(shape: Shape, place: Place) -> int:
    """Bytes of a chunk."""
    (first, last), (start, stop) = place
    return sum(shape.row(layer) for layer in range(first, last)) * (stop - start)


def runs_of(shape: Shape, place: Place) -> Iterator[tuple[str, int, int]]:
    """(dtype, bytes, bytes of a channel) of the arrays in a chunk, but for empty ones."""
    (first, last), (start, stop) = place
    for layer in range(first, last):
        for batch, heads, tokens, width in shape.arrays(layer, stop - start):
            if size := batch * heads * tokens * width * shape.width:
                yield shape.dtype, size, tokens * shape.width


def gather(cache: KVCache, place: Place) -> NDArray[np.uint8]:
    """The content for a place in a cache, u8[...]."""
    (first, last), (start, stop) = place
    shape = cache.shape
    out, at = np.empty(size_of(shape, place), np.uint8), 0
    for layer in range(first, last):
        for array in cache.layers[layer]:
            part = little(array[:, :, start:stop])
            channels = out[at : at + part.nbytes].view(part.dtype).reshape(*part.shape[:2], part.shape[3], part.shape[2])
            _turn(part, channels)
            at += part.nbytes
    return out


def spread(content: NDArray[np.uint8], shape: Shape, place: Place) -> list[Pair]:
    """The inverse of `gather`: (keys, values) of each layer, [batch, heads, tokens, width]."""
    (first, last), (start, stop) = place
    arrays, at = [], 0
    for layer in range(first, last):
        for sizes in shape.arrays(layer, stop - start):
            out = np.empty(sizes, DTYPES[shape.dtype])
            batch, heads, tokens, width = sizes
            _turn(content[at : at + out.nbytes].view(out.dtype).reshape(batch, heads, width, tokens), out)
            arrays.append(out)
            at += out.nbytes
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def _turn(array: NDArray[np.generic], out: NDArray[np.generic]) -> None:
    """out[..., j, i] = array[..., i, j]; `out` is contiguous."""
    unsigned = f"<u{array.itemsize}"
    for matrices, turned in zip(array, out, strict=True):
        for matrix, place in zip(matrices, turned, strict=True):
            turn(np.ascontiguousarray(matrix).view(unsigned), place.view(unsigned))
