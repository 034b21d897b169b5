"""KV caches in and out: objects, and a plain file, which is a safetensors file.

tensors "layers.0.keys", "layers.0.values", "layers.1.keys" ..., each [batch, heads, tokens, width]
metadata "lacodec.kv": JSON of `Model.plain`
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, LacodecError, UnsupportedFile
from lacodec.io.source import BytesSource, Source
from lacodec.io.streams import seekable
from lacodec.media.base import Media
from lacodec.media.kv.value import KVCache, Model
from lacodec.media.tensors import safetensors
from lacodec.media.tensors.value import as_array

if TYPE_CHECKING:
    import numpy as np

_KEY = "lacodec.kv"


class CacheMedia(Media[KVCache]):
    """KV caches."""

    name = "kv"

    def from_source(self, source: Source) -> KVCache:
        """The cache in a plain file; raises UnsupportedFile for other files of tensors."""
        source = seekable(source)
        metadata, _, begin = safetensors.read_header(source)
        entries = safetensors.read(source).entries
        names = [f"layers.{n // 2}.{('keys', 'values')[n % 2]}" for n in range(len(entries))]
        try:
            model = Model.of_plain(json.loads(metadata.get(_KEY, "null")))
            if [entry.name for entry in entries] != names or len(entries) % 2:
                raise BadInput("its tensors are not layers.0.keys, layers.0.values, layers.1.keys ...")
            arrays = [as_array(e.dtype, e.shape, source.read(e.offset, e.size)) for e in entries]
            dtype = entries[0].dtype if entries else ""
            cache = KVCache(tuple(zip(arrays[::2], arrays[1::2], strict=True)), dtype, model)
        except (LacodecError, ValueError, RecursionError) as error:
            raise UnsupportedFile(f"{source.name}: holds no KV cache ({error})") from error
        if source.read(0, begin) != _head(cache):
            raise UnsupportedFile(f"{source.name}: its header is not written as lacodec writes it")
        return cache

    def from_object(self, value: Any) -> KVCache:
        """A KVCache; the bytes or a Source of a plain file. For caches of transformers and tensors see `lacodec.kv`."""
        if isinstance(value, KVCache):
            return value
        if isinstance(value, Source):
            return self.from_source(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.from_source(BytesSource(value))
        raise BadInput(f"a {type(value).__name__} is not a KVCache; use lacodec.kv.encode, or pass the bytes of a file")

    def to_blocks(self, value: KVCache, suffix: str = "") -> Iterator[bytes]:
        """The plain file."""
        yield _head(value)
        for pair in value.layers:
            for array in pair:
                yield little(array).tobytes()


KV = CacheMedia()
"""The one instance."""


def little(array: "np.ndarray") -> "np.ndarray":
    """The array with little-endian elements."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _head(cache: KVCache) -> bytes:
    tensors = []
    for number, pair in enumerate(cache.layers):
        for what, array in zip(("keys", "values"), pair, strict=True):
            tensors.append((f"layers.{number}.{what}", cache.dtype, tuple(array.shape), array.nbytes))
    return safetensors.build_header(tensors, {_KEY: json.dumps(cache.model.plain(), separators=(",", ":"))})


def same(first: KVCache, second: KVCache) -> bool:
    """Whether all bits of two caches agree, and their models."""
    if (first.shape, first.model) != (second.shape, second.model):
        return False
    pairs = zip(first.layers, second.layers, strict=True)
    return all(little(a).tobytes() == little(b).tobytes() for one, two in pairs for a, b in zip(one, two, strict=True))
