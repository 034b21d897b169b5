"""`lacodec select`: what defines each score, shares of targets, selections of epochs."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from lacodec.datasets.selection import Filters, Score, select
from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.compressed import alignment, band
from lacodec.datasets.selection.diversity import gains, sketch
from lacodec.datasets.selection.phrases import compiled, matches
from lacodec.errors import BadInput
from tests.cli.test_select import WORDS, outcomes, prose, write_lines

ALL = Filters(False, None, None)
CHANCE = np.random.default_rng(11)


def chosen(folder: Path) -> list[int]:
    return [json.loads(line)["id"] for line in (folder / "selected/pool.jsonl").read_text().splitlines()]


def test_zipfit_is_the_mean_alignment(tmp_path: Path) -> None:
    """1 - NCD, averaged over the target's texts, and what it selects is of the target's kind."""
    target, documents = prose(1, 3, 2), prose(1, 20, 1) + prose(2, 60, 1)
    scorer = alignment("gzip", [Batch([text.encode() for text in target])])

    def size(text: str) -> int:
        return len(zlib.compress(text.encode(), 6))

    text = documents[0]
    ncds = [(size(text + y) - min(size(text), size(y))) / max(size(text), size(y)) for y in target]
    assert scorer.scores(Batch([text.encode()])).tolist() == pytest.approx([1 - sum(ncds) / 3])
    write_lines(tmp_path / "pool.jsonl", documents)
    write_lines(tmp_path / "target.jsonl", target)
    select(tmp_path / "pool.jsonl", tmp_path / "target.jsonl", "20 docs", tmp_path / "out", score="zipfit", filters=ALL)
    assert sum(i < 20 for i in chosen(tmp_path / "out")) >= 12  # 5 by chance
    ours = alignment("bytes", [Batch([text.encode() for text in target])])
    assert ours.codec == "bytes" and 0 < ours.scores(Batch([target[0].encode()]))[0] <= 1.1


def test_band_leaves_out_what_compresses_otherwise() -> None:
    texts = [text.encode() for text in prose(1, 60, 1)]
    repeats = [(WORDS[i] + " ").encode() * 90 for i in range(20)]
    noise = [bytes(CHANCE.integers(33, 127, 600).astype(np.uint8)) for _ in range(20)]
    scorer = band("gzip", [Batch([text.encode() for text in prose(1, 60, 2)])], 0)
    inside = scorer.scores(Batch(texts)) > 0
    assert inside.mean() > 0.75
    assert (scorer.scores(Batch(repeats + noise)) < 0).all()
    assert scorer.scores(Batch(repeats))[0] < scorer.scores(Batch([texts[0] + repeats[0][:300]]))[0]  # farther outside


def test_perplexity_prefers_english(tmp_path: Path) -> None:
    english = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness."
    shuffled = english.split()
    CHANCE.shuffle(shuffled)
    letters = list(english)
    CHANCE.shuffle(letters)
    write_lines(tmp_path / "pool.jsonl", ["".join(letters), english, " ".join(shuffled)])
    select(tmp_path / "pool.jsonl", [], "1 docs", tmp_path / "out", score="perplexity")
    assert chosen(tmp_path / "out") == [1]
    scores = [float(line.split("\t")[2]) for line in (tmp_path / "out/scores.tsv").read_text().splitlines()[1:]]
    assert 0 > scores[1] > scores[2] > scores[0]


def test_diversity_takes_one_of_each_kind_first(tmp_path: Path) -> None:
    kinds = prose(1, 12, 1, 200)
    documents = [text + f" {i}" for i in range(20) for text in kinds]
    write_lines(tmp_path / "pool.jsonl", documents)
    select(tmp_path / "pool.jsonl", [], "12 docs", tmp_path / "out", score="diversity", filters=ALL)
    found = chosen(tmp_path / "out")
    assert sorted(i % 12 for i in found) == list(range(12))
    select(tmp_path / "pool.jsonl", [], "12 docs", tmp_path / "chance", score="random", filters=ALL)
    joint = [
        len(zlib.compress("".join(documents[i] for i in which).encode(), 9)) for which in (found, chosen(tmp_path / "chance"))
    ]
    assert joint[0] > 1.2 * joint[1]


def test_gains_are_those_of_the_plain_greedy_choice() -> None:
    texts = [" ".join(WORDS[i] for i in CHANCE.integers(0, 40, CHANCE.integers(20, 200))).encode() for _ in range(60)]
    sketches = [sketch(Batch([text])) for text in texts]
    strings = [set(found.tolist()) for found, _ in sketches]
    sizes = np.array([len(text) for text in texts])
    left, known, expected, used = set(range(60)), set[int](), np.zeros(60), 0
    while left:
        gain, best = max((len(strings[i] - known) / sizes[i], -i) for i in left)
        if used + 1 > 25:
            break
        expected[-best], used = gain, used + 1
        known |= strings[-best]
        left.remove(-best)
    found = gains(sketches, sizes, np.ones(60, np.int64), 25)
    assert np.sort(found)[-25:].tolist() == pytest.approx(np.sort(expected[expected > 0])[-25:].tolist())
    assert found[list(left)].max() < found[[i for i in range(60) if i not in left]].min()


def test_phrases_are_found_by_words() -> None:
    table = compiled(["Cat", "black cat", "the black cat sat", "dog", "at"])
    texts = [b"The BLACK cat, sat.", b"a catalogue of dogs", b"", b"dog dog", b"black\ncat"]
    documents, phrases = matches(Batch(texts), table)
    assert list(zip(documents.tolist(), phrases.tolist(), strict=True)) == [(0, 0), (0, 1), (0, 2), (3, 3), (4, 0), (4, 1)]
    for wrong in (["..."], ["a b c d e f g h i"], []):
        with pytest.raises(BadInput, match="of 1 to 8 words"):
            compiled(wrong)


def test_balanced_caps_the_head_and_keeps_the_tail(lacodec, tmp_path: Path) -> None:
    documents = [f"common {i} thing" for i in range(4000)] + [f"rare {i} thing" for i in range(30)] + ["nothing"] * 100
    write_lines(tmp_path / "pool.jsonl", [documents[i] for i in np.random.default_rng(1).permutation(len(documents))])
    (tmp_path / "entries.txt").write_text("common\nrare\nabsent\n")
    command = ["select", "pool.jsonl", "--score", "balanced", "--entries", "entries.txt", "--budget", "1GB", "-o", "out"]
    lacodec(*command, "--cap", "200", "--keep-duplicates")
    found = [json.loads(line)["text"].split()[0] for line in (tmp_path / "out/selected/pool.jsonl").read_text().splitlines()]
    assert found.count("rare") == 30 and found.count("nothing") == 0
    assert abs(found.count("common") - 200) < 60  # four standard deviations
    assert b"needs entries and a cap" in lacodec(*command, code=1).stderr


def test_shares_of_targets(lacodec, tmp_path: Path) -> None:
    write_lines(tmp_path / "pool.jsonl", prose(1, 100, 1) + prose(2, 100, 1) + prose(3, 200, 1))
    write_lines(tmp_path / "a.jsonl", prose(1, 40, 2))
    write_lines(tmp_path / "b.jsonl", prose(2, 40, 2))
    command = ["select", "pool.jsonl", "--target", "a.jsonl", "--target", "b.jsonl", "--budget", "80 docs", "--keep-leaks"]
    lacodec(*command, "--share", "0.75", "--share", "0.25", "-o", "out")
    found = chosen(tmp_path / "out")
    assert len(found) == 80
    assert sum(i < 100 for i in found) >= 57 and sum(100 <= i < 200 for i in found) >= 18
    head = (tmp_path / "out/scores.tsv").read_text().splitlines()[0]
    assert head.split("\t")[2:4] == ["score", "score 2"]
    assert outcomes(tmp_path / "out").count("selected") == 80
    for shares, message in ((["0.5"], b"2 targets and 1 shares"), (["0.9", "0.9"], b"at most 1 in all")):
        wrong = lacodec(*command, *(word for share in shares for word in ("--share", share)), "-o", "wrong", code=1)
        assert message in wrong.stderr


def test_random_epochs_cover_the_pool(tmp_path: Path) -> None:
    write_lines(tmp_path / "pool.jsonl", prose(1, 100, 1))
    done = select(tmp_path / "pool.jsonl", [], "40 docs", tmp_path / "out", score="random", epochs=5)
    found = []
    for epoch in range(1, 6):
        lines = (tmp_path / f"out/selected/epoch-{epoch}/pool.jsonl").read_text().splitlines()
        found.append([json.loads(line)["id"] for line in lines])
    assert [len(ids) for ids in found] == [40] * 5
    assert len({*found[0], *found[1]}) == 80 and len({*found[0], *found[1], *found[2]}) == 100
    assert all(sum(ids.count(i) for ids in found) == 2 for i in range(100))
    assert done.documents == 100
    with pytest.raises(BadInput, match="'random' only"):
        select(tmp_path / "pool.jsonl", tmp_path / "pool.jsonl", "40 docs", tmp_path / "x", epochs=2)


def test_what_does_not_go_together(tmp_path: Path) -> None:
    write_lines(tmp_path / "pool.jsonl", prose(1, 3, 1))
    with pytest.raises(BadInput, match="compares with a target"):
        select(tmp_path / "pool.jsonl", [], "1 docs", tmp_path / "out")
    with pytest.raises(BadInput, match="does not compress"):
        Score("bits", codec="bytes")
    with pytest.raises(BadInput, match="no score 'best'"):
        Score("best")
