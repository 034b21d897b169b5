"""Codecs `image.walloc` and `audio.walloc`: chunks -> the latents, the same on every machine. Values are computed in floats.

payload = one of codec `image.lossless` of a gray picture: the rows of channel 0, those of channel 1 ...; 128 is a latent of 0
"""

from math import prod
from typing import Any

import numpy as np

from reference import image_codec
from reference.container import CRITICAL, Chunk, hash64
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
            gray = image_codec.decode_tile(chunk.payload, (prod(shape[:-1]), shape[-1], 1), 8)
            found = (gray.astype(np.int16) - 128).astype(np.int8).reshape(shape)
            need(hash64(found.tobytes()) == chunk.content_hash, "other latents than were encoded")
            places = tuple(slice(start // side, -(-stop // side)) for start, stop in chunk.covers)
            out[(slice(None), *places)] = found
    return out
