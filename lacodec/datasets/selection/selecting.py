"""`select`: units of the pool --engine--> records, in a journal --choice--> the selected documents, and a report.

targets, pool --priming--> scorers
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from lacodec.datasets.engines import LOCAL, check_engine, in_order, results
from lacodec.datasets.place import reachable
from lacodec.datasets.selection import report
from lacodec.datasets.selection.budget import Budget
from lacodec.datasets.selection.choice import LEFT, SELECTED, Filters, choose, costs, filtered, rounds
from lacodec.datasets.selection.diversity import gains, sketch
from lacodec.datasets.selection.pool import File, Unit, files_of, units_of
from lacodec.datasets.selection.priming import prepared
from lacodec.datasets.selection.records import Journal, Scored, record_type
from lacodec.datasets.selection.scores import AIMED, DIVERSITY, RANDOM, Score
from lacodec.datasets.selection.scoring import numbered_batches, score_unit
from lacodec.datasets.selection.written import write_selected
from lacodec.errors import BadInput, LacodecError
from lacodec.io.remote import is_url

Progress = Callable[[int, int], None]
"""Units that are scored, and all."""

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

JOURNAL = "scores.journal"


def select(
    pool: Paths,
    target: Paths,
    budget: str | Budget,
    output: str | os.PathLike[str],
    *,
    field: str = "text",
    score: str | Score = "bits",
    shares: Sequence[float] = (),
    epochs: int = 1,
    seed: int = 0,
    filters: Filters | None = None,
    stop_on_error: bool = False,
    engine: str = LOCAL,
    threads: int | None = None,
    progress: Progress | None = None,
) -> report.Summary:
    """Select from a pool the documents that are most like a target, up to a budget, into the folder `output`.

    pool, target: files or folders of .jsonl, .parquet and .arrow files, whose values in `field` are the documents, and of text
    files, each a document; the pool's may be URLs of fsspec. output: `selected/` has files of the same names and formats with the
    selected documents in their order, and there are scores.tsv, summary.json, and with matplotlib distribution.png.

    score: a name, or a `Score` with options; those that compare with no target take one only to leave out what is in it.
    shares: parts of the budget for each path in `target`, in this order, instead of one budget for all targets together.
    epochs: with the score "random", so many selections in `selected/epoch-1` and so on; nothing comes again before all was there.

    The same arguments give the same result, with any number of threads, and with the engine "ray", where workers on a Ray
    cluster, whose nodes must reach the pool under the same names, read and score. Scores are kept in the output's journal: a run
    that was interrupted goes on, and one with another budget or other filters scores nothing again. Entries without text (broken
    UTF-8 or JSON, a missing field, empty) are counted and named in scores.tsv, or with `stop_on_error` raise LacodecError.

    Raises BadInput for arguments that cannot be used, and for an output that was begun with others.
    """
    check_engine(engine)
    limit = Budget.parse(budget) if isinstance(budget, str) else budget
    how_scored = Score(score) if isinstance(score, str) else score
    if is_url(os.fspath(output)):
        raise BadInput(f"{os.fspath(output)}: the output must be a local folder")
    pool_files, targets = files_of(_list(pool, engine)), _targets(_list(target, engine), shares)
    _check(how_scored, targets, shares, epochs)
    units = units_of(pool_files, field)
    folder = Path(output)
    settings = {
        "pool": [(file.name, file.entry.version) for file in pool_files],
        "target": [[(file.name, file.entry.version) for file in files] for files in targets],
        "options": {"field": field, "score": how_scored.facts(), "seed": seed, "version": 2},
    }
    kind = record_type(max(1, len(targets)))
    journal = Journal(folder / JOURNAL, settings, kind)
    try:
        if len(journal.known) < len(units):
            how = prepared(units, [units_of(files, field) for files in targets], field, how_scored, seed)
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
    records = np.concatenate([np.zeros(0, kind), *(scored.records for scored in found)])
    ends = np.cumsum([0, *(scored.records.size for scored in found)]).tolist()
    found = [replace(s, records=records[a:b]) for s, a, b in zip(found, ends, ends[1:], strict=False)]  # in memory once
    journal.known.clear()
    outcomes = filtered(records, filters or Filters())
    if how_scored.name == DIVERSITY:
        records["score"][:, 0] = _gains(units, records, outcomes, field, limit)
    if epochs > 1:
        _write_epochs(folder / "selected", units, records, outcomes, field, limit, epochs)
    else:
        choose(records, outcomes, limit.shared(shares) if shares else [limit])
        write_selected(folder / "selected", units, records[outcomes == SELECTED], field)
    facts = {
        "score": how_scored.name,
        "options": how_scored.facts(),
        "seed": seed,
        "field": field,
        "budget": asdict(limit),
        "shares": list(shares),
        "epochs": epochs,
        "filters": asdict(filters or Filters()),
    }
    return report.write(folder, units, found, records, outcomes, facts)


def _targets(paths: list[str], shares: Sequence[float]) -> list[list[File]]:
    """Files of each target; without shares all are one."""
    if shares and len(shares) != len(paths):
        raise BadInput(f"there are {len(paths)} targets and {len(shares)} shares; give a share for each")
    return [files_of([path]) for path in paths] if shares else [files_of(paths)] if paths else []


def _check(score: Score, targets: Sequence[Sequence[File]], shares: Sequence[float], count: int) -> None:
    """Raise BadInput for what does not go together."""
    if score.name in AIMED and not targets:
        raise BadInput(f"the score {score.name!r} compares with a target; give one")
    if score.name not in AIMED and shares:
        raise BadInput(f"the score {score.name!r} does not compare with targets, so that they cannot have shares")
    if count < 1 or (count > 1 and score.name != RANDOM):
        raise BadInput("several epochs, 1 at least, are for the score 'random' only")


def _gains(units: Sequence[Unit], records: np.ndarray, outcomes: np.ndarray, field: str, limit: Budget) -> np.ndarray:
    """Scores of `diversity`: of the documents that were not filtered, and 0 for the others."""
    eligible = np.flatnonzero(outcomes == LEFT)
    wanted: dict[int, set[int]] = {}
    for unit, number in zip(records["unit"][eligible].tolist(), records["number"][eligible].tolist(), strict=True):
        wanted.setdefault(unit, set()).add(number)
    sketches = (sketch(batch) for unit in wanted for batch in numbered_batches(units[unit], wanted[unit], field))
    some = records[eligible]
    found = np.zeros(records.size)
    found[eligible] = gains(sketches, some["size"].astype(np.int64), costs(some, limit.unit), limit.amount)
    return found


def _write_epochs(
    folder: Path, units: Sequence[Unit], records: np.ndarray, outcomes: np.ndarray, field: str, limit: Budget, count: int
) -> None:
    for number, which in enumerate(rounds(records, outcomes, limit, count), 1):
        write_selected(folder / f"epoch-{number}", units, records[which], field)
        outcomes[which] = SELECTED


def _first_problem(known: dict[int, Scored], units: Sequence[Unit], scored: Scored) -> str:
    number, problem = scored.problems[0]
    entries = [known[i].entries if i in known else 0 for i in range(len(units))]
    name, place = report.place_of(units, report.firsts_of(units, entries), scored.unit, number)
    return f"{name}: entry {place}: {problem}"


def _list(paths: Paths, engine: str) -> list[str]:
    return [reachable(path, engine) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
