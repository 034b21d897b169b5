"""KV caches of transformers: coded, and back where they are used.

data = lacodec.kv.encode(output.past_key_values, model=model)  # lossless; lossy with quality=50, and basis="model.basis"
cache = lacodec.kv.decode(data, model=model, to="transformers")
pairs = lacodec.kv.decode("prefix.lac", layers=slice(0, 4), tokens=slice(0, 512))
model.generate(ids, past_key_values=lacodec.kv.live_cache())
lacodec.kv.Store("caches", limit=10**9, model=model)
"""

from dataclasses import replace
from types import EllipsisType
from typing import Any

import numpy as np

import lacodec
from lacodec.codecs.kv.codec import model_of
from lacodec.errors import BadInput
from lacodec.kv.calibration import calibrate
from lacodec.kv.keeping import attention_mass, keep, last_window
from lacodec.kv.live import live_cache
from lacodec.kv.models import describe, described
from lacodec.kv.objects import cache_of, check_kind, given_as
from lacodec.kv.plans import Plan, plan
from lacodec.kv.store import Store
from lacodec.kv.weighing import weigh
from lacodec.media.kv.value import KVCache, Model

_CODECS = ("kv", "kv.lossy")

__all__ = [
    "KVCache", "Model", "Plan", "Store", "attention_mass", "calibrate", "decode", "describe", "encode", "keep", "last_window",
    "live_cache", "plan", "weigh",
]  # fmt: skip


def encode(cache: Any, model: Any = None, *, weights: Any = None, threads: int | None = None, **options: Any) -> bytes:
    """The bytes of a `.lac` file. `options` are those of codec `kv`: effort, tokens; quality, which makes it lossy, and basis.

    cache: a DynamicCache of transformers, or (keys, values) of each layer, arrays or tensors [batch, heads, tokens, width] of
    float16, bfloat16 or float32. model: the module that made it, or what `describe` gave for it; without one,
    `decode` cannot tell whether a cache suits a model. weights: what errors in each token cost, f32[layers, tokens],
    such as `weigh` gives; for lossy coding. Raises BadInput for caches that cannot be kept.
    """
    value = cache_of(cache, described(model))
    if weights is not None:
        value = replace(value, weights=np.asarray(weights))
    return lacodec.encode(value, "kv", threads=threads, **options)


def decode(
    data_or_path: Any,
    *,
    model: Any = None,
    layers: slice | None = None,
    tokens: slice | None = None,
    to: str = "numpy",
    device: Any = None,
    basis: Any = None,
    threads: int | None = None,
    max_size: int | EllipsisType | None = ...,
) -> Any:
    """The cache, or some of its layers and tokens, of which only the chunks are read: by path, by URL, or from bytes.

    to: "numpy" and "torch" give (keys, values) of each layer, [batch, heads, tokens, width] (numpy lacks bfloat16: its bits are
    in uint16), "transformers" a DynamicCache, which needs all layers and the tokens from the first on. model: raises BadInput
    if the cache was made by another one. device: for tensors. basis: the file, or several, if the cache was coded with one
    that it names. max_size: as for `lacodec.decode`, for whole caches.
    """
    check_kind(to, device)
    part = slice(None) if layers is None else layers, slice(None) if tokens is None else tokens
    if to == "transformers" and (layers not in (None, slice(None)) or (tokens is not None and tokens.start not in (None, 0))):
        raise BadInput("a cache of transformers needs all layers, and the tokens from the first on")
    with lacodec.open(data_or_path, base=basis) as opened:
        if opened.header.codec not in _CODECS:
            raise BadInput(f"holds no KV cache: it was written by codec {opened.header.codec!r}")
        found, dtype = model_of(opened.header), opened.header.metadata.get("dtype")
        wanted = described(model)
        if model is not None and (other := found.differs(wanted)):
            raise BadInput(f"the cache was made by {found.name or 'a model without a name'}, of which the {other} differs")
        pairs = opened[part] if part != (slice(None), slice(None)) else None
    if pairs is None:
        pairs = list(lacodec.decode(data_or_path, threads=threads, max_size=max_size, base=basis).layers)
    return given_as(to, pairs, str(dtype), device)
