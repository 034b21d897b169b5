"""Coding a sequence in chunks of tokens that are files of their own, of all layers or of one.

Lossy ones know at which token of the sequence they start: keys are turned back by it, and the first tokens are kept as they are.
All their tokens have the same steps.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lacodec
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.kv.value import KVCache

if TYPE_CHECKING:
    from lacodec.codecs.kv.lossy.basis import Basis

_WITHOUT = ("effort",)  # options that don't matter to what is decoded


class ChunkCoder:
    """chunk: tokens. `options` are those of codec `kv`; basis: a path, or the bytes of the file, which is read once."""

    def __init__(self, chunk: int, options: Mapping[str, Any]) -> None:
        lacodec.codec("kv", **{**options, "tokens": chunk})  # refuses wrong ones
        self._chunk, self._options = chunk, {**options, "tokens": chunk}
        if (basis := options.get("basis")) is not None:
            self._options["basis"] = basis if isinstance(basis, bytes) else _read(basis)

    @property
    def identity(self) -> list[tuple[str, Any]]:
        """Options that matter to what is decoded, a basis by its SHA-256."""
        found = {name: value for name, value in self._options.items() if name not in _WITHOUT}
        if "basis" in found and found["basis"] is not None:
            found["basis"] = hashlib.sha256(found["basis"]).hexdigest()
        return sorted(found.items())

    def of_layer(self, layer: int) -> "ChunkCoder":
        """A coder for caches of this layer alone; raises BadInput if the basis has no such layer."""
        if (basis := self._basis) is None:
            return self
        if layer >= len(basis.layers):
            raise BadInput(f"the basis has {len(basis.layers)} layers, the cache has more")
        from lacodec.codecs.kv.lossy.basis import Basis

        return ChunkCoder(self._chunk, {**self._options, "basis": Basis((basis.layers[layer],), basis.model).to_bytes()})

    def encode(self, cache: KVCache, number: int) -> bytes:
        """The file of a chunk; number: of chunks before it."""
        options = self._options
        if options.get("quality") is None:
            return lacodec.codec("kv", **options).encode(cache, threads=1)
        options = {name: value for name, value in options.items() if name not in _WITHOUT}
        return lacodec.codec("kv.lossy", **options, ends=False, start=number * self._chunk).encode(cache, threads=1)

    def decode(self, data: bytes) -> KVCache:
        """The cache in the file of a chunk; raises LacodecError."""
        value = lacodec.decode(data, threads=1, max_size=None, base=self._options.get("basis"))
        if not isinstance(value, KVCache):
            raise CorruptFile("it holds no KV cache")
        return value

    @cached_property
    def _basis(self) -> "Basis | None":
        from lacodec.codecs.kv.lossy.basis import Basis
        from lacodec.io.source import BytesSource

        data = self._options.get("basis")
        return None if data is None else Basis.of_source(BytesSource(data))


def _read(path: Any) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, TypeError) as error:
        raise BadInput(f"the basis {path!r} cannot be read ({error}); give the path of a file or its bytes") from error
