"""How far a decoded sound is from its original: ViSQOL, Zimtohrli and SNR, on the left, the right and the side.

(original, decoded), aligned and of equal length -> a `Verdict`. ViSQOL (Chinen et al., "ViSQOL v3", QoMEX 2020) and Zimtohrli
(Alakuijala et al., 2025) are the packages visqol-python and zimtohrli of the extra `audio-eval`, as they come.
"""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, fitted, missing, resampled

FAINT = 1e-6
"""A side below this part of all energy (-60 dB) is not judged: what a near-mono clip has there is no sound but rounding."""

_AUDIO_HZ, _SPEECH_HZ = 48000, 16000
_DEPENDABLE = (3.0, 4.4)  # ViSQOL saturates above, and below it tells bad from worse in steps that say little


@dataclass(frozen=True)
class Verdict:
    """A score, higher is better, and the scores of the signals that it is the mean of, by name."""

    score: float
    signals: dict[str, float]


@dataclass(frozen=True)
class Judge:
    """A judge: `judge(original, decoded)` gives a Verdict.

    `unit` for tables; `needs` and `package`: its module, "" for none; `between`: the scores that BD-rates are over, None for all.
    """

    name: str
    how: str
    unit: str
    needs: str
    package: str
    judge: Callable[[Sound, Sound], Verdict]
    between: tuple[float, float] | None = None

    @property
    def installed(self) -> bool:
        """Whether its module is installed; imports nothing."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None

    def __call__(self, original: Sound, decoded: Sound) -> Verdict:
        """The verdict; raises BadInput for sounds of different shape, MissingDependency without the module."""
        if original.samples.shape != decoded.samples.shape or original.rate != decoded.rate:
            raise BadInput(f"{_shape(decoded)} cannot be compared with {_shape(original)}")
        return self.judge(original, decoded)


def signals(original: Sound, decoded: Sound) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is judged, by name, float64[samples] of both: left, right and side (half the difference) of stereo, unless `FAINT`.

    Of other sounds every channel: "mono", or its number. Silent channels are left out too.
    """
    x, y = original.samples, decoded.samples
    if original.channels == 2:
        pairs = {"left": (x[:, 0], y[:, 0]), "right": (x[:, 1], y[:, 1])}
        pairs["side"] = (x[:, 0] - x[:, 1]) / 2, (y[:, 0] - y[:, 1]) / 2
    elif original.channels == 1:
        pairs = {"mono": (x[:, 0], y[:, 0])}
    else:
        pairs = {str(i): (x[:, i], y[:, i]) for i in range(original.channels)}
    least = FAINT * float(np.square(x).sum())
    return {name: pair for name, pair in pairs.items() if float(np.square(pair[0]).sum()) > least}


def snr(original: Sound, decoded: Sound) -> Verdict:
    """Signal-to-noise ratio in dB of all samples together; infinite when nothing differs. Signals: the same of each."""
    return Verdict(
        _decibels(original.samples, decoded.samples),
        {name: _decibels(x, y) for name, (x, y) in signals(original, decoded).items()},
    )


def visqol(original: Sound, decoded: Sound, mode: str = "audio") -> Verdict:
    """MOS-LQO (1 to about 4.75) by ViSQOL 3, mean over the signals. `mode`: "audio" at 48 kHz, "speech" at 16 kHz.

    Silence in place of a signal, which ViSQOL does not define, scores 1: Opus does so to the side at low rates.
    """
    rate = _SPEECH_HZ if mode == "speech" else _AUDIO_HZ
    api = _visqol(mode)

    def score(x: np.ndarray, y: np.ndarray) -> float:
        return float(api.measure_from_arrays(x, y, rate).moslqo) if y.any() else 1.0

    return _mean(original, decoded, rate, score)


def zimtohrli(original: Sound, decoded: Sound) -> Verdict:
    """Zimtohrli's distance as the mean opinion score (1 to 5) that it gives for it, mean over the signals."""
    try:
        import zimtohrli as package
    except ImportError:
        raise missing("zimtohrli, which judges sound") from None
    metric = package.Pyohrli()
    return _mean(original, decoded, _AUDIO_HZ, lambda x, y: float(package.mos_from_zimtohrli(metric.distance(x, y))))


JUDGES = {
    judge.name: judge
    for judge in (
        Judge("visqol", "ViSQOL 3, audio mode at 48 kHz", "MOS-LQO", "visqol", "visqol-python", visqol, _DEPENDABLE),
        Judge(
            name="visqol-speech",
            how="ViSQOL 3, speech mode at 16 kHz, lattice",
            unit="MOS-LQO",
            needs="visqol",
            package="visqol-python",
            judge=partial(visqol, mode="speech"),
            between=_DEPENDABLE,
        ),
        Judge("zimtohrli", "Zimtohrli at 48 kHz, as a mean opinion score", "MOS", "zimtohrli", "zimtohrli", zimtohrli),
        Judge("snr", "signal-to-noise ratio of all samples", "dB", "", "", snr),
    )
}
"""The judges, by name."""


def _mean(original: Sound, decoded: Sound, rate: int, score: Callable[[np.ndarray, np.ndarray], float]) -> Verdict:
    x, y = resampled(original, rate), resampled(decoded, rate)
    scores = {name: score(*map(np.ascontiguousarray, pair)) for name, pair in signals(x, fitted(y, len(x.samples))).items()}
    if not scores:
        raise BadInput("silence cannot be judged")
    if not all(map(math.isfinite, scores.values())):
        raise BadInput(f"the judge gave no score: {scores}")
    return Verdict(float(np.mean(list(scores.values()))), scores)


@cache
def _visqol(mode: str) -> Any:
    try:
        from visqol import VisqolApi
    except ImportError:
        raise missing("visqol-python, which judges sound") from None
    api = VisqolApi()
    try:
        api.create(mode=mode, use_lattice_model=mode == "speech" or None)
    except ImportError:
        raise missing("ai-edge-litert, which ViSQOL's speech mode needs") from None
    return api


def _decibels(original: np.ndarray, decoded: np.ndarray) -> float:
    signal, error = float(np.square(original).sum()), float(np.square(original - decoded).sum())
    if not error:
        return math.inf
    return 10 * math.log10(signal / error) if signal else -math.inf


def _shape(sound: Sound) -> str:
    return f"{len(sound.samples)} samples of {sound.channels} channels at {sound.rate} Hz"
