"""Tokens that a cache can do without, told by what attention looked at: policies, and `keep`, which applies one.

A policy gets the attention of one layer, f32[heads, queries, tokens] with rows that sum to 1, and gives scores f32[tokens]; the
highest are kept. Keys keep the rotary embedding of the places they had, so go on with the position ids of the whole text. Coding
what is kept is right, but gains less: a coder undoes the embedding of successive places.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput

Scores = NDArray[np.float32]
Policy = Callable[[Scores], Scores]


def attention_mass(attention: Scores) -> Scores:
    """The attention that each token got from all queries: heavy hitters (H2O, arXiv 2306.14048)."""
    return attention.sum(axis=(0, 1))


def last_window(window: int = 32, pool: int = 7) -> Policy:
    """Votes of the last `window` queries, spread over `pool` neighbours; the window itself stays (SnapKV, arXiv 2404.14469)."""

    def votes(attention: Scores) -> Scores:
        found = attention[:, -window:].sum(axis=(0, 1))
        padded = np.pad(found, (pool // 2, pool - 1 - pool // 2))
        spread = np.lib.stride_tricks.sliding_window_view(padded, pool).max(axis=1)
        spread[max(0, len(spread) - window) :] = np.inf
        return spread

    return votes


def keep(
    layers: Sequence[tuple[Any, Any]], attention: Sequence[Scores], count: int, policy: Policy = attention_mass
) -> tuple[list[tuple[Any, Any]], NDArray[np.int64]]:
    """(the `count` best tokens of each layer in their order, their places i64[layers, count]).

    layers: (keys, values) of each, arrays or tensors [1, heads, tokens, width]; attention: of each. Raises BadInput.
    """
    tokens = layers[0][0].shape[2] if layers else 0
    if len(attention) != len(layers) or any(one.shape[-1] != tokens for one in attention):
        raise BadInput(f"give the attention of each of {len(layers)} layers to their {tokens} tokens")
    if not 1 <= count <= tokens:
        raise BadInput(f"{count} of {tokens} tokens cannot be kept")
    found, places = [], np.empty((len(layers), count), np.int64)
    for number, ((keys, values), one) in enumerate(zip(layers, attention, strict=True)):
        places[number] = np.sort(np.argsort(-policy(one), kind="stable")[:count])
        found.append((keys[:, :, places[number]], values[:, :, places[number]]))
    return found, places
