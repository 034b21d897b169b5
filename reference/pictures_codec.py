"""Codec `image.pc`: chunks of pictures and the circuit they were coded with -> a .npy file.

payload = 0, a payload of codec `bytes`; or 1, the bytes of a range coder
"""

import hashlib
from math import prod
from typing import Any

from reference import bytes_codec
from reference.circuits import Circuit, circuit
from reference.circuits import decode as walked
from reference.container import CRITICAL, Chunk
from reference.stream import need


def decode(header: dict[str, Any], chunks: list[Chunk], model: dict[str, Any]) -> bytes:
    """The file; model: the arrays of the circuit's file."""
    shape, size = header["metadata"]["shape"], prod(header["metadata"]["shape"][1:])
    need(_id(model) == header["model_id"], "it was coded with another circuit")
    made, out = circuit(model), []
    need(made.shape == shape[1:], "the circuit is for pictures of another size")
    for chunk in chunks:
        if chunk.kind == CRITICAL:
            ((first, last),) = chunk.covers
            out.append(_chunk(chunk.payload, last - first, size, made))
            chunk.check(out[-1])
    pixels = b"".join(out)
    need(len(pixels) == prod(shape), "another number of pictures than the header has")
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {tuple(shape)}}}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + pixels


def _chunk(payload: bytes, count: int, size: int, made: Circuit) -> bytes:
    need(payload[:1] in (b"\0", b"\1"), "its method is unknown")
    if payload[0] == 0:
        return bytes_codec.decode(payload[1:], count * size)
    return b"".join(map(bytes, walked(payload[1:], count, made)))


def _id(model: dict[str, Any]) -> bytes:
    digest = hashlib.sha256()
    for name, array in sorted(model.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.digest()
