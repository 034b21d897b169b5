"""Caches as other libraries hold them <-> arrays."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from lacodec.errors import BadInput, MissingDependency
from lacodec.media.kv.value import KVCache, Model
from lacodec.media.tensors.memory import is_tensor, require_array, require_strided, torch_name

KINDS = ("numpy", "torch", "transformers")
_NUMPY = {"float16": "F16", "float32": "F32"}


def cache_of(found: Any, model: Model) -> KVCache:
    """The value for a cache of transformers, or (keys, values) of each layer; raises BadInput."""
    if isinstance(found, KVCache):
        return found
    if hasattr(found, "layers"):
        for number, layer in enumerate(found.layers):
            if type(layer).__name__ not in ("DynamicLayer", "CodedLayer"):
                raise BadInput(
                    f"layer {number} of the cache is a {type(layer).__name__}; only a DynamicLayer keeps all its tokens"
                )
            if layer.keys is None:
                raise BadInput(f"layer {number} of the cache is empty")
        found = [layer.states() if hasattr(layer, "states") else (layer.keys, layer.values) for layer in found.layers]
    if not isinstance(found, Sequence) or not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in found):
        raise BadInput(f"a {type(found).__name__} is not a KV cache; give a DynamicCache, or (keys, values) of each layer")
    pairs, kinds = [], set()
    for number, pair in enumerate(found):
        arrays = [_array(part, f"layer {number}: its {what}") for part, what in zip(pair, ("keys", "values"), strict=True)]
        kinds |= {kind for _, kind in arrays}
        pairs.append((arrays[0][0], arrays[1][0]))
    if len(kinds) > 1:
        raise BadInput(f"the cache has elements of types {', '.join(sorted(kinds))}; all must have one type")
    return KVCache(tuple(pairs), kinds.pop() if kinds else "BF16", model)


def check_kind(to: str, device: Any) -> None:
    """Raise BadInput for a form that `given_as` does not know, or a device where it has none."""
    if to not in KINDS:
        raise BadInput(f"to is {to!r}; give one of {', '.join(KINDS)}")
    if to == "numpy" and device is not None:
        raise BadInput("arrays of numpy have no device; decode to torch")


def given_as(to: str, pairs: list[tuple[np.ndarray, np.ndarray]], dtype: str, device: Any) -> Any:
    """Pairs of arrays, of tensors, or a cache of transformers."""
    if to == "numpy":
        return pairs
    tensors = [(_tensor(keys, dtype, device), _tensor(values, dtype, device)) for keys, values in pairs]
    if to == "torch":
        return tensors
    try:
        from transformers import DynamicCache
    except ImportError as error:
        raise MissingDependency(f"this cache needs transformers ({error}); install lacodec[transformers]") from error
    cache = DynamicCache()
    for number, (keys, values) in enumerate(tensors):
        cache.update(keys, values, number)
    return cache


def _array(part: Any, place: str) -> tuple[np.ndarray, str]:
    """(array, name of its type) of an array or tensor."""
    if isinstance(part, np.ndarray):
        require_array(place, part)
        if part.dtype.name not in _NUMPY:
            raise BadInput(f"{place} are {part.dtype}; give float16 or float32, bfloat16 as tensors")
        return part, _NUMPY[part.dtype.name]
    if not is_tensor(part):
        raise BadInput(f"{place} are a {type(part).__name__}; give arrays of numpy or tensors of torch")
    require_strided(place, part)
    torch, kind = sys.modules["torch"], torch_name(part.dtype)
    if kind not in ("BF16", "F16", "F32"):
        raise BadInput(f"{place} are {part.dtype}; give float16, bfloat16 or float32")
    plain = part.detach().cpu()
    return (plain.view(torch.int16).numpy().view(np.uint16) if kind == "BF16" else plain.numpy()), kind


def _tensor(array: np.ndarray, dtype: str, device: Any) -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(f"tensors need torch ({error}); install lacodec[learned]") from error
    array = np.ascontiguousarray(array)
    made = torch.from_numpy(array.view(np.int16)).view(torch.bfloat16) if dtype == "BF16" else torch.from_numpy(array)
    return made if device is None else made.to(device)
