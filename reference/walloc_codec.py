"""Codecs `image.walloc` and `audio.walloc`: chunks -> the latents, the same on every machine. Values are computed in floats.

payload = one of codec `features`: one item, channels, rows, columns; sound has a row for each place in time, of one column
"""

from typing import Any

import numpy as np

from reference.container import CRITICAL, Chunk, hash64
from reference.features_codec import read_numbers
from reference.stream import need

CHANNELS, LEVELS = "walloc.encoder", "walloc.facts"


def latents(header: dict[str, Any], chunks: list[Chunk], model: dict[str, Any]) -> np.ndarray:
    """i8[K, ...]; model: the arrays of the model's file."""
    channels, side = len(model[CHANNELS]), 1 << int(model[LEVELS][1])
    sizes = header["metadata"]["shape"][:2] if "shape" in header["metadata"] else header["metadata"]["sound"][2:3]
    out = np.zeros((channels, *(-(-size // side) for size in sizes)), np.int8)
    for chunk in chunks:
        if chunk.kind == CRITICAL:
            shape = (channels, *(-(-(stop - start) // side) for start, stop in chunk.covers))
            height, width = (*shape[1:], 1)[:2]
            found = read_numbers(chunk.payload, 1, channels, height, width).astype(np.int8).reshape(shape)
            need(hash64(found.tobytes()) == chunk.content_hash, "other latents than were encoded")
            places = tuple(slice(start // side, -(-stop // side)) for start, stop in chunk.covers)
            out[(slice(None), *places)] = found
    return out
