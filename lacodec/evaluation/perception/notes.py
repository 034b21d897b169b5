"""Notes and pitch by the network of basic-pitch: agreement of what sounds when."""

import importlib.metadata
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, resampled
from lacodec.evaluation.perception.onnx import package_folder, session
from lacodec.evaluation.perception.task import Metric, Score, Task

_INSTALL = "pip install onnxruntime && pip install --no-deps basic-pitch"  # whose other needs conflict with ours
_RATE, _WINDOW, _HOP = 22050, 43844, 256  # the network's input, and samples per frame of its output
_OVERLAP = 30  # frames that windows share; half of them are cut off at each side
_OUTPUTS = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:0"]  # notes, contour
_ACTIVE = 0.3  # of note and pitch probabilities: the package's own threshold of frames
_NEAR = 1  # bins of a third of a semitone


class Heard(NamedTuple):
    """Frames of 11.6 ms: whether each of 88 notes sounds, bool[frames, 88]; the bin of the pitch, int[frames], or -1."""

    notes: np.ndarray
    pitch: np.ndarray


class Notes(Task):
    """A sound, its channels mixed -> the notes and the strongest pitch of each frame.

    Bittner and others: "A lightweight instrument-agnostic model for polyphonic note transcription and multipitch estimation",
    2022.
    """

    name = "notes"
    kind = "sounds"
    metrics = (
        Metric("notes", "F1 of the notes that sound in each frame, against those in the undecoded", "share"),
        Metric("pitch", "frames with a pitch in the undecoded whose strongest pitch is within a third of a semitone", "share"),
    )

    def __init__(self) -> None:
        folder = package_folder("basic_pitch", "basic-pitch, which hears notes,", _INSTALL)
        self._model = session(folder / "saved_models" / "icassp_2022" / "nmp.onnx", _INSTALL)
        self._input = self._model.get_inputs()[0].name
        self.how = "notes and pitch by the network of basic-pitch"
        self.id = f"notes basic-pitch {importlib.metadata.version('basic-pitch')}"

    def answer(self, thing: Sound) -> Heard:
        """Notes and pitch."""
        mono = Sound(thing.samples.mean(axis=1, keepdims=True), thing.rate)
        samples = resampled(mono, _RATE).samples[:, 0].astype(np.float32)
        frames = len(samples) // _HOP
        half = _OVERLAP // 2
        padded = np.pad(samples, (half * _HOP, _WINDOW))
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for start in range(0, max(1, len(samples)), _WINDOW - _OVERLAP * _HOP):
            notes, contour = self._model.run(_OUTPUTS, {self._input: padded[None, start : start + _WINDOW, None]})
            parts.append((notes[0, half:-half], contour[0, half:-half]))
        notes, contour = (np.concatenate(part)[:frames] for part in zip(*parts, strict=True))
        pitch = np.where(contour.max(axis=1) >= _ACTIVE, contour.argmax(axis=1), -1) if len(contour) else np.zeros(0, np.int64)
        return Heard(notes >= _ACTIVE, pitch)

    def scores(self, original: Heard, decoded: Heard, label: str | None) -> Mapping[str, Score]:
        """F1 where either has notes, pitch where the undecoded has one; there are no labels."""
        if label is not None:
            raise BadInput("notes knows no labels, it is compared with the undecoded")
        found = {}
        both = float(np.sum(original.notes & decoded.notes))
        of_all = float(original.notes.sum() + decoded.notes.sum())
        if of_all:
            found["notes"] = Score(2 * both, of_all)
        voiced = original.pitch >= 0
        if voiced.any():
            near = (decoded.pitch >= 0) & (np.abs(decoded.pitch - original.pitch) <= _NEAR)
            found["pitch"] = Score(float(np.sum(near & voiced)), float(voiced.sum()))
        return found
