import pytest

from benchmarks.fuzz import fuzz
from benchmarks.mutations import Corpus, mutant
from tests.checks import EFFORTS


@pytest.mark.parametrize("efforts", [[effort] for effort in (1, 3, 5, 9) if effort in EFFORTS], ids=str)
def test_mutants_give_only_our_errors(efforts, tmp_path):
    """The long run is `python benchmarks/fuzz.py`."""
    corpus = Corpus.make(efforts, ["bytes"])
    outcomes, kinds, _ = fuzz(corpus, 2026, range(1000), tmp_path)
    assert not [outcome for outcome in outcomes if outcome.startswith("FAILURE")], outcomes
    assert sum(outcomes.values()) == 1000 and kinds["repaired"] > 500
    assert outcomes["CorruptFile"] > 300 and outcomes["decoded"] > 10


@pytest.mark.parametrize(
    ("codec", "efforts", "count"),
    [
        ("image.lossless", [2, 5, 9], 1000),
        ("audio.lossless", [2, 5, 9], 1000),
        ("audio.transform", [3, 7], 300),
        ("image.jpeg", [1, 5, 9], 1000),
        ("arrays", [1, 5, 7], 1500),
        ("log", [1, 5, 9], 300),
        ("points", [1, 5, 9], 1500),
        ("kv", [1, 5], 1000),
        ("vectors", [5], 300),
        ("video.lossless", [1, 2, 5], 300),
        ("image.pc", [5], 1000),
        ("image.walloc", [5], 300),
    ],
)
def test_mutants_of_other_codecs_give_only_our_errors(codec, efforts, count, tmp_path):
    outcomes, kinds, _ = fuzz(Corpus.make(efforts, [codec]), 2026, range(count), tmp_path)
    assert not [outcome for outcome in outcomes if outcome.startswith("FAILURE")], outcomes
    assert sum(outcomes.values()) == count and kinds["repaired"] > count // 2
    assert outcomes["CorruptFile"] > count // 4 and outcomes["decoded"] > 10


def test_mutants_can_be_made_again():
    corpus = Corpus.make([1], ["bytes"])
    assert [mutant(corpus, 5, i) for i in range(50)] == [mutant(Corpus.make([1], ["bytes"]), 5, i) for i in range(50)]
