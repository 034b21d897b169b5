"""Caches for `generate()` that keep the past coded."""

from typing import Any

from lacodec.errors import BadInput, MissingDependency
from lacodec.kv.chunks import ChunkCoder
from lacodec.kv.models import described


def live_cache(chunk: int = 256, window: int = 128, model: Any = None, **options: Any) -> Any:
    """A DynamicCache of transformers, empty: `model.generate(..., past_key_values=lacodec.kv.live_cache())`.

    chunk: tokens that are coded together, once `window` newer ones have followed, which stay in the clear. model: for lossy
    coding, which undoes its rotary embedding. `options` are those of codec `kv`. Every step decodes each layer for its
    attention, so that memory is bought with time. Saving it with `lacodec.kv.encode` works, too.
    """
    for name, value, least in (("chunk", chunk, 1), ("window", window, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BadInput(f"{name} must be a whole number from {least}, not {value!r}")
    try:
        from transformers import DynamicCache

        from lacodec.kv.layer import Layers
    except ImportError as error:
        raise MissingDependency(f"live caches need transformers ({error}); install lacodec[transformers]") from error
    cache = DynamicCache()
    cache.layer_class_to_replicate = Layers(ChunkCoder(chunk, options), chunk, window, described(model))
    return cache
