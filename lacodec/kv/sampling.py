"""Text that a model says by itself, for calibration: it looks like all that the model has learned, and needs no data.

Words are drawn from the model's own prediction, from its first token on (as "LLM-QAT", arXiv 2305.17888, makes training data).
"""

from typing import Any

import torch
from transformers import DynamicCache

_TOGETHER = 8  # passages: their cache is in memory


def said(model: Any, passages: int, tokens: int, generator: torch.Generator) -> list[torch.Tensor]:
    """So many passages: token ids i64[tokens]. After the end of a text the next one follows."""
    sizes = [min(_TOGETHER, passages - first) for first in range(0, passages, _TOGETHER)]
    return [ids for size in sizes for ids in _said_together(model, size, tokens, generator)]


def _said_together(model: Any, passages: int, tokens: int, generator: torch.Generator) -> torch.Tensor:
    """i64[passages, tokens]"""
    ids = torch.full((passages, 1), _first(model.config), dtype=torch.int64)
    cache, found = DynamicCache(), [ids]
    with torch.inference_mode():
        while len(found) < tokens:
            logits = model(ids.to(model.device), past_key_values=cache, use_cache=True).logits[:, -1]
            ids = torch.multinomial(logits.float().softmax(-1).cpu(), 1, generator=generator)
            found.append(ids)
    return torch.cat(found, dim=1)


def _first(config: Any) -> int:
    """The token that texts begin with, or end with if they need none to begin."""
    for name in ("bos_token_id", "eos_token_id"):
        token = getattr(config, name, None)
        if token is not None:
            return int(token[0] if isinstance(token, list) else token)
    return 0
