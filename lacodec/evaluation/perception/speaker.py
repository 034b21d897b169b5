"""Identity of speakers by Resemblyzer: how near the voice of the decoded is to that of the undecoded."""

import importlib.metadata
import importlib.util
from collections.abc import Mapping

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, resampled
from lacodec.evaluation.perception.task import Metric, Score, Task, missing

_INSTALL = "pip install 'lacodec[perception-audio,learned]' && pip install --no-deps Resemblyzer"  # it asks for another webrtcvad
_RATE_HZ = 16000
_SAME = 0.75  # cosine from which two voices count as one; the package's own demonstrations draw the line there


class SpeakerIdentity(Task):
    """A sound, its channels mixed, at 16 kHz -> an embedding of the voice, float32[256] of length 1.

    Wan and others: "Generalized end-to-end loss for speaker verification", 2018.
    """

    name = "speaker"
    kind = "sounds"
    metrics = (
        Metric("cosine", "cosine of the voice's embedding with that of the undecoded, mean over sounds", "share"),
        Metric("same", f"sounds with a cosine of at least {_SAME}", "share"),
    )

    def __init__(self) -> None:
        for module in ("resemblyzer", "torch", "webrtcvad"):
            if importlib.util.find_spec(module) is None:
                raise missing(f"{module}, with which speakers are known,", _INSTALL)
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)
        self.how = "voices by Resemblyzer"
        self.id = f"speaker Resemblyzer {importlib.metadata.version('Resemblyzer')}"

    def answer(self, thing: Sound) -> np.ndarray:
        """The embedding."""
        from resemblyzer import preprocess_wav

        mono = resampled(Sound(thing.samples.mean(axis=1, keepdims=True), thing.rate), _RATE_HZ).samples[:, 0]
        everything = mono.astype(np.float32)
        heard = preprocess_wav(everything) if everything.any() else everything  # it divides by the loudness
        # Where no voice is found, everything is listened to.
        return np.asarray(self._encoder.embed_utterance(heard if len(heard) else everything))

    def scores(self, original: np.ndarray, decoded: np.ndarray, label: str | None) -> Mapping[str, Score]:
        """Both; there are no labels."""
        if label is not None:
            raise BadInput("speaker knows no labels, it is compared with the undecoded")
        cosine = max(0.0, float(original @ decoded / max(np.linalg.norm(original) * np.linalg.norm(decoded), 1e-12)))
        return {"cosine": Score(cosine, 1), "same": Score(float(cosine >= _SAME), 1)}
