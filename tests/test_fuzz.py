from pathlib import Path

import pytest

from benchmarks.fuzz import fuzz
from benchmarks.mutations import Corpus, mutant
from tests.checks import EFFORTS
from tests.strength import mutants


def check(corpus: Corpus, count: int, failures: Path) -> None:
    numbers = mutants(count)
    outcomes, kinds, _ = fuzz(corpus, 2026, numbers, failures)
    assert not [outcome for outcome in outcomes if outcome.startswith("FAILURE")], outcomes
    assert sum(outcomes.values()) == len(numbers) and kinds["repaired"] > len(numbers) * 0.45
    assert outcomes["CorruptFile"] > len(numbers) // 4 and outcomes["decoded"] > min(10, len(numbers) // 100)


@pytest.mark.parametrize("efforts", [[effort] for effort in (1, 3, 5, 9) if effort in EFFORTS], ids=str)
def test_mutants_give_only_our_errors(efforts, tmp_path):
    """The long run is `python benchmarks/fuzz.py`."""
    check(Corpus.make(efforts, ["bytes"]), 1000, tmp_path)


@pytest.mark.parametrize(
    ("codec", "efforts", "count"),
    [
        ("image.lossless", [2, 5, 9], 1000),
        ("audio.lossless", [2, 5, 9], 1000),
        ("audio.transform", [3, 7], 300),
        ("image.jpeg", [1, 5, 9], 1000),
        ("weights", [5], 600),
        ("arrays", [1, 5, 7], 1500),
        ("log", [1, 5, 9], 300),
        ("points", [1, 5, 9], 1500),
        ("kv", [1, 5], 1000),
        ("vectors", [5], 300),
        ("features", [5], 500),
        ("video.lossless", [1, 2, 5], 300),
        ("image.pc", [5], 1000),
        ("image.walloc", [5], 300),
        ("image.tokens", [5], 300),
    ],
)
def test_mutants_of_other_codecs_give_only_our_errors(codec, efforts, count, tmp_path):
    check(Corpus.make(efforts, [codec]), count, tmp_path)


def test_mutants_can_be_made_again():
    corpus = Corpus.make([1], ["bytes"])
    assert [mutant(corpus, 5, i) for i in range(50)] == [mutant(Corpus.make([1], ["bytes"]), 5, i) for i in range(50)]
