"""What a text and the model tell of tensors: steps by row and column, and where the errors of a column go.

model, text --gradients, moments of inputs H = R R^T--> steps 1 / R_jj, errors carried on by R^-1: kept if held-out text agrees
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised._matching import Match, Matching
from lacodec.codecs.weights.quantised._pieces import columns_of
from lacodec.codecs.weights.quantised._subjects import Subject, Subjects
from lacodec.codecs.weights.quantised._weighing import Triangle, exponents_of, frequencies, in_steps, lowers_error, triangle
from lacodec.errors import BadInput

if TYPE_CHECKING:
    from lacodec.models.text.causal.moments import Gradients

_TOKENS = 1 << 16
"""Of the text that are used, from its beginning."""
_WINDOW = 1024  # tokens
_GRADIENT_WINDOWS = 16
_JUDGES = 8  # one of so many windows is held out
_LEAST = 4  # windows
_FLOOR = 0.1  # of the mean, added to the squared gradients of rows, which few tokens tell
Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A tensor's step at scale 1, exponents by row and column in eighths of an octave, and a file with its `Feedback.square`."""

    step: float
    rows: NDArray[np.int8]
    columns: NDArray[np.int8] | None = None
    file: Path | None = None

    def feedback(self) -> Values | None:
        """f32[columns, columns]."""
        return None if self.file is None else np.load(self.file)


class Calibration:
    """Of the tensors of a file that are linear layers or embeddings of a model; what it keeps on disk goes with it."""

    def __init__(self, subjects: Subjects, text: str | os.PathLike[str], model: str | os.PathLike[str]) -> None:
        """Raises BadInput if text or model cannot be used or the weights differ, MissingDependency without transformers."""
        from lacodec.models.text.causal.loading import load
        from lacodec.models.text.causal.moments import gradients, input_moments

        self._folder = tempfile.TemporaryDirectory()
        tokenizer, network = load(model)
        windows = _windows(text, tokenizer, network)
        held_out = max(1, len(windows) // _JUDGES)
        self.tensors: dict[int, Calibrated] = {}
        matching = Matching(subjects, network, model)
        told = gradients(network, windows[-_GRADIENT_WINDOWS:], 1 + held_out * _GRADIENT_WINDOWS // (2 * len(windows)))
        for words, kept, judge in _vocabulary(told, matching):
            self._add(subjects, words, triangle(kept), judge)
        for moments in input_moments(network, windows, held_out):
            found = [match for name in moments.names if (match := matching.layer(name, told.outputs.get(name))) is not None]
            if not found:
                continue
            factors = triangle(moments.kept)
            for match in found:
                self._add(subjects, match, factors, moments.held_out)

    def steps(self, others: Sequence[float]) -> list[float]:
        """Of all tensors at scale 1: `others` for those that calibration does not know, and its own steps, drawn to these."""
        known = {number: found.step for number, found in self.tensors.items() if others[number] > 0}
        ratio = np.exp(np.mean([np.log(others[number] / step) for number, step in known.items()])) if known else 1.0
        return [float(known[number] * ratio) if number in known else step for number, step in enumerate(others)]

    def _add(self, subjects: Subjects, match: Match, factors: Triangle, judge: NDArray[Any]) -> None:
        values = whole(subjects, subjects.items[match.tensor])
        weights = match.rows + _FLOOR * match.rows.mean() + 1e-30
        columns, fine = exponents_of(-np.log2(factors.diagonal))
        rows, coarse = exponents_of(-0.5 * np.log2(weights))
        square = in_steps(factors, columns)
        if not lowers_error(values, weights, columns, square, judge):
            self.tensors[match.tensor] = Calibrated(2.0 ** (fine + coarse), rows)
            return
        file = Path(self._folder.name, f"{match.tensor}.npy")
        np.save(file, square)
        self.tensors[match.tensor] = Calibrated(2.0 ** (fine + coarse), rows, columns, file)


def whole(subjects: Subjects, item: Subject) -> Values:
    """f32[rows, columns] of a tensor."""
    count = int(np.prod(item.entry.shape, dtype=np.int64))
    return item.read(subjects.source, 0, count).reshape(-1, columns_of(item.entry))


def _vocabulary(told: "Gradients", matching: Matching) -> Iterator[tuple[Match, Values, Values]]:
    """The last matrix, with the moments of its inputs; if it is that of the embeddings too, with both tasks of theirs."""
    match = matching.head(frequencies(told.outputs[matching.head_name], told.tokens))
    if match is None:
        return
    extra = np.diag(told.embedded / max(1e-30, match.rows.sum())) if matching.tied else 0.0
    yield match, told.head + extra, told.head_held_out + extra


def _windows(text: str | os.PathLike[str], tokenizer: Any, network: Any) -> NDArray[np.int64]:
    """Tokens [windows, length]."""
    try:
        with open(text, "rb") as file:
            data = file.read(16 * _TOKENS)
    except OSError as error:
        raise BadInput(f"{os.fspath(text)}: cannot be read ({error.strerror})") from error
    ids = tokenizer(data.decode("utf-8", "ignore"), add_special_tokens=False, verbose=False)["input_ids"][:_TOKENS]
    config = network.config.get_text_config()
    length = min(_WINDOW, int(getattr(config, "max_position_embeddings", None) or _WINDOW))
    count = len(ids) // length
    if count < _LEAST:
        raise BadInput(
            f"{os.fspath(text)}: {len(ids)} tokens are too few to calibrate with; give {_LEAST * length} or more, best {_TOKENS}"
        )
    return np.array(ids[: count * length], np.int64).reshape(count, length)
