"""Separation of music into stems by a model file of the user's, such as Demucs: how near the stems of the decoded are."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, resampled
from lacodec.evaluation.perception.task import Metric, Score, Task, digest, missing

_RATE_HZ = 44100
_SEGMENT, _OVERLAP = 343_980, 85_995  # samples at a time, 7.8 s as the hybrid Demucs takes, and of each that the next one shares


class Separation(Task):
    """A sound in stereo at 44.1 kHz -> its stems, float32[stems, 2, samples].

    The model is TorchScript, float32[1, 2, 343980] -> float32[1, stems, 2, 343980], on the scale of the sound. Segments overlap
    by a quarter and are faded into each other; the last one is filled up with silence.
    """

    name = "separation"
    kind = "sounds"
    metrics = (Metric("stem-errors", "energy of the difference from the undecoded's stems, by the energy of those", "errors"),)

    def __init__(self, model: Path) -> None:
        if importlib.util.find_spec("torch") is None:
            raise missing("torch, which runs TorchScript,", "pip install 'lacodec[learned]'")
        import torch

        if not model.is_file():
            raise BadInput(f"{model}: no such model file")
        try:
            self._model = torch.jit.load(str(model), map_location="cpu").eval()
        except RuntimeError as error:
            raise BadInput(f"{model}: is no TorchScript file ({' '.join(str(error).split())[:200]})") from error
        self.how = f"stems by {model.name} (TorchScript)"
        self.id = f"separation {digest(model)} torch {torch.__version__}"

    def answer(self, thing: Sound) -> np.ndarray:
        """The stems."""
        samples = resampled(thing, _RATE_HZ).samples.T.astype(np.float32)
        samples = samples.repeat(2, axis=0) if len(samples) == 1 else samples[:2]
        count, step = samples.shape[1], _SEGMENT - _OVERLAP
        weight = np.minimum(1.0, np.minimum(np.arange(1, _SEGMENT + 1), np.arange(_SEGMENT, 0, -1)) / _OVERLAP).astype(np.float32)
        starts = range(0, max(1, count - _OVERLAP), step)
        padded = np.pad(samples, ((0, 0), (0, starts[-1] + _SEGMENT - count)))
        parts = [self._stems(padded[:, start : start + _SEGMENT]) for start in starts]
        total, weights = np.zeros((len(parts[0]), *padded.shape), np.float32), np.zeros(padded.shape[1], np.float32)
        for start, part in zip(starts, parts, strict=True):
            total[:, :, start : start + _SEGMENT] += part * weight
            weights[start : start + _SEGMENT] += weight
        return np.asarray((total / weights)[:, :, :count])

    def scores(self, original: np.ndarray, decoded: np.ndarray, label: str | None) -> Mapping[str, Score]:
        """Of all stems together, where there is any sound; there are no labels."""
        if label is not None:
            raise BadInput("separation knows no labels, it is compared with the undecoded")
        energy = float(np.square(original, dtype=np.float64).sum())
        if not energy:
            return {}
        return {"stem-errors": Score(float(np.square(original - decoded, dtype=np.float64).sum()), energy)}

    def _stems(self, segment: np.ndarray) -> np.ndarray:
        import torch

        try:
            with torch.inference_mode():
                found = self._model(torch.from_numpy(segment.copy())[None])
        except RuntimeError as error:
            raise BadInput(f"the model fails on float32[1, 2, {_SEGMENT}]: {' '.join(str(error).split())[:200]}") from error
        if not isinstance(found, torch.Tensor) or found.ndim != 4 or found.shape[0] != 1 or found.shape[2:] != segment.shape:
            raise BadInput(f"the model gives something else than float32[1, stems, 2, {_SEGMENT}]")
        stems: np.ndarray = found[0].numpy()
        return stems
