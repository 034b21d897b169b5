"""Codec `kv`: the chunks of a KV cache -> its plain file, a safetensors file.

payload = a payload of codec `weights`, of the content: for each layer that the chunk covers keys and then values,
          [batch, heads, width, tokens]
file    = tensors layers.0.keys, layers.0.values, layers.1.keys ..., each [batch, heads, tokens, width], and metadata
"""

import json
from collections.abc import Callable
from typing import Any

from reference import weights_payload
from reference.container import CRITICAL, Chunk
from reference.stream import Damaged, need

WIDTHS = {"BF16": 2, "F16": 2, "F32": 4}


Content = Callable[[Chunk, list[tuple[int, int]], dict[str, Any]], bytes]


def lossless(chunk: Chunk, arrays: list[tuple[int, int]], axes: dict[str, Any]) -> bytes:
    """The content of a chunk."""
    content = weights_payload.decode(chunk.payload, chunk.decoded_size, _none, _none)
    chunk.check(content)
    return content


def decode(header: dict[str, Any], chunks: list[Chunk], content_of: Content = lossless) -> bytes:
    """The plain file. content_of: gets a chunk, (heads, width) of all arrays, and the metadata."""
    axes = header["metadata"]
    width, batch, tokens = WIDTHS[axes["dtype"]], axes["batch"], axes["tokens"]
    layers = axes["layers"] * axes["count"] if len(axes["layers"]) == 1 else axes["layers"]
    arrays = [(heads, size) for layer in layers for heads, size in (layer[:2], layer[2:])]
    found = [bytearray(batch * heads * tokens * size * width) for heads, size in arrays]
    for chunk in chunks:
        if chunk.kind != CRITICAL or not chunk.covers:
            continue
        (first, last), (start, stop) = chunk.covers
        content, at = content_of(chunk, arrays, axes), 0
        for number in range(2 * first, 2 * last):
            heads, size = arrays[number]
            for row in range(batch * heads):
                for channel in range(size):
                    for token in range(start, stop):
                        place = width * ((row * tokens + token) * size + channel)
                        found[number][place : place + width] = content[at : at + width]
                        at += width
        need(at == len(content), "a chunk of another size than what it covers")
    names = [f"layers.{number // 2}.{('keys', 'values')[number % 2]}" for number in range(len(arrays))]
    shapes = [[batch, heads, tokens, size] for heads, size in arrays]
    return _head(axes, list(zip(names, shapes, map(len, found), strict=True))) + b"".join(found)


def _none(*_: Any) -> bytes:
    raise Damaged("a cache has neither a head nor a base")


def _head(axes: dict[str, Any], tensors: list[tuple[str, list[int], int]]) -> bytes:
    keys = ("name", "fingerprint", "rope", "inv_freq", "scaling")
    model = json.dumps({key: axes["model"][key] for key in keys}, separators=(",", ":"))
    listed: dict[str, Any] = {"__metadata__": {"lacodec.kv": model}}
    at = 0
    for name, shape, size in tensors:
        listed[name] = {"dtype": axes["dtype"], "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
