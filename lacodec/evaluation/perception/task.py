"""What a perception task is: pictures or sounds -> a model's answers -> scores of the decoded against the undecoded.

thing --model--> answer; (answer to the undecoded, answer to the decoded, label or None) --> a `Score` for each metric
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lacodec.errors import MissingDependency

Kind = Literal["pictures", "sounds"]

INSTALL = "pip install 'lacodec[perception]'"


@dataclass(frozen=True)
class Metric:
    """A figure of a task. `sense` says how it is read:

    "share": from 0 to 1, higher is better; "score": higher is better; "errors": errors per unit, 0 is best, may exceed 1;
    "distance": 0 is best, unbounded.
    """

    name: str
    how: str
    sense: Literal["share", "score", "errors", "distance"]

    def kept(self, value: float, original: float) -> float | None:
        """The part of the undecoded data's performance that is left; None of a distance, and where there was none.

        Of shares and scores their ratio, of errors the ratio of what is right (1 - errors).
        """
        if self.sense == "distance":
            return None
        if self.sense == "errors":
            value, original = 1 - value, 1 - original
        return value / original if original > 0 else None


class Score(NamedTuple):
    """A metric on one file: its figure is `total / units`, of several files the sum of totals by the sum of units.

    The units of word errors are the words of a transcript; of most metrics it is the file, 1.
    """

    total: float
    units: float


class Task(ABC):
    """A model and its metrics.

    `kind`: what it takes: pictures as uint8[height, width, 3] in RGB, or sounds as `lacodec.evaluation.audio.sound.Sound`.
    `how`: model and package in words. `id`: what its scores are kept under; it changes with the model and the package's version.
    `metrics`: in the order of the table; the first is the one that is plotted and kept when no other is named.
    """

    name: str
    kind: Kind
    how: str
    id: str
    metrics: tuple[Metric, ...]

    @abstractmethod
    def answer(self, thing: Any) -> Any:
        """What the model makes of a picture or a sound."""

    @abstractmethod
    def scores(self, original: Any, decoded: Any, label: str | None) -> Mapping[str, Score]:
        """By metric, how the answer to the decoded compares with that to the undecoded, and with the label where there is one.

        Metrics that do not apply are left out. Raises BadInput for a label that is none of this task's.
        """


def missing(what: str, extra: str = INSTALL) -> MissingDependency:
    """The error for a package that is not installed."""
    return MissingDependency(f"{what} is not installed; install it with: {extra}")


def digest(path: Path) -> str:
    """16 hexadecimal digits of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
