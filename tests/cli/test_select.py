"""`lacodec select`: what is chosen, duplicates and leaks, broken entries, formats, runs that are interrupted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lacodec.datasets.selection import Budget, Filters, select
from lacodec.errors import BadInput, LacodecError

CHANCE = np.random.default_rng(7)
WORDS = ["".join(CHANCE.choice(list("abcdefghijklmnopqrstuvwxyz"), CHANCE.integers(2, 9))) for _ in range(3000)]


def prose(topic: int, count: int, seed: int, least: int = 60) -> list[str]:
    """Documents whose words come from a part of the vocabulary more often than from the rest."""
    chance = np.random.default_rng([topic, seed])
    found = []
    for _ in range(count):
        size = int(chance.integers(least, 3 * least))
        own = chance.integers(topic * 300, topic * 300 + 300, size)
        which = np.where(chance.random(size) < 0.5, own, chance.integers(0, len(WORDS), size))
        found.append(" ".join(WORDS[i] for i in which) + ".\n")
    return found


def edited(text: str, share: float, chance: np.random.Generator) -> str:
    """With so many words replaced, at least one."""
    words = text.split(" ")
    for at in chance.choice(len(words), max(1, round(share * len(words))), replace=False):
        words[at] = WORDS[chance.integers(0, 3000)] + "s"
    return " ".join(words)


def write_lines(path: Path, documents: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(documents)))
    return path


def outcomes(folder: Path) -> list[str]:
    return [line.split("\t")[-1] for line in (folder / "scores.tsv").read_text().splitlines()[1:]]


def content(folder: Path) -> dict[str, bytes]:
    """Everything that does not depend on when a run was interrupted."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.endswith((".journal", ".png"))}


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[Path, Path]:
    """A pool of which documents 0 to 39 are wanted, and a target."""
    pool = write_lines(tmp_path / "pool.jsonl", prose(1, 40, 1) + prose(2, 200, 1) + prose(3, 200, 1))
    return pool, write_lines(tmp_path / "target.jsonl", prose(1, 40, 2))


@pytest.mark.parametrize(("score", "least"), [("bits", 38), ("dsir", 12)])  # 4 by chance
def test_the_wanted_documents_are_selected(lacodec, mixed, tmp_path: Path, score: str, least: int) -> None:
    done = lacodec(
        "select", "pool.jsonl", "--target", "target.jsonl", "--budget", "40 docs", "-o", "out", "--score", score, "--json"
    )
    summary = json.loads(done.stdout)
    chosen = [json.loads(line)["id"] for line in (tmp_path / "out/selected/pool.jsonl").read_text().splitlines()]
    assert chosen == sorted(chosen)
    assert len(chosen) == summary["documents"] == 40
    assert sum(i < 40 for i in chosen) >= least
    assert summary["outcomes"]["left"] == 400
    lines = (tmp_path / "pool.jsonl").read_text().splitlines(keepends=True)
    assert (tmp_path / "out/selected/pool.jsonl").read_text() == "".join(lines[i] for i in chosen)
    cut = summary["cut"]
    assert min(x["score"] for x in cut["selected"]) >= max(x["score"] for x in cut["left"])
    assert json.loads(lines[cut["left"][0]["entry"] - 1])["text"].startswith(cut["left"][0]["text"])


def test_random_depends_on_the_seed_alone(mixed, tmp_path: Path) -> None:
    pool, target = mixed
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        select(pool, target, "50 docs", tmp_path / name, score="random", seed=seed)
    chosen = [(tmp_path / name / "selected/pool.jsonl").read_text() for name in "abc"]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("10000 docs", (10_000, "docs")),
        ("5M tokens", (5_000_000, "tokens")),
        ("1GB", (10**9, "bytes")),
        ("1.5 kb", (1500, "bytes")),
    ],
)
def test_budgets(text: str, budget: tuple[int, str]) -> None:
    assert Budget.parse(text) == Budget(*budget)


@pytest.mark.parametrize("text", ["", "12", "docs", "-1 docs", "0 docs", "0.1 docs", "1 GB docs", "x MB"])
def test_texts_that_are_no_budget(text: str) -> None:
    with pytest.raises(BadInput):
        Budget.parse(text)


@pytest.mark.parametrize("unit", ["docs", "tokens", "bytes"])
def test_a_budget_is_used_up_but_not_exceeded(mixed, tmp_path: Path, unit: str) -> None:
    pool, target = mixed
    limit = {"docs": 33, "tokens": 3333, "bytes": 33_333}[unit]
    done = select(pool, target, f"{limit} {unit}", tmp_path / "out")
    used = {"docs": done.documents, "tokens": done.tokens, "bytes": done.size}[unit]
    assert limit * 0.9 < used <= limit
    chosen = [json.loads(line)["text"] for line in (tmp_path / "out/selected/pool.jsonl").read_text().splitlines()]
    assert done.size == sum(len(text) for text in chosen)
    assert done.tokens == sum(len(text.split()) + 1 for text in chosen)  # the full stop


def test_planted_duplicates_and_leaks(tmp_path: Path) -> None:
    """Recall at least 0.98 and precision at least 0.95 of each, among documents that have much in common by their words."""
    chance = np.random.default_rng(3)
    base, target = prose(1, 1500, 1), prose(1, 300, 2)
    planted = {
        "duplicate": base[:100],
        "near duplicate": [edited(text, 0.03, chance) for text in base[100:300]],
        "leak": target[:100] + [edited(text, 0.05, chance) for text in target[100:200]],
    }
    # A leak may also be a part of a longer document of the target, or have one in it.
    planted["leak"] += [text[len(text) // 3 :] for text in target[200:250]] + [base[i][:150] + target[250 + i] for i in range(50)]
    extra = [(text, kind) for kind, texts in planted.items() for text in texts]
    extra = [extra[i] for i in chance.permutation(len(extra))]
    write_lines(tmp_path / "pool.jsonl", base + [text for text, _ in extra])
    write_lines(tmp_path / "target.jsonl", target)
    select(tmp_path / "pool.jsonl", tmp_path / "target.jsonl", "100 docs", tmp_path / "out")
    truth = ["left"] * len(base) + [kind for _, kind in extra]
    found = outcomes(tmp_path / "out")
    for kind in planted:
        both = sum(a == b == kind for a, b in zip(truth, found, strict=True))
        assert both >= 0.98 * truth.count(kind), kind
        assert both >= 0.95 * found.count(kind), kind


def test_filters_may_be_left_out(lacodec, tmp_path: Path) -> None:
    documents = prose(1, 30, 1)
    write_lines(tmp_path / "pool.jsonl", documents + documents)
    write_lines(tmp_path / "target.jsonl", documents[:10])
    command = ["select", "pool.jsonl", "--target", "target.jsonl", "--budget", "60 docs", "--json", "-o", "out"]
    counts = [json.loads(lacodec(*command, *more).stdout)["outcomes"] for more in ([], ["--keep-leaks"], ["--keep-duplicates"])]
    assert [(c["selected"], c["duplicate"], c["leak"]) for c in counts] == [(20, 20, 20), (30, 30, 0), (40, 0, 20)]


BROKEN = [
    (b'{"text": ""}\n', "empty"),
    (b'{"text": " \\n "}\n', "empty"),
    (b'{"other": "a"}\n', "missing field"),
    (b'{"text": null}\n', "missing field"),
    (b'{"text": 3}\n', "not text"),
    (b'["text"]\n', "not text"),
    (b'{"text": "a\n', "broken JSON"),
    (b"words\n", "broken JSON"),
    (b'{"text": "\xff\xfe"}\n', "broken UTF-8"),
    (b'{"x": ' + b"[" * 100_000 + b"\n", "broken JSON"),
]


def test_broken_lines_are_counted_and_named(lacodec, mixed, tmp_path: Path) -> None:
    pool, _ = mixed
    lines = pool.read_bytes().splitlines(keepends=True)
    pool.write_bytes(b"".join(lines[:5] + [b"\n"] + [line for line, _ in BROKEN] + lines[5:]).rstrip(b"\n"))
    command = ["select", "pool.jsonl", "--target", "target.jsonl", "--budget", "1MB", "-o", "out"]
    done = lacodec(*command, code=1)
    for i, (_, problem) in enumerate(BROKEN):
        assert f"pool.jsonl: entry {i + 6}: {problem}".encode() in done.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["problems"] == {"broken JSON": 3, "broken UTF-8": 1, "empty": 2, "missing field": 2, "not text": 2}
    assert outcomes(tmp_path / "out")[5:15] == [problem for _, problem in BROKEN]
    assert (tmp_path / "out/selected/pool.jsonl").read_bytes() == b"".join(lines)
    for folder in ("out", "new"):  # scored already, and not
        stopped = lacodec(*command[:-1], folder, "--on-error", "stop", code=1)
        assert b"pool.jsonl: entry 6: empty" in stopped.stderr


def test_parquet_and_text_come_out_as_they_went_in(tmp_path: Path) -> None:
    """The same documents in three formats: the same are selected."""
    documents = prose(1, 30, 1) + prose(2, 90, 1)
    target = write_lines(tmp_path / "target.jsonl", prose(1, 40, 2))
    table = pa.table({"n": range(121), "body": [*documents, None], "more": [{"a": i} for i in range(121)]})
    (tmp_path / "table").mkdir()
    pq.write_table(table, tmp_path / "table/x.parquet", row_group_size=50)
    for i, text in enumerate(documents):
        (tmp_path / f"texts/{i % 3}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"texts/{i % 3}/{i:03}.txt").write_text(text)
    (tmp_path / "texts/broken.txt").write_bytes(b"\xff")
    write_lines(tmp_path / "lines.jsonl", documents)
    table_target = tmp_path / "target.parquet"
    pq.write_table(pa.table({"body": [json.loads(line)["text"] for line in target.read_text().splitlines()]}), table_target)

    assert select(tmp_path / "table", table_target, "30 docs", tmp_path / "a", field="body").problems == {"missing field": 1}
    found = pq.read_table(tmp_path / "a/selected/x.parquet")
    assert found.schema == table.schema
    assert found.equals(table.take(found.column("n")))
    numbers = found.column("n").to_pylist()
    assert len(numbers) == 30
    assert select(tmp_path / "texts", target, "30 docs", tmp_path / "b").problems == {"broken UTF-8": 1}
    texts = {path.stem: path.read_text() for path in (tmp_path / "b/selected").rglob("*.txt")}
    assert texts == {f"{i:03}": documents[i] for i in numbers}
    select(tmp_path / "lines.jsonl", target, "30 docs", tmp_path / "c")
    assert [json.loads(x)["id"] for x in (tmp_path / "c/selected/lines.jsonl").read_text().splitlines()] == numbers
    with pytest.raises(BadInput, match="has no column 'text'; it has n, body, more"):
        select(tmp_path / "table", target, "30 docs", tmp_path / "d")
    with pytest.raises(BadInput, match="must hold text"):
        select(tmp_path / "table", target, "30 docs", tmp_path / "d", field="n")


def test_a_data_set_of_hugging_face(tmp_path: Path) -> None:
    """As it was saved in two files, and loaded from the output; one of the files may have nothing that is selected."""
    datasets = pytest.importorskip("datasets")
    documents = prose(2, 1300, 1, 10) + prose(1, 30, 1)
    pool = datasets.Dataset.from_dict({"text": documents, "n": list(range(1330))})
    pool.save_to_disk(tmp_path / "pool", num_shards=2)
    target = write_lines(tmp_path / "target.jsonl", prose(1, 40, 2))
    for amount in (20, 200):
        done = select(tmp_path / "pool", target, f"{amount} docs", tmp_path / "out", filters=Filters(False, None, None))
        assert done.entries == 1330 and done.problems == {}
        found = datasets.load_from_disk(tmp_path / "out/selected")
        assert found.features == pool.features and len(found) == amount
        assert found["text"][:] == [documents[i] for i in found["n"]]
        assert sum(i >= 1300 for i in found["n"]) >= 15
    assert outcomes(tmp_path / "out").count("selected") == 200


def test_units_divide_lines_without_loss(tmp_path: Path) -> None:
    """Lines around the edges of units, longer than a unit, and without an end; any number of threads."""
    documents = [*prose(1, 400, 1, 900), " ".join(prose(2, 500, 2, 900)), *prose(3, 300, 3, 900)]
    pool = write_lines(tmp_path / "pool.jsonl", documents)
    pool.write_bytes(pool.read_bytes()[:-1])
    assert pool.stat().st_size > 5 << 20
    target = write_lines(tmp_path / "target.jsonl", prose(1, 10, 5))
    for threads in (1, 3):
        done = select(pool, target, "1GB", tmp_path / f"out{threads}", threads=threads)
        assert done.entries == done.documents == len(documents)
        assert (tmp_path / f"out{threads}/selected/pool.jsonl").read_bytes() == pool.read_bytes() + b"\n"
    assert content(tmp_path / "out1") == content(tmp_path / "out3")


def test_a_run_that_was_killed_goes_on(tmp_path: Path, environment: dict[str, str]) -> None:
    pool = write_lines(tmp_path / "pool.jsonl", prose(1, 100, 1, 900) + prose(2, 600, 1, 900))
    target = write_lines(tmp_path / "target.jsonl", prose(1, 50, 2))
    script = f"""
import os, signal
from lacodec.datasets.selection import select
def progress(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
select({str(pool)!r}, {str(target)!r}, "100 docs", {str(tmp_path / "out")!r}, progress=progress)
"""
    killed = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open(tmp_path / "out/scores.journal", "ab") as file:
        file.write(b"\x40\0\0\0[2, 7")  # and the third was cut off
    seen: list[int] = []
    select(pool, target, "100 docs", tmp_path / "out", progress=lambda done, _: seen.append(done))
    assert seen[0] == 3
    select(pool, target, "100 docs", tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert (tmp_path / "out/scores.journal").read_bytes() == (tmp_path / "whole/scores.journal").read_bytes()
    again = select(pool, target, "50 docs", tmp_path / "out", progress=lambda *_: pytest.fail("scores again"))
    assert again.documents == 50
    os.utime(pool, ns=(1, 1))
    with pytest.raises(BadInput, match="begun with another pool"):
        select(pool, target, "50 docs", tmp_path / "out")


def test_arguments_that_cannot_be_used(lacodec, mixed, tmp_path: Path) -> None:
    pool, target = mixed
    command = ["select", "pool.jsonl", "--target", "target.jsonl", "-o", "out"]
    assert b"is no budget" in lacodec(*command, "--budget", "many", code=1).stderr
    with pytest.raises(BadInput, match="there is no score 'x'"):
        select(pool, target, "1 docs", tmp_path / "out", score="x")
    with pytest.raises(BadInput, match="two files of this name"):
        select([pool, pool], target, "1 docs", tmp_path / "out")
    with pytest.raises(BadInput, match="the target has no text"):
        select(pool, target, "1 docs", tmp_path / "out", field="other")
    with pytest.raises(LacodecError, match="no such file"):
        select(tmp_path / "none", target, "1 docs", tmp_path / "out")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(LacodecError, match=r"broken\.parquet"):
        select(tmp_path / "broken.parquet", target, "1 docs", tmp_path / "out")
    assert Filters().duplicates
