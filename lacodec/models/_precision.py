"""Full precision of float32 products in torch, with any settings of the user: `full_precision()` -> a call that restores it.

torch has two sets of settings, old ones (`set_float32_matmul_precision`, `allow_tf32`) and, since 2.9, `fp32_precision` of single
libraries. Each old one refuses to be read where the new ones contradict it, so both kinds are set and restored.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch

_PLACES = ("mkldnn.matmul", "mkldnn.conv", "cuda.matmul", "cudnn.conv", "cudnn.rnn")  # cudnn's old switch is about both


def full_precision() -> Callable[[], None]:
    """Set it for the whole process; the returned call puts everything back as it was."""
    found = [operator.attrgetter(name)(torch.backends) for name in _PLACES if _has(name)]
    new = [(place, place.fp32_precision) for place in found]
    products = _readable(torch.get_float32_matmul_precision)
    convolutions = _readable(lambda: torch.backends.cudnn.allow_tf32)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    for place in found:
        place.fp32_precision = "ieee"

    def restore() -> None:
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions
        for place, value in new:
            place.fp32_precision = value

    return restore


def _has(name: str) -> bool:
    try:
        return hasattr(operator.attrgetter(name)(torch.backends), "fp32_precision")
    except AttributeError:
        return False  # an older torch


def _readable(get: Callable[[], Any]) -> Any:
    """The value of an old setting; None if it contradicts the new ones and is refused."""
    try:
        return get()
    except RuntimeError:
        return None
