"""What must be the same of a model for a cache to suit it: a fingerprint of its weights, the numbers of its rotary embedding."""

import hashlib
from typing import Any

from lacodec.errors import BadInput, MissingDependency
from lacodec.media.kv.value import Model
from lacodec.media.tensors.memory import torch_name

_SAMPLES = 64  # values of a tensor that the fingerprint looks at
_DYNAMIC = ("dynamic", "longrope")  # the frequencies change with the number of tokens


def describe(module: Any) -> Model:
    """The `Model` of a torch module, of transformers or made like those: rotary embeddings are its parts with `inv_freq`.

    The fingerprint is SHA-256 of each tensor's name, type, shape and up to 64 values, evenly spaced, so that it takes no longer
    for a large model. Raises BadInput for rotary embeddings that change with the number of tokens, or from layer to layer.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(f"describing a model needs torch ({error}); install lacodec[learned]") from error
    if not isinstance(module, torch.nn.Module):
        raise BadInput(f"a {type(module).__name__} is not a model; pass a torch.nn.Module, or what lacodec.kv.describe gave")
    return Model(type(module).__name__, _fingerprint(module), *_rope(module))


def described(model: Any) -> Model:
    """What a caller passes as a model: a `Model`, a module that `describe` is called for, or None, which gives an empty one."""
    if model is None or isinstance(model, Model):
        return model or Model()
    return describe(model)


def _fingerprint(module: Any) -> str:
    import torch

    found = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // _SAMPLES)
        some = flat[::step][:_SAMPLES].contiguous().cpu()
        found.update(f"{name}\0{torch_name(tensor.dtype)}\0{list(tensor.shape)}\0".encode())
        found.update(some.view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _rope(module: Any) -> tuple[str, tuple[float, ...], float]:
    """(kind, inv_freq, scaling) of the rotary embeddings of a model, which must be the same."""
    found = set()
    for name, part in module.named_modules():
        if (numbers := getattr(part, "inv_freq", None)) is None:
            continue
        kind = str(getattr(part, "rope_type", "default"))
        if kind in _DYNAMIC:
            raise BadInput(f"{name}: a rotary embedding of kind {kind!r} changes with the number of tokens; it is not supported")
        values = tuple(float(number) for number in numbers.detach().float().cpu().tolist())
        found.add((kind, values, float(getattr(part, "attention_scaling", 1.0))))
    if len(found) > 1:
        raise BadInput(f"the model has {len(found)} different rotary embeddings; one for all layers is supported")
    return found.pop() if found else ("none", (), 1.0)
