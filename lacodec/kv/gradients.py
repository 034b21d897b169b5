"""What a model says after a cache, and how steeply its likelihood changes with the keys and values in it."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache


def forward(model: Any, layers: Sequence[tuple[Any, Any]], ids: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """(logits f32[batch, tokens, words] after a cache, the leaves of their graph: keys, values of each layer in turn).

    layers: (keys, values) of each, [batch, heads, tokens, width]; ids: the tokens that follow, i64[batch, tokens].
    """
    cache, leaves = DynamicCache(), []
    for number, layer in enumerate(layers):
        pair = [part.detach().clone().requires_grad_() for part in layer]
        leaves += pair
        cache.update(*pair, number)
    return model(ids, past_key_values=cache, use_cache=True).logits.float(), leaves


def gradients(logits: torch.Tensor, leaves: list[torch.Tensor], words: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Those of the negative log-likelihood of words i64[batch, tokens], in nats, at each of the leaves."""
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), words.flatten(), reduction="sum")
    return torch.autograd.grad(loss, leaves)
