"""What a selection did: summary.json, scores.tsv with a line for each entry, distribution.png where matplotlib is installed."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.datasets.selection.balanced import NEVER
from lacodec.datasets.selection.choice import LEFT, OUTCOMES, SELECTED, ranking
from lacodec.datasets.selection.pool import Unit, rows
from lacodec.datasets.selection.records import Scored
from lacodec.io.output import atomic_file

_EXAMPLES = 3
_EXCERPT = 300  # characters
_BINS = 80
_NAMED = 100


@dataclass(frozen=True)
class Summary:
    """documents, size (bytes of text), tokens: selected. outcomes: documents of the pool by what became of them.
    problems: entries that are no documents, by what is wrong with them; named: sentences about the first of them.
    cut: for the first target, the last documents that were selected and the first that were not."""

    entries: int
    documents: int
    size: int
    tokens: int
    outcomes: Mapping[str, int]
    problems: Mapping[str, int]
    named: tuple[str, ...]
    cut: Mapping[str, Any]


def write(
    folder: Path,
    units: Sequence[Unit],
    found: Sequence[Scored],
    records: np.ndarray,
    outcomes: np.ndarray,
    facts: Mapping[str, Any],
) -> Summary:
    """Write the report beside the selected documents; facts: what was asked for."""
    entries = [scored.entries for scored in found]
    firsts = firsts_of(units, entries)
    named = _write_scores(folder / "scores.tsv", units, found, firsts, outcomes)
    chosen = records[outcomes == SELECTED]
    summary = Summary(
        sum(entries),
        chosen.size,
        int(chosen["size"].sum()),
        int(chosen["tokens"].sum()),
        {name: int((outcomes == i).sum()) for i, name in enumerate(OUTCOMES)},
        dict(sorted(Counter(problem for scored in found for _, problem in scored.problems).items())),
        tuple(named),
        _cut(units, firsts, records, outcomes, str(facts["field"])),
    )
    with atomic_file(folder / "summary.json", True) as file:
        file.write(json.dumps({**facts, **asdict(summary)}, indent=2, ensure_ascii=False).encode() + b"\n")
    _plot(folder / "distribution.png", records["score"], outcomes, str(facts["score"]))
    return summary


def firsts_of(units: Sequence[Unit], entries: Sequence[int]) -> list[int]:
    """How many entries of its file stand before each unit; entries: in each unit."""
    firsts = [0] * len(units)
    for i in range(1, len(units)):
        firsts[i] = firsts[i - 1] + entries[i - 1] if units[i].files == units[i - 1].files else 0
    return firsts


def place_of(units: Sequence[Unit], firsts: Sequence[int], unit: int, number: int) -> tuple[str, int]:
    """File and number of an entry, counted from 1 in its file (blank lines are not counted)."""
    files = units[unit].files
    if files[0].kind == "text":
        return files[number].name, 1
    return files[0].name, firsts[unit] + number + 1


def _write_scores(
    path: Path, units: Sequence[Unit], found: Sequence[Scored], firsts: Sequence[int], outcomes: np.ndarray
) -> list[str]:
    """A line for each entry, in order; returns sentences about problems."""
    named: list[str] = []
    at = 0
    with atomic_file(path, True) as file:
        targets = found[0].records["score"].shape[1] if found else 1
        names = "\t".join(["score", *(f"score {i}" for i in range(2, targets + 1))])
        file.write(f"file\tentry\t{names}\tbytes\ttokens\toverlap\toutcome\n".encode())
        for scored in found:
            lines: list[tuple[int, str, str]] = [(number, "\t" * (targets + 2), problem) for number, problem in scored.problems]
            for record, outcome in zip(scored.records, outcomes[at : at + scored.records.size].tolist(), strict=True):
                scores = "\t".join(f"{score:.6g}" for score in record["score"].tolist())
                facts = f"{scores}\t{record['size']}\t{record['tokens']}\t{record['overlap']:.3f}"
                lines.append((int(record["number"]), facts, OUTCOMES[outcome]))
            at += scored.records.size
            for number, facts, outcome in sorted(lines):
                name, place = place_of(units, firsts, scored.unit, number)
                file.write(f"{name}\t{place}\t{facts}\t{outcome}\n".encode())
            for number, problem in scored.problems:
                if len(named) < _NAMED:
                    name, place = place_of(units, firsts, scored.unit, number)
                    named.append(f"{name}: entry {place}: {problem}")
    return named


def _cut(
    units: Sequence[Unit], firsts: Sequence[int], records: np.ndarray, outcomes: np.ndarray, field: str
) -> Mapping[str, Any]:
    ranked = ranking(records, outcomes)
    ranked = ranked[records["score"][ranked, 0] > NEVER]
    last = ranked[outcomes[ranked] == SELECTED][-_EXAMPLES:]
    first = ranked[outcomes[ranked] == LEFT][:_EXAMPLES]
    return {
        side: [_example(units, firsts, records[i], field) for i in which] for side, which in (("selected", last), ("left", first))
    }


def _example(units: Sequence[Unit], firsts: Sequence[int], record: np.ndarray, field: str) -> Mapping[str, Any]:
    unit, number = int(record["unit"]), int(record["number"])
    name, place = place_of(units, firsts, unit, number)
    text = next(row.text for i, row in enumerate(rows(units[unit], field)) if i == number)
    excerpt = text[: 4 * _EXCERPT].decode(errors="ignore")[:_EXCERPT]
    return {"file": name, "entry": place, "score": float(record["score"][0]), "text": excerpt}


def _plot(path: Path, scores: np.ndarray, outcomes: np.ndarray, name: str) -> None:
    """How the scores are distributed, and where the cut is."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    if not scores.size:
        return
    targets = scores.shape[1]
    figure = Figure(figsize=(9, 4.5 * targets), layout="constrained")
    for target in range(targets):
        axes = figure.add_subplot(targets, 1, target + 1)
        of_one = np.maximum(scores[:, target], np.min(scores[:, target], where=np.isfinite(scores[:, target]), initial=0.0))
        chosen, left = of_one[outcomes == SELECTED], of_one[outcomes == LEFT]
        colours = ["#b8bec8", "#1f6fb4"]
        edges = np.histogram_bin_edges(of_one, _BINS)
        axes.hist([left, chosen], edges, stacked=True, color=colours, label=["left", "selected"])
        axes.set_yscale("log")
        axes.set_xlabel(f"score ({name})" + (f", target {target + 1}" if targets > 1 else ""))
        axes.set_ylabel("documents")
        axes.legend(frameon=False)
    with atomic_file(path, True) as file:
        figure.savefig(file, format="png", dpi=120)
