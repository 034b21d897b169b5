"""A shared context, many questions: facts planted in prose, and how likely the right answers are from exact and decoded caches.

    prose + facts --model--> cache, coded once --decoded--> question 1 -> log-likelihood of the right answer
                                                            question 2 -> ...           (SCBench's idea, arXiv 2412.10319)

Each fact is a sentence, `The secret word of Clara is marble.`, and answers are single tokens. An answer is right where it is
the likeliest of all that were planted. No question is part of what was coded: weights of tokens do not know what will be asked.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lacodec.kv
from benchmarks.kv_model import log_probabilities, pairs_of, words

NAMES = ("Clara", "Edmund", "Martha", "Walter", "Agnes", "Oliver", "Harriet", "Victor")
ANSWERS = (
    "marble", "lantern", "silver", "garden", "copper", "river", "candle", "velvet", "anchor", "pepper", "mirror", "basket",
    "thunder", "orange", "castle", "needle", "button", "forest", "ladder", "pillow", "butter", "pencil", "island", "rabbit",
)  # fmt: skip
Options = Callable[[Any], dict[str, Any]]
"""Weights of tokens -> options of `lacodec.kv.encode`."""


def context(prose: np.ndarray, seed: int) -> tuple[np.ndarray, list[int]]:
    """(token ids of the prose with facts between, the answer of each name); as many ids as the prose has."""
    rng = np.random.default_rng(seed)
    known = [int(ids[0]) for answer in ANSWERS if len(ids := words(" " + answer)) == 1]
    chosen = [int(one) for one in rng.choice(known, len(NAMES), replace=False)]
    facts = [[*words(f"\n\nThe secret word of {name} is"), one, *words(".\n\n")] for name, one in zip(NAMES, chosen, strict=True)]
    room = len(prose) - sum(map(len, facts))
    ends = np.sort(rng.choice(np.arange(room // 16, room), len(facts), replace=False)).tolist()
    order = rng.permutation(len(facts)).tolist()
    found: list[int] = []
    for begin, end, fact in zip([0, *ends], [*ends, room], [*order, None], strict=True):
        found += prose[begin:end].tolist() + ([] if fact is None else facts[fact])
    return np.array(found, np.int64), chosen


def asked(model: Any, pairs: Any, chosen: list[int]) -> np.ndarray:
    """f64[questions, 2]: log-likelihood of the right answer, and whether it is the likeliest of all."""
    found = []
    for name, right in zip(NAMES, chosen, strict=True):
        question = words(f"\n\nQuestion: What is the secret word of {name}?\nAnswer: The secret word of {name} is")
        after = log_probabilities(model, pairs, torch.from_numpy(question.astype(np.int64)))[-1]
        found.append((float(after[right]), float(int(after[chosen].argmax()) == chosen.index(right))))
    return np.array(found)


def measured(model: Any, folder: Path, texts: list[np.ndarray], ways: Mapping[str, Options]) -> Iterator[str]:
    """A line for the exact caches, for none, and for each way; differences with their standard errors over questions."""
    described, bases = lacodec.kv.describe(model), sorted(folder.glob("*.basis"))
    rows: dict[str, list[np.ndarray]] = {}
    sizes: dict[str, np.ndarray] = {}
    for number, prose in enumerate(texts):
        ids, chosen = context(prose, number)
        pairs = pairs_of(model, torch.from_numpy(ids))
        rows.setdefault("exact", []).append(asked(model, pairs, chosen))
        rows.setdefault("no context", []).append(asked(model, [], chosen))
        raw, weights = sum(2 * part.numel() for pair in pairs for part in pair), lacodec.kv.weigh(model, ids, pairs)
        for way, options in ways.items():
            file = folder / f"answers.{number}.{way}.lac"
            file.write_bytes(lacodec.kv.encode(pairs, described, threads=1, **options(weights)))
            decoded = lacodec.kv.decode(file, model=described, basis=bases, to="torch", threads=1)
            rows.setdefault(way, []).append(asked(model, decoded, chosen))
            sizes[way] = sizes.get(way, np.zeros(2)) + np.array([raw, file.stat().st_size])
    exact = np.concatenate(rows["exact"])
    for way, parts in rows.items():
        found = np.concatenate(parts)
        apart = found[:, 0] - exact[:, 0]
        ratio = f"{sizes[way][0] / sizes[way][1]:.2f}x, " if way in sizes else ""
        yield (
            f"{way}: {ratio}{len(found)} answers, log-likelihood {found[:, 0].mean():.4f}, "
            f"{apart.mean():+.4f} +- {apart.std(ddof=1) / len(apart) ** 0.5:.4f} from exact; likeliest {found[:, 1].mean():.3f}"
        )
