"""A payload of codec `text.lm`: a method byte and its data: 0 stored, 1 the first 8 bytes of the model's id, then a text's, 3 a
payload of `text`.

The id of a model is the SHA-256 of its arrays, by name: a line of name, type and shape, then the bytes.
"""

import hashlib

import numpy as np

from reference import text_codec
from reference.stream import need
from reference.text_bytes import Reader
from reference.text_model import Model
from reference.text_pieces import Pieces

STORED, MODEL, TEXT = 0, 1, 3


def decode(payload: bytes, size: int, arrays: dict[str, np.ndarray]) -> bytes:
    """The block of `size` bytes. arrays: those of the model's file."""
    need(payload, "an empty payload")
    need(payload[0] in (STORED, MODEL, TEXT), f"method {payload[0]} is unknown")
    if payload[0] == TEXT:
        return text_codec.decode(payload[1:], size)
    content = payload[1:]
    if payload[0] == MODEL:
        need(payload[1:9] == model_id(arrays)[:8], "another language model")
        pieces = Pieces([tuple(pair) for pair in arrays["merges"].tolist()])
        content = text_codec.decode_text(payload[9:], size, Reader(Model(arrays), pieces))
    need(len(content) == size, "a block of another size than it should have")
    return content


def model_id(arrays: dict[str, np.ndarray]) -> bytes:
    """Of a model."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode() + arrays[name].tobytes())
    return digest.digest()
