"""Prompts made shorter: a text -> the sentences and words of it that a small language model foresees least.

text --sentences of the least bits per byte are left out--> some more than the budget --words of the least bits--> the budget

Code and numbers stay as they are. Leaving out what a small model foresees follows Li and others: "Compressing context to enhance
inference efficiency of large language models" (Selective Context), 2023; first sentences, then words: Jiang and others,
"LLMLingua", 2023.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lacodec.errors import BadInput

_CODE = re.compile(r"(?:```.*?(?:```|\Z)|`[^`\n]+`|^(?: {4}|\t)[^\n]*)\S*\s*", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r"\S+\s*|\s+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_END = re.compile(r"""[.!?:]["')\]]*\s+$|\n\s*$""")


@dataclass(frozen=True)
class _Word:
    """A word with the blanks behind it. `kept`: code or a number, which stays."""

    text: str
    bits: float
    tokens: int
    kept: bool


def prune(
    text: str,
    budget: int,
    count: Callable[[str], int] | None = None,
    surprisal: Callable[[bytes], NDArray[np.float64]] | None = None,
) -> str:
    """The text with at most `budget` tokens, in its order.

    `count`: the tokens of a piece; by default words and marks. `surprisal`: UTF-8 -> bits of each byte; by default those of the
    English model that comes with `text.lm`. What stays whatever it costs: code (fenced, indented, in backticks) and words with
    digits. Raises BadInput when these alone are more than the budget.
    """
    tokens = count or (lambda piece: len(_TOKEN.findall(piece)))
    if tokens(text) <= budget:
        return text
    sentences = _sentences(_words(text, tokens, surprisal or _shipped))
    least = sum(word.tokens for sentence in sentences for word in sentence if word.kept)
    if least > budget:
        raise BadInput(f"code and numbers alone are {least} tokens, more than the budget of {budget}")
    words = [word for sentence in _chosen_sentences(sentences, budget) for word in sentence]
    return _joined(words, _dropped_words(words, budget))


def _shipped(data: bytes) -> NDArray[np.float64]:
    from lacodec.codecs.text.shipped import SHIPPED, by_path
    from lacodec.models.text.alone import surprisals

    return surprisals(by_path(SHIPPED).language, data)


def _words(text: str, tokens: Callable[[str], int], surprisal: Callable[[bytes], NDArray[np.float64]]) -> list[_Word]:
    sums = np.concatenate([[0.0], np.cumsum(surprisal(text.encode()))])
    found, byte = [], 0
    for piece, code in _pieces(text):
        end = byte + len(piece.encode())
        kept = code or any(character.isdigit() for character in piece)
        found.append(_Word(piece, float(sums[end] - sums[byte]), tokens(piece), kept))
        byte = end
    return found


def _pieces(text: str) -> list[tuple[str, bool]]:
    """(words, or stretches of code; whether it is code), which are the text together."""
    found, place = [], 0
    for code in _CODE.finditer(text):
        found += [(word, False) for word in _WORD.findall(text[place : code.start()])]
        found.append((code[0], True))
        place = code.end()
    return found + [(word, False) for word in _WORD.findall(text[place:])]


def _sentences(words: Sequence[_Word]) -> list[list[_Word]]:
    found: list[list[_Word]] = [[]]
    for word in words:
        found[-1].append(word)
        if _END.search(word.text):
            found.append([])
    return [sentence for sentence in found if sentence]


def _chosen_sentences(sentences: Sequence[Sequence[_Word]], budget: int) -> list[list[_Word]]:
    """Those sentences that tell most, with what stays of the others."""

    def told(sentence: Sequence[_Word]) -> float:
        return sum(word.bits for word in sentence) / sum(len(word.text.encode()) for word in sentence)

    total = sum(word.tokens for sentence in sentences for word in sentence)
    out = set()
    for place in sorted(range(len(sentences)), key=lambda i: told(sentences[i])):
        free = sum(word.tokens for word in sentences[place] if not word.kept)
        if total - free >= budget:  # fewer words of whole sentences tell more than many of broken ones
            out.add(place)
            total -= free
    return [[_line_end(word) if i in out else word for word in sentence] for i, sentence in enumerate(sentences)]


def _dropped_words(words: Sequence[_Word], budget: int) -> set[int]:
    """Places of those to leave out."""
    total = sum(word.tokens for word in words)
    out = set()
    for place in sorted(range(len(words)), key=lambda i: words[i].bits):
        if total <= budget:
            break
        if not words[place].kept and words[place].tokens:
            out.add(place)
            total -= words[place].tokens
    return out


def _line_end(word: _Word) -> _Word:
    """What is left of a word of a sentence that is left out: all of what stays, else the end of the line."""
    return word if word.kept else _Word("\n" if "\n" in word.text else "", 0.0, 0, False)


def _joined(words: Sequence[_Word], out: set[int]) -> str:
    """The text; a line ends where a word was left out at its end, but no line is left empty by that."""
    parts = [""]
    for i, word in enumerate(words):
        text = _line_end(word).text if i in out else word.text
        if text and (text != "\n" or not parts[-1].endswith("\n")):
            parts.append(text)
    return "".join(parts).strip()
