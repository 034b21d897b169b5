"""`select`: units of the pool --engine--> records, in a journal --choice--> the selected documents, and a report.

target, sample of the pool --> scorer
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import xxhash

from lacodec.datasets.engines import LOCAL, check_engine, in_order, results
from lacodec.datasets.place import reachable
from lacodec.datasets.selection import report
from lacodec.datasets.selection.batch import Batch
from lacodec.datasets.selection.budget import Budget
from lacodec.datasets.selection.choice import SELECTED, Filters, choose
from lacodec.datasets.selection.pool import Row, Unit, files_of, rows, units_of
from lacodec.datasets.selection.records import RECORD, Journal, Scored
from lacodec.datasets.selection.scores import NAMES, Scorer, prime
from lacodec.datasets.selection.shingles import shingle_set, shingles_of, words_of
from lacodec.datasets.selection.written import write_selected
from lacodec.errors import BadInput, LacodecError
from lacodec.io.remote import is_url

Progress = Callable[[int, int], None]
"""Units that are scored, and all."""

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

JOURNAL = "scores.journal"
_BATCH = 1 << 20  # bytes of text
_BACKGROUND = 1 << 25
_LEAST_UNITS = 32


@dataclass(frozen=True)
class How:
    """Everything that scoring needs besides the unit."""

    scorer: Scorer
    target: np.ndarray
    field: str


def select(
    pool: Paths,
    target: Paths,
    budget: str | Budget,
    output: str | os.PathLike[str],
    *,
    field: str = "text",
    score: str = "bits",
    seed: int = 0,
    filters: Filters | None = None,
    stop_on_error: bool = False,
    engine: str = LOCAL,
    threads: int | None = None,
    progress: Progress | None = None,
) -> report.Summary:
    """Select from a pool the documents that are most like a target, up to a budget, into the folder `output`.

    pool, target: files or folders of .jsonl and .parquet files, whose values in `field` are the documents, and of text files,
    each a document; the pool's may be URLs of fsspec. output: `selected/` has files of the same names and formats with the
    selected documents in their order, and there are scores.tsv, summary.json, and with matplotlib distribution.png.

    score: "bits", "dsir" or "random". The same arguments give the same result, with any number of threads, and with the engine
    "ray", where workers on a Ray cluster, whose nodes must reach the pool under the same names, read and score. Scores are kept
    in the output's journal: a run that was interrupted goes on, and one with another budget or other filters scores nothing
    again. Entries without text (broken UTF-8 or JSON, a missing field, empty) are counted and named in scores.tsv, or with
    `stop_on_error` raise LacodecError.

    Raises BadInput for arguments that cannot be used, and for an output that was begun with others.
    """
    check_engine(engine)
    limit = Budget.parse(budget) if isinstance(budget, str) else budget
    if score not in NAMES:
        raise BadInput(f"there is no score {score!r}; there are {', '.join(NAMES)}")
    if is_url(os.fspath(output)):
        raise BadInput(f"{os.fspath(output)}: the output must be a local folder")
    pool_files, target_files = files_of(_list(pool, engine)), files_of(_list(target, engine))
    units = units_of(pool_files, field)
    folder = Path(output)
    settings = {
        "pool": [(file.name, file.entry.version) for file in pool_files],
        "target": [(file.name, file.entry.version) for file in target_files],
        "options": {"field": field, "score": score, "seed": seed, "version": 1},
    }
    journal = Journal(folder / JOURNAL, settings)
    try:
        if len(journal.known) < len(units):
            how = _prepared(units, units_of(target_files, field), field, score, seed)
            rest = [(i, unit) for i, unit in enumerate(units) if i not in journal.known]
            for scored in in_order(results(score_unit, rest, how, engine, threads)):
                if stop_on_error and scored.problems:
                    raise LacodecError(_first_problem(journal.known, units, scored))
                journal.add(scored)
                journal.known[scored.unit] = scored
                if progress is not None:
                    progress(len(journal.known), len(units))
    finally:
        journal.close()
    found = [journal.known[i] for i in range(len(units))]
    if stop_on_error and (broken := next((scored for scored in found if scored.problems), None)):
        raise LacodecError(_first_problem(journal.known, units, broken))
    records = np.concatenate([np.zeros(0, RECORD), *(scored.records for scored in found)])
    ends = np.cumsum([0, *(scored.records.size for scored in found)]).tolist()
    found = [replace(s, records=records[a:b]) for s, a, b in zip(found, ends, ends[1:], strict=False)]  # in memory once
    journal.known.clear()
    outcomes = choose(records, limit, filters or Filters())
    write_selected(folder / "selected", units, records[outcomes == SELECTED], field)
    facts = {"score": score, "seed": seed, "field": field, "budget": asdict(limit), "filters": asdict(filters or Filters())}
    return report.write(folder, units, found, records, outcomes, facts)


def batches(found: Iterator[Row]) -> Iterator[list[Row]]:
    """Entries, about a megabyte at a time."""
    some: list[Row] = []
    size = 0
    for row in found:
        some.append(row)
        size += len(row.text)
        if size >= _BATCH:
            yield some
            some, size = [], 0
    if some:
        yield some


def score_unit(numbered: tuple[int, Unit], how: How) -> Scored:
    """Read a unit and look at each document in it."""
    number, unit = numbered
    problems: list[tuple[int, str]] = []
    parts = []
    entries = 0
    for some in batches(rows(unit, how.field)):
        problems += [(entries + i, row.problem) for i, row in enumerate(some) if row.problem]
        parts.append(_records(number, entries, some, how))
        entries += len(some)
    return Scored(number, entries, tuple(problems), np.concatenate([np.zeros(0, RECORD), *parts]))


def _records(unit: int, first: int, some: list[Row], how: How) -> np.ndarray:
    which = [i for i, row in enumerate(some) if not row.problem]
    batch = Batch([some[i].text for i in which])
    records = np.zeros(len(which), RECORD)
    words = words_of(batch, how.target)
    digests = b"".join(xxhash.xxh3_128_digest(text) for text in batch.texts)
    records["unit"], records["number"] = unit, first + np.array(which, np.int64)
    records["size"], records["tokens"], records["words"] = batch.sizes, words.tokens, words.words
    records["score"] = how.scorer.scores(batch)
    records["overlap"], records["signature"] = words.overlap, words.signatures
    records["digest"] = np.frombuffer(digests, "<u8").reshape(-1, 2)
    return records


def _prepared(units: Sequence[Unit], target: Sequence[Unit], field: str, score: str, seed: int) -> How:
    """Read the target, and the background: all of a small pool, or units drawn by chance."""

    def aim() -> Iterator[Batch]:
        for unit in target:
            for some in batches(rows(unit, field)):
                yield Batch([row.text for row in some if not row.problem])

    def background() -> Iterator[Batch]:
        total = 0
        for seen, i in enumerate(np.random.default_rng(seed).permutation(len(units))):
            if total >= _BACKGROUND and seen >= _LEAST_UNITS:
                return
            for some in islice(batches(rows(units[i], field)), 1 if len(units) >= _LEAST_UNITS else None):
                batch = Batch([row.text for row in some if not row.problem])
                total += batch.data.size
                yield batch

    hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *(shingles_of(batch) for batch in aim())]))
    if not hashes.size:
        raise BadInput("the target has no text; check the files and --field")
    return How(prime(score, aim(), background(), seed), shingle_set(hashes), field)


def _first_problem(known: dict[int, Scored], units: Sequence[Unit], scored: Scored) -> str:
    number, problem = scored.problems[0]
    entries = [known[i].entries if i in known else 0 for i in range(len(units))]
    name, place = report.place_of(units, report.firsts_of(units, entries), scored.unit, number)
    return f"{name}: entry {place}: {problem}"


def _list(paths: Paths, engine: str) -> list[str]:
    return [reachable(path, engine) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
