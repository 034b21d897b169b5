"""How fine each tensor is quantised: its own step times one scale for all, which is bisected until the file has its size.

The price of a bit is a fixed share of the squared step, so these steps are those of one Lagrangian over all tensors, in which a
tensor's squared error weighs as much as the inverse square of its step at scale 1.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from lacodec.codecs.weights.quantised._names import in_layer, of_words
from lacodec.errors import BadInput

_CLOSE = 0.0015  # relative distance from the wanted size at which the search ends
_NEAR = 0.01  # the same for the search by a part of the tensors
_TRIES = 16
_START = -1.5
_FURTHEST = 4.0  # octaves from one scale to the next
_LOWEST, _HIGHEST = -9.0, 6.0  # log2 of the scale
_POWER = 0.5
"""Of a tensor's root mean square in its step: 1 would give all tensors one relative error, 0 one error."""
_ROLES = (
    (r"(^|[._])(q|query|wq|q_proj|attn_q|q_lin)([._]|$)", (-0.1, 1.5, 0.6)),
    (r"(^|[._])(k|key|wk|k_proj|attn_k|k_lin)([._]|$)", (-1.4, 1.5, 0.6)),
    (r"(^|[._])(v|value|wv|v_proj|attn_v|v_lin)([._]|$)", (-2.4, 0.8, 1.2)),
    (r"(^|[._])(o_proj|attn_output|wo|out_lin)([._]|$)", (-0.65, -1.3, 0.1)),
    (r"(^|[._])(up_proj|ffn_up|w3)([._]|$)", (-0.3, -0.9, -1.3)),
    (r"(^|[._])(down_proj|ffn_down|w2|fc2)([._]|$)", (-0.5, -1.5, -2.2)),
)
"""Parts of transformers: pattern in the name -> log2 of the factor of the step; more in the first, and in the last layer."""
_OTHERS = (0.0, -0.8, -0.6)
_VOCABULARY = -0.4
"""The same for other matrices, and for words. All come from moments of inputs and gradients of SmolLM2-135M on books."""


def steps_of(names: Sequence[str], roots: Sequence[float]) -> list[float]:
    """The steps at scale 1 of tensors with these root mean squares; 0 stays 0."""
    layers = [place[0] if (place := in_layer(name)) else -1 for name in names]
    steps = []
    for name, root, layer in zip(names, roots, layers, strict=True):
        usual, first, last = next((octaves for pattern, octaves in _ROLES if re.search(pattern, name)), _OTHERS)
        if of_words(name):
            octaves = _VOCABULARY
        elif max(layers) > 1 and layer in (0, max(layers)):
            octaves = usual + (first if layer == 0 else last)
        else:
            octaves = usual
        steps.append(float(root**_POWER * 2.0**octaves))
    return steps


def scale_for(wanted: int, size_at: Callable[[float], int], guess_at: Callable[[float], int]) -> float:
    """log2 of the scale for a file of `wanted` bytes; raises BadInput if none comes close enough.

    size_at: bytes of the file; guess_at: an estimate of that by a part of the tensors, which may be off by a constant factor.
    """
    at = _nearest(wanted, guess_at, _START, _NEAR)[0]
    best, size = _nearest(wanted, size_at, at, _CLOSE)
    if abs(size - wanted) > 0.005 * wanted:
        raise BadInput(f"no quantisation gives a file of {wanted} bytes; the nearest found has {size}")
    return best


def _nearest(wanted: int, size_at: Callable[[float], int], at: float, close: float) -> tuple[float, int]:
    """(scale, size) that is as close as asked for, or the closest that was found, from the scale `at` on."""
    known: list[tuple[float, int]] = []
    for number in range(_TRIES):
        size = size_at(at)
        known.append((at, size))
        if abs(size - wanted) <= close * wanted:
            break
        following = min(_HIGHEST, max(_LOWEST, _next(known, wanted, number > 6)))
        if any(following == tried for tried, _ in known):
            break
        at = following
    return min(known, key=lambda item: abs(item[1] - wanted))


def _next(known: list[tuple[float, int]], wanted: int, halve: bool) -> float:
    """By the line through the nearest known scales, or halfway; at first as if a doubled step saved a bit of three."""
    at, size = known[-1]
    above = [item for item in known if item[1] > wanted]
    below = [item for item in known if item[1] <= wanted]
    if above and below:
        (x, y), (u, v) = max(above), min(below)
        return (x + u) / 2 if halve else x + (u - x) * (y - wanted) / max(1, y - v)
    step = 3.0 * (size / wanted - 1.0)
    if len(known) > 1:
        before, larger = known[-2]
        step = (size - wanted) * (at - before) / (larger - size) if larger != size else float(np.copysign(_FURTHEST, step))
    return at + min(_FURTHEST, max(-_FURTHEST, step))
