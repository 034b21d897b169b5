"""How much errors in each token of a cache will cost, told by how much the end of the text depends on it.

    cache without the last tokens --model, these tokens--> gradients of their likelihood --squares--> weights [layers, tokens]

What the last tokens of a prompt look at is mostly what those after them will look at, too (SnapKV, arXiv 2404.14469, has it for
attention). Squared gradients are the Fisher information of keys and values, so an error costs in proportion to them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput, MissingDependency

_POWER, _LEAST = 0.6, 0.005  # of the mean: what one text shows is not all that may come. Chosen on training books, SmolLM2
_FADING = 0.75  # the power of age + 2 by which weights fall, for tokens that too few others follow


def weigh(model: Any, ids: Any, cache: Any, window: int = 128) -> NDArray[np.float32]:
    """f32[layers, tokens]: `weights` for `lacodec.kv.encode` with a quality.

    model: of transformers; ids: the tokens of the cache, i64[tokens] or [batch, tokens]; cache: a DynamicCache, or (keys, values)
    of each layer, as tensors. The model runs once more over the last `window` tokens, and back. Raises BadInput.
    """
    try:
        import torch

        from lacodec.kv.gradients import forward, gradients
    except ImportError as error:
        raise MissingDependency(f"weighing tokens needs transformers ({error}); install lacodec[transformers]") from error
    ids = torch.atleast_2d(torch.as_tensor(np.asarray(ids, np.int64)))
    pairs = [(one.keys, one.values) for one in cache.layers] if hasattr(cache, "layers") else list(cache)
    tokens = ids.shape[1]
    if not pairs or pairs[0][0].shape[0] != ids.shape[0] or pairs[0][0].shape[2] != tokens:
        raise BadInput("ids and cache have different batches or tokens")
    if type(window) is not int or not 2 <= window < tokens:
        raise BadInput(f"window is {window!r}; give a number of tokens from 2 to {tokens - 1}")
    before, kind = tokens - window, next(model.parameters()).dtype
    device = next(model.parameters()).device
    known = [tuple(part[:, :, :before].to(device, kind) for part in pair) for pair in pairs]
    ids = ids.to(device)
    logits, leaves = forward(model, known, ids[:, before:-1])
    steep = gradients(logits, leaves, ids[:, before + 1 :])
    squares = [one.float().square().sum(dim=(0, 1, 3)).cpu().numpy().astype(np.float64) for one in steep]
    return np.stack([_joined(keys, values, tokens) for keys, values in zip(squares[::2], squares[1::2], strict=True)])


def _joined(keys: NDArray[np.float64], values: NDArray[np.float64], tokens: int) -> NDArray[np.float32]:
    """f32[tokens] from squares of the gradients at keys and values f64[those before the window]; 1 on average of these."""
    seen = sum(part / max(part[1:].mean(), 1e-300) for part in (keys, values)) / 2  # all look at the first token
    found = (np.minimum(seen, len(seen)) + _LEAST) ** _POWER
    fading = (np.arange(tokens, dtype=np.float64)[::-1] + 2) ** -_FADING
    return np.concatenate([found / found.mean(), fading[len(seen) :] / fading[: len(seen)].mean()]).astype(np.float32)
