"""The primer: a text that a model reads before a block, so that common words and phrases are not news to it.

It is not an excerpt: phrases are chosen by how many different parts of the training books use them and strung together where they
overlap; the words that no phrase holds follow, then a page of our own with the look of common formats.
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

PART = 200_000  # characters; a phrase must occur in many parts, so that names of one book stay out
PHRASES = 56_000  # bytes of phrases, then of words
WORDS = 24_000
FORMATS = Path(__file__).with_name("primer_formats.txt")


def make_primer(books: bytes) -> bytes:
    """The primer's bytes, from UTF-8 books."""
    text = re.sub(r"\s+", " ", books.decode("utf-8", errors="ignore"))
    parts = [re.findall(r"[A-Za-z][A-Za-z'’]*|[^A-Za-z]+", text[i : i + PART]) for i in range(0, len(text), PART)]
    phrases = _string_phrases(_spread(parts, 5, at_least=6))
    words = Counter({key[0]: n for key, n in _spread(parts, 1, at_least=12).items()})
    missing = [word for word, _ in words.most_common() if word[0].isalpha() and not re.search(rf"\b{re.escape(word)}\b", phrases)]
    listed = " ".join(missing)[:WORDS].rsplit(" ", 1)[0]
    return (FORMATS.read_text() + listed + "\n" + phrases).encode()


def phrases_and_words(books: bytes) -> tuple[bytes, bytes]:
    """(phrases, the best last; words that many parts use, the best first, but for those in the last of the phrases)."""
    text = re.sub(r"\s+", " ", books.decode("utf-8", errors="ignore"))
    parts = [re.findall(r"[A-Za-z][A-Za-z'’]*|[^A-Za-z]+", text[i : i + PART]) for i in range(0, len(text), PART)]
    phrases = _string_phrases(_spread(parts, 5, at_least=4), 150_000)
    known = set(re.findall(r"[A-Za-z][A-Za-z'’]*", phrases[-60_000:]))
    words = Counter({key[0]: n for key, n in _spread(parts, 1, at_least=6).items()})
    listed = " ".join(word for word, _ in words.most_common() if word[0].isalpha() and word not in known)
    return phrases.encode(), listed.encode()


def _spread(parts: list[list[str]], length: int, at_least: int) -> dict[tuple[str, ...], int]:
    """Runs of `length` items that begin with a word, by the number of parts that hold them."""
    counts: Counter[tuple[str, ...]] = Counter()
    for part in parts:
        counts.update({run for run in zip(*(part[i:] for i in range(length)), strict=False) if run[0][0].isalpha()})
    return {run: n for run, n in counts.items() if n >= at_least}


def _string_phrases(counts: dict[tuple[str, ...], int], most: int = PHRASES) -> str:
    """The most frequent runs, each prolonged by frequent runs that overlap it; the most frequent stand last."""
    followers = defaultdict(list)
    for run, n in counts.items():
        followers[run[:3]].append((n, run))
    for runs in followers.values():
        runs.sort(reverse=True)
    used: set[tuple[str, ...]] = set()
    lines: list[str] = []
    size = 0
    for run in sorted(counts, key=lambda r: (-counts[r], r)):
        if run in used:
            continue
        items = list(run)
        used.add(run)
        while True:
            later = (r for n, r in followers[tuple(items[-3:])][:40] if r not in used and 3 * n >= counts[run])
            longer = next(later, None)
            if longer is None:
                break
            used.add(longer)
            items += longer[3:]
        lines.append("".join(items))
        size += len(lines[-1].encode()) + 1
        if size >= most:
            break
    return "\n".join(reversed(lines))
