"""Reading of text in pictures by rapidocr-onnxruntime: errors in characters."""

import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lacodec.evaluation.audio.words import word_errors
from lacodec.evaluation.perception.task import Metric, Score, Task, missing

_PACKAGE = "rapidocr-onnxruntime"


class Reading(Task):
    """uint8[height, width, 3] -> the text in it, lines in the recogniser's order, blanks as single spaces.

    Errors are characters to insert, leave out or replace (Levenshtein), by the characters that there should be.
    """

    name = "ocr"
    kind = "pictures"
    metrics = (
        Metric("character-changes", "characters unlike those read in the undecoded, by the count of those", "errors"),
        Metric("character-errors", "characters unlike those of the label, by the count of those", "errors"),
    )

    def __init__(self) -> None:
        try:
            from rapidocr_onnxruntime import RapidOCR
        except ImportError:
            raise missing(f"{_PACKAGE}, which reads text,") from None
        self._engine: Any = RapidOCR(intra_op_num_threads=1)
        self.how = f"text by {_PACKAGE}"
        self.id = f"ocr {_PACKAGE} {importlib.metadata.version(_PACKAGE)}"

    def answer(self, thing: np.ndarray) -> str:
        """The text, "" where none was found."""
        found, _ = self._engine(np.ascontiguousarray(thing[..., ::-1]))  # it wants BGR
        return plain(" ".join(line[1] for line in found or []))

    def scores(self, original: str, decoded: str, label: str | None) -> Mapping[str, Score]:
        """Changes where the undecoded had a text, errors where there is a label, which is the text."""
        found = {}
        if original:
            found["character-changes"] = Score(word_errors(original, decoded), len(original))
        if label:
            found["character-errors"] = Score(word_errors(plain(label), decoded), len(plain(label)))
        return found


def plain(text: str) -> str:
    """Blanks as single spaces, none at the ends."""
    return re.sub(r"\s+", " ", text).strip()
