"""Quality of speech without a reference by DNSMOS (speechmos): what listeners would say, 1 to 5."""

import importlib.metadata
import importlib.util
from collections.abc import Mapping

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, resampled
from lacodec.evaluation.perception.task import Metric, Score, Task, missing

_INSTALL = "pip install 'lacodec[perception-audio]'"
_RATE_HZ = 16000


class SpeechQuality(Task):
    """A sound, its channels mixed, at 16 kHz -> DNSMOS's overall score.

    Reddy, Gopal and Cutler: "DNSMOS P.835", 2022. It listens for noise and distortion, and knows nothing of the original.
    """

    name = "speech-quality"
    kind = "sounds"
    metrics = (
        Metric("dnsmos", "overall quality by DNSMOS, 1 to 5, mean over sounds", "score"),
        Metric("dnsmos-change", "distance from the undecoded's DNSMOS, mean over sounds", "distance"),
    )

    def __init__(self) -> None:
        if importlib.util.find_spec("speechmos") is None:
            raise missing("speechmos, which judges speech,", _INSTALL)
        self.how = "DNSMOS by speechmos"
        self.id = f"speech-quality speechmos {importlib.metadata.version('speechmos')}"

    def answer(self, thing: Sound) -> float:
        """The score."""
        from speechmos import dnsmos

        mono = resampled(Sound(thing.samples.mean(axis=1, keepdims=True), thing.rate), _RATE_HZ).samples[:, 0]
        return float(dnsmos.run(np.clip(mono, -1, 1), _RATE_HZ)["ovrl_mos"])

    def scores(self, original: float, decoded: float, label: str | None) -> Mapping[str, Score]:
        """Both; there are no labels."""
        if label is not None:
            raise BadInput("speech-quality knows no labels")
        return {"dnsmos": Score(decoded, 1), "dnsmos-change": Score(abs(decoded - original), 1)}
