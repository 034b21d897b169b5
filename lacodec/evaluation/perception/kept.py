"""Scores kept in a file, so that a rerun measures only what changed: JSON lines, appended one at a time.

An entry is found by the task with its model, the setting, the sources of lacodec, the versions of the packages that code, the
undecoded data and its label.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lacodec
from lacodec.evaluation.installed import installed
from lacodec.evaluation.perception.settings import Setting
from lacodec.evaluation.perception.task import Score, Task

_CODING = ("numba", "numpy", "pillow", "torch", "av", "soundfile", "scipy")


@dataclass(frozen=True)
class Sample:
    """One setting on one file: its size in bytes, and its score by each metric that applies."""

    size: int
    scores: dict[str, Score]


class Kept:
    """Samples that are remembered in the file `path` (made when missing); in memory only when it is None.

    `given`: what else decides the result, such as the content of a model file that a codec is told to use.
    """

    def __init__(self, path: Path | None = None, given: str = "") -> None:
        self._path = path
        self._given = given
        self._known: dict[str, Sample] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                entry = _entry(line)
                if entry is not None:
                    self._known[entry[0]] = entry[1]

    def key(self, task: Task, setting: Setting | None, thing_hash: str, label: str | None) -> str:
        """The name of an entry; `setting` None is the undecoded against itself."""
        coded = "" if setting is None else f"{setting.how} {setting.method} {setting.label} {_versions()} {self._given}"
        return hashlib.sha256(json.dumps([task.id, coded, thing_hash, label]).encode()).hexdigest()[:32]

    def get(self, key: str) -> Sample | None:
        """What is known."""
        return self._known.get(key)

    def put(self, key: str, sample: Sample) -> None:
        """Remember it, at once."""
        self._known[key] = sample
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "size": sample.size, "scores": sample.scores}) + "\n")


def _entry(line: str) -> tuple[str, Sample] | None:
    """A line's content; None for the half line that a killed run leaves."""
    try:
        found: Any = json.loads(line)
        return found["key"], Sample(int(found["size"]), {name: Score(*score) for name, score in found["scores"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@cache
def _versions() -> str:
    """A hash of lacodec's own files, and the packages that code or are coded with."""
    root = Path(lacodec.__file__).parent
    own = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            own.update(path.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return " ".join([own.hexdigest()[:16], *installed(_CODING)])
