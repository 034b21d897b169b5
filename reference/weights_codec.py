"""Codec `weights`: the chunks of a file of tensors -> the file.

A chunk covers a range of the file's bytes. One with an empty payload that depends on a shared section has that section's payload.
With a base, the header's metadata has `base`: its name, size and hash (xxh3-128).
"""

from typing import Any

import xxhash

from reference import weights_payload
from reference.container import CRITICAL, Chunk
from reference.stream import Damaged, need
from reference.weights_table import Tensor, read_table, safetensors_head


def decode(
    header: dict[str, Any], chunks: list[Chunk], base: bytes | None = None, base_tensors: list[Tensor] | None = None
) -> bytes:
    """The file. base: the bytes of the file that it is stored as differences to, base_tensors: what lies where in that."""
    tensors = read_table(header["metadata"]["tensors"])
    wanted = header["metadata"].get("base")
    by_sequence = {chunk.sequence: chunk for chunk in chunks}
    like = None
    if wanted is not None and base is not None:
        need(xxhash.xxh3_128_digest(base) == wanted["hash"], f"the base is another file than {wanted['name']}")
        like = base_like(tensors, base, base_tensors or [], max((tensor.offset + tensor.size for tensor in tensors), default=0))
    return b"".join(
        _content(chunk, by_sequence, tensors, wanted, like) for chunk in chunks if chunk.kind == CRITICAL and chunk.covers
    )


def _content(chunk: Chunk, by_sequence: dict[int, Chunk], tensors: list[Tensor], wanted: Any, like: bytes | None) -> bytes:
    """The bytes of one chunk."""
    ((start, stop),) = chunk.covers
    need(stop - start == chunk.decoded_size, "a size that contradicts the range that is covered")

    def base() -> bytes:
        if like is None:
            raise Damaged(f"the file is stored as differences to {wanted['name'] if wanted else 'a base'}; give that too")
        return like[start:stop].ljust(stop - start, b"\0")

    payload = by_sequence[chunk.depends[0]].payload if chunk.depends and not chunk.payload else chunk.payload
    content = weights_payload.decode(payload, chunk.decoded_size, lambda stored: safetensors_head(tensors, stored), base)
    chunk.check(content)
    return content


def base_like(tensors: list[Tensor], base: bytes, base_tensors: list[Tensor], size: int) -> bytes:
    """For each byte of the file that of the base: of the tensor of the same name, type, shape and order; else 0."""
    found = bytearray(size)
    by_name = {tensor.name: tensor for tensor in base_tensors}
    for tensor in tensors:
        same = by_name.get(tensor.name)
        if same and (same.dtype, same.shape, same.order) == (tensor.dtype, tensor.shape, tensor.order):
            found[tensor.offset : tensor.offset + tensor.size] = base[same.offset : same.offset + same.size]
    return bytes(found)
