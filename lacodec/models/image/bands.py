"""Filters of lines as matrices: fast on any device, where convolutions of few channels are slow."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(64)
def band(taps: Sequence[float], size: int, device: torch.device, inside: bool = False) -> Tensor:
    """float32[outputs, size]: a line of `size` values times this is filtered with `taps` (odd in number, a tuple).

    inside: only where the taps fit, `len(taps) - 1` outputs less; else `size` outputs, and the line's ends continue outside.
    """
    reach = len(taps) // 2
    matrix = torch.zeros(size, size)
    place = torch.arange(size)
    for offset, tap in enumerate(taps):
        matrix.index_put_((place, (place + offset - reach).clamp(0, size - 1)), torch.tensor(float(tap)), accumulate=True)
    return (matrix[reach : size - reach] if inside else matrix).to(device)
