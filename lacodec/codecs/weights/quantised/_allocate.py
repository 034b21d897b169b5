"""How fine each tensor is quantised: its own step times one scale for all, which is bisected until the file has its size.

The price of a bit is a fixed share of the squared step, so these steps are those of one Lagrangian over all tensors, in which a
tensor's squared error weighs as much as the inverse square of its step at scale 1.
"""

import re
from collections.abc import Callable, Sequence

from lacodec.errors import BadInput

_CLOSE = 0.0015  # relative distance from the wanted size at which the search ends
_TRIES = 16
_LOWEST, _HIGHEST = -9.0, 6.0  # log2 of the scale
_POWER = 0.5
"""Of a tensor's root mean square in its step: 1 would give all tensors one relative error, 0 one error."""
_WORDS = re.compile(r"(^|[._])(token_embd|embed_tokens|wte|word_embeddings|lm_head)([._]|$)|^output\.weight$")
_ROLES = (
    (r"(^|[._])(k|key|wk|k_proj|attn_k|k_lin)([._]|$)", -1.3),
    (r"(^|[._])(q|query|wq|q_proj|attn_q|q_lin)([._]|$)", -0.3),
    (r"(^|[._])(v|value|wv|v_proj|attn_v|v_lin)([._]|$)", -1.7),
    (r"(^|[._])(o_proj|attn_output|wo|out_lin)([._]|$)", -0.2),
    (r"(^|[._])(up_proj|ffn_up|w3)([._]|$)", -0.15),
    (r"(^|[._])(down_proj|ffn_down|w2|fc2)([._]|$)", -0.3),
    (_WORDS.pattern, -0.75),
)
"""Parts of transformers that errors harm more: pattern in the name -> log2 of the factor of the step."""
_FIRST, _LAST = -0.7, -1.2
"""The same for the first and the last layer. All come from the squared gradients of SmolLM2-135M on books."""
_LAYER = re.compile(r"(?:^|\.)(?:blk|layers?|h|blocks?)\.(\d{1,6})\.")


def steps_of(names: Sequence[str], roots: Sequence[float]) -> list[float]:
    """The steps at scale 1 of tensors with these root mean squares; 0 stays 0."""
    layers = [int(found[1]) if (found := _LAYER.search(name)) else -1 for name in names]
    steps = []
    for name, root, layer in zip(names, roots, layers, strict=True):
        octaves = next((octaves for pattern, octaves in _ROLES if re.search(pattern, name)), 0.0)
        if max(layers) > 1 and layer >= 0:
            octaves += _LAST if layer == max(layers) else _FIRST if layer == 0 else 0.0
        steps.append(float(root**_POWER * 2.0**octaves))
    return steps


def of_words(name: str) -> bool:
    """Whether rows are the words of a vocabulary: the first are the most used, as byte-pair encoding finds them first."""
    return bool(_WORDS.search(name))


def scale_for(wanted: int, size_at: Callable[[float], int], guess_at: Callable[[float], int]) -> float:
    """log2 of the scale for a file of `wanted` bytes; raises BadInput if none comes close enough.

    size_at: bytes of the file; guess_at: an estimate of that by a part of the tensors, which may be off by a constant factor.
    """
    low, high = _LOWEST, _HIGHEST
    for _ in range(9):  # a scale that is nearly right
        middle = (low + high) / 2
        low, high = (middle, high) if guess_at(middle) > wanted else (low, middle)
    known: list[tuple[float, int]] = []
    at = (low + high) / 2
    for number in range(_TRIES):
        size = size_at(at)
        known.append((at, size))
        if abs(size - wanted) <= _CLOSE * wanted:
            return at
        at = _next(known, wanted, number > 4)
        if not _LOWEST <= at <= _HIGHEST:
            break
    best, size = min(known, key=lambda item: abs(item[1] - wanted))
    if abs(size - wanted) > 0.005 * wanted:
        raise BadInput(f"no quantisation gives a file of {wanted} bytes; the nearest found has {size}")
    return best


def _next(known: list[tuple[float, int]], wanted: int, halve: bool) -> float:
    """By the line through the nearest known scales, or halfway; at first as if a doubled step saved a bit of three."""
    at, size = known[-1]
    above = [item for item in known if item[1] > wanted]
    below = [item for item in known if item[1] <= wanted]
    if above and below:
        (x, y), (u, v) = max(above), min(below)
        return (x + u) / 2 if halve else x + (u - x) * (y - wanted) / max(1, y - v)
    return at + 3.0 * (size / wanted - 1.0)
