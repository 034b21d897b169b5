"""How an encoder rounds latents: to the nearest integer, or to the next one towards zero where that saves more than it costs.

Towards zero pays for a difference e of magnitude about n if (e - (n - 1))^2 - (e - n)^2 < BIT * (bits(n) - bits(n - 1)), that is
below a threshold for e, which depends on n and on the table. Decoders know nothing of it.
"""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from lacodec.entropy.distributions import SCALES, load

BIT = math.log(2) / 6  # squared steps that a bit is worth, at high rates
_LARGEST = 15  # magnitudes above are treated like it


def towards_zero(rest: Tensor, scales: Tensor, family: str) -> Tensor:
    """Integers for float32 differences; `scales`: the numbers of their tables, may be fractions. Without a gradient."""
    thresholds = _thresholds(family, rest.device)
    size = rest.detach().abs()
    nearest = torch.floor(size + 0.5)
    table = scales.detach().round().long().clamp(0, SCALES - 1)
    wanted = thresholds[table, nearest.clamp(max=_LARGEST).long()]
    return torch.sign(rest.detach()) * torch.where(size - nearest < wanted, nearest - 1, nearest).clamp(min=0)


@cache
def _thresholds(family: str, device: torch.device) -> Tensor:
    """float32[tables, magnitudes]: the value that size - n must reach for n to be kept."""
    tables = load(family)
    found = np.full((SCALES, _LARGEST + 1), -1.0)
    for number in range(SCALES):
        last = int(tables.sizes[number]) - 1
        row = np.clip(np.arange(_LARGEST + 1) - int(tables.origins[number]), 0, last)
        bits = tables.bits[int(tables.offsets[number]) + row]
        found[number, 1:] = np.minimum(BIT * (bits[1:] - bits[:-1]), 2.0) / 2 - 0.5
    return torch.from_numpy(found.astype(np.float32)).to(device)
