"""`lacodec select`: average precision and speed of its score `bits` beside data-selection (DSIR) and zip-fit, on hard pools.

    python benchmarks/selection.py DATA [--pools dickens,shakespeare,wiki] [--shares 2,5,20] [--size 4] [--skip-peers]
    python benchmarks/selection.py DATA --speed

DATA: folder with the corpora. A pool has documents of 1 to 4 kB, cut at line ends: some of a source that is not in the English
books, the rest of these books; the target is other documents of that source, half of it and 1 MB at most. data-selection
and zip-fit come from PyPI; zip-fit compresses every document with every one of the target, so it sees a part of both (at gzip's
level 6: its default, 0, does not compress), beside `bits` on the same documents. Speeds are in processor time of one core.

--speed: 50 MB of text of all the corpora, with a target of 1 MB of Dickens. zip-fit sees all of the target and 60 documents of
the pool; its time is in proportion to their number.
"""

import argparse
import contextlib
import io
import json
import lzma
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.scores import Score, prime

_BOOKS = "text/train/english_books_train.txt.xz"
_SOURCES = {
    "dickens": "text/corpora/silesia/dickens.xz",
    "shakespeare": "text/train/tinyshakespeare.txt",
    "wiki": "text/test/wikitext2_valid.txt",
}
_ALL = (
    _BOOKS,
    *list(_SOURCES.values())[1:],
    "text/train/multilingual_train.txt.xz",
    "text/corpora/silesia/xml.xz",
    "logs/Linux.log.xz",
    "logs/Apache.log.xz",
)
_SPEED_PART = 60  # documents
_ZIPFIT_POOL, _ZIPFIT_TARGET = 400, 40  # documents


@dataclass(frozen=True)
class Pool:
    """documents, whether each is of the source, and the target's."""

    documents: list[bytes]
    wanted: np.ndarray
    target: list[bytes]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pools", default="dickens,shakespeare,wiki")
    parser.add_argument("--shares", default="2,5,20", help="per cent of the pool that is of the source")
    parser.add_argument("--size", type=float, default=4, help="megabytes of a pool")
    parser.add_argument("--skip-peers", action="store_true")
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args()
    gains = []
    bits(pool(args.data, "wiki", 0.2, 1e5))  # compiles
    if args.speed:
        speed(large(args.data))
        return
    for name in args.pools.split(","):
        for share in map(float, args.shares.split(",")):
            gains.append(
                compared(f"{name} {share:g} %", pool(args.data, name, share / 100, args.size * 1e6), not args.skip_peers)
            )
    if not args.skip_peers:
        print(f"bits above the better peer: {np.mean(gains):+.3f} on average, {min(gains):+.3f} at least")


def compared(name: str, made: Pool, peers: bool) -> float:
    """Print a line for each score; returns what `bits` has more than the better peer, in average precision."""
    size = sum(map(len, made.documents))
    print(f"{name}: {len(made.documents):,} documents, {size / 1e6:.1f} MB, {made.wanted.mean():.1%} wanted")
    ours = timed("bits", bits, made, size)
    if not peers:
        return 0.0
    theirs = timed("data-selection", data_selection, made, size)
    scale = np.maximum(1, [len(document) for document in made.documents])
    per_byte = average_precision(theirs / scale, made.wanted)
    print(f"  data-selection, per byte: {per_byte:.3f}")
    gain = average_precision(ours, made.wanted) - max(average_precision(theirs, made.wanted), per_byte)
    part = Pool(made.documents[:_ZIPFIT_POOL], made.wanted[:_ZIPFIT_POOL], made.target[:_ZIPFIT_TARGET])
    if not part.wanted.any():
        return gain
    print(f"  of {len(part.documents)} documents, with {len(part.target)} of the target:")
    zipped = timed("zip-fit", zip_fit, part, sum(map(len, part.documents)))
    same = timed("bits", bits, part, sum(map(len, part.documents)))
    return min(gain, average_precision(same, part.wanted) - average_precision(zipped, part.wanted))


def speed(made: Pool) -> None:
    """Print the speed of each score."""
    size = sum(map(len, made.documents))
    print(f"{len(made.documents):,} documents, {size / 1e6:.1f} MB; target {sum(map(len, made.target)) / 1e6:.2f} MB")
    timed("bits", bits, made, size)
    timed("data-selection", data_selection, made, size)
    part = Pool(made.documents[:_SPEED_PART], made.wanted[:_SPEED_PART], made.target)
    timed(f"zip-fit, {_SPEED_PART} documents", zip_fit, part, sum(map(len, part.documents)))


def timed(name: str, score: Callable[[Pool], np.ndarray], made: Pool, size: int) -> np.ndarray:
    """Print precision and speed of a score; returns the scores."""
    before = cpu_seconds()
    scores = score(made)
    seconds = cpu_seconds() - before
    print(f"  {name}: {average_precision(scores, made.wanted):.3f}, {size / seconds / 1e6:.3g} MB/s with priming", flush=True)
    return scores


def cpu_seconds() -> float:
    """Of this process and those that it began and that ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def average_precision(scores: np.ndarray, wanted: np.ndarray) -> float:
    """Mean over the wanted documents of the precision of all documents down to each."""
    ranked = wanted[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, ranked.size + 1))[ranked].mean())


def bits(made: Pool) -> np.ndarray:
    """The score of `lacodec select`."""
    batch = Batch(made.documents)
    begin = time.process_time()
    scorer = prime(Score("bits"), [Batch(made.target)], [batch], list, 0)
    primed = time.process_time()
    scores = scorer.scores(batch)
    done = time.process_time()
    print(f"  bits: primed in {primed - begin:.2f} s, then {batch.data.size / (done - primed) / 1e6:.1f} MB/s")
    return scores


def data_selection(made: Pool) -> np.ndarray:
    """Log of importance weights of DSIR, without the noise that its resampling adds."""
    from data_selection import HashedNgramDSIR

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        files = {"pool": made.documents, "target": made.target}
        for name, documents in files.items():
            lines = (json.dumps({"text": document.decode(errors="replace")}) for document in documents)
            Path(folder, f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        dsir = HashedNgramDSIR([f"{folder}/pool.jsonl"], [f"{folder}/target.jsonl"], cache_dir=f"{folder}/cache", num_proc=1)
        dsir.fit_importance_estimator(num_tokens_to_fit="auto")
        dsir.compute_importance_weights()
        (found,) = Path(folder, "cache", "log_importance_weights").glob("*.npy")
        return np.asarray(np.load(found), np.float64)


def zip_fit(made: Pool) -> np.ndarray:
    """Alignment with the target as zip-fit computes it."""
    from zip_fit import ZIPFIT

    texts = [f"{i:06} {document.decode(errors='replace')}" for i, document in enumerate(made.documents)]
    target = [document.decode(errors="replace") for document in made.target]
    fit = ZIPFIT("", "", len(texts), compression_algorithm="gzip", compress_level=6)
    with contextlib.redirect_stdout(io.StringIO()):
        ranked = fit.rank_sequences_by_alignment(texts, target)
    scores = np.zeros(len(texts))
    for text, score in ranked:
        scores[int(text[:6])] = score
    return scores


def pool(data: Path, name: str, share: float, size: float) -> Pool:
    """Documents of the source and of the books, mixed; the same in every run."""
    chance = np.random.default_rng(0)
    wanted, others = documents_of(data / _SOURCES[name], chance), documents_of(data / _BOOKS, chance)
    limit = min(1_000_000, sum(map(len, wanted)) // 2)
    target = up_to(wanted, limit)
    wanted = wanted[len(target) :]
    of_source = min(sum(map(len, wanted)), share * size)
    wanted, others = up_to(wanted, of_source), up_to(others, of_source * (1 - share) / share)
    documents = wanted + others
    order = chance.permutation(len(documents))
    return Pool([documents[i] for i in order], (order < len(wanted)), target)


def large(data: Path) -> Pool:
    """50 MB of all corpora, and a target of Dickens."""
    chance = np.random.default_rng(0)
    wanted = documents_of(data / _SOURCES["dickens"], chance)
    target = up_to(wanted, 1e6)
    wanted = wanted[len(target) :]
    others = [document for path in _ALL for document in documents_of(data / path, chance)]
    others = up_to(others, 50e6 - sum(map(len, wanted)))
    order = chance.permutation(len(wanted) + len(others))
    return Pool([(wanted + others)[i] for i in order], order < len(wanted), target)


def documents_of(path: Path, chance: np.random.Generator) -> list[bytes]:
    """Pieces of 1 to 4 kB, cut at line ends, in random order."""
    text = (lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()).replace(b"\r", b"")
    found, at = [], 0
    while at < len(text):
        end = text.find(b"\n", min(len(text), at + int(chance.integers(1000, 4000))))
        end = len(text) if end < 0 else end + 1
        found.append(text[at:end])
        at = end
    found = [document for document in found if len(document) >= 500]
    return [found[i] for i in chance.permutation(len(found))]


def up_to(documents: list[bytes], size: float) -> list[bytes]:
    """The first ones, until they have this size."""
    ends = np.cumsum([len(document) for document in documents])
    return documents[: int(np.searchsorted(ends, size)) + 1]


if __name__ == "__main__":
    main()
