"""Prompts made shorter: budget, order, what stays, and what a model's surprise is worth."""

import re

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.text import prune

TEXT = (
    "It was a fine day and we went out to see the sea. The harbour master of Quillport keeps a brass astrolabe. "
    "It was late when we came home and we were very tired. Call `open(path)` first, and pay 42 euros."
)


def letters(data: bytes) -> np.ndarray:
    """A model for tests: rare letters are a surprise."""
    return np.array([6.0 if byte in b"qjkxzQbp" else 1.0 for byte in data])


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("budget", [12, 20, 30])
def test_a_text_within_its_budget(budget: int) -> None:
    found = prune(TEXT, budget, words, letters)
    assert words(found) <= budget
    assert "`open(path)`" in found and "42" in found
    places = [TEXT.find(word) for word in found.split()]
    assert -1 not in places
    rest = iter(TEXT.split())
    assert all(word in rest for word in found.split())  # in order


def test_what_surprises_stays() -> None:
    found = prune(TEXT, 18, words, letters)
    assert "Quillport" in found and "brass" in found and "fine day" not in found


def test_short_texts_are_as_they_were() -> None:
    assert prune(TEXT, 1000, words, letters) is TEXT
    assert prune("", 0, words, letters) == ""


def test_code_stays_as_it_was() -> None:
    code = "```python\nfor i in range(10):\n    print( i )\n```"
    found = prune(f"We like it. {code}\nAnd that was all that there was to it, as we said before.", 25, surprisal=letters)
    assert code in found


def test_a_budget_below_code_and_numbers() -> None:
    with pytest.raises(BadInput, match="code and numbers alone are 3 tokens, more than the budget of 2"):
        prune("one 1 two 2 three 3", 2, words, letters)


@pytest.mark.slow
def test_planted_facts_outlive_random_deletion() -> None:
    facts = [
        ("The password of the observatory is Vermilion Zebra.", "Vermilion Zebra"),
        ("Dr Okonkwo hid the ledger behind the aquarium.", "Okonkwo ledger aquarium"),
        ("Project Halberd ships from Reykjavik in corrugated crates.", "Halberd Reykjavik corrugated"),
    ]
    plain = (
        "It is a truth that we all know very well. He said that it was not the time to go there. She looked at him and then she "
        "went out of the room. There was nothing more to be said about it. They had been there for a long time. We do not know "
        "what it is that they want of us. It was one of the things that he had to do in the morning. "
    )
    text = plain.replace(" They", f" {facts[0][0]} {facts[1][0]} They") + facts[2][0] + " " + plain
    wanted = {word for _, answer in facts for word in answer.split()}
    for factor in (2, 4):
        budget = len(re.findall(r"\w+|[^\w\s]", text)) // factor
        kept = wanted & set(re.findall(r"\w+", prune(text, budget)))
        assert len(kept) >= 0.75 * len(wanted), (factor, wanted - kept)  # chance keeps 1 / factor
