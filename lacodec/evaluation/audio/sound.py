"""Sound as the judges and the lossy codecs of others take it: `Audio` -> float64[samples, channels] and a rate."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lacodec.errors import BadInput, MissingDependency
from lacodec.io.source import FileSource

if TYPE_CHECKING:
    from lacodec.media.audio.value import Audio

INSTALL = "pip install 'lacodec[audio-eval]'"
_HALF_TAPS = 64  # of the resampling filter, at the lower of two rates: it passes 95 % of the lower band
_KAISER = 9.0  # 90 dB down beyond it


@dataclass(frozen=True)
class Sound:
    """Samples float64[samples, channels], full scale 1, at `rate` Hz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    @property
    def channels(self) -> int:
        """How many."""
        return int(self.samples.shape[1])


def missing(what: str) -> MissingDependency:
    """The error for a package of the extra `audio-eval` that is not installed."""
    return MissingDependency(f"{what} is not installed; install it with: {INSTALL}")


def read_sound(path: Path) -> Sound:
    """The sound in a WAV, AIFF or FLAC file. Raises the errors of reading, and BadInput for what cannot be measured on."""
    from lacodec.media.audio.files import AUDIO

    audio = AUDIO.to_object(AUDIO.from_source(FileSource(path)))
    if not audio.pcm.size or not audio.rate:
        raise BadInput(f"{path}: has no samples" if audio.rate else f"{path}: has a rate of 0 Hz")
    try:
        return sound_of(audio)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def sound_of(audio: "Audio") -> Sound:
    """The same as floats: integers divided by their full scale, floats as they are. Raises BadInput for NaN and infinity."""
    samples = np.asarray(audio.samples, np.float64)
    if not np.isfinite(samples).all():
        raise BadInput("has samples that are no numbers, or infinite")
    if not audio.layout.startswith("f"):
        samples /= 1 << (int(audio.layout[1:].rstrip("lbe")) - 1)
    return Sound(samples, audio.rate)


def resampled(sound: Sound, rate: int) -> Sound:
    """The sound at another rate, without delay; as many samples as last as long, rounded up. Raises MissingDependency."""
    if rate == sound.rate:
        return sound
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise missing("scipy, which resamples sound") from None
    common = int(np.gcd(rate, sound.rate))
    up, down = rate // common, sound.rate // common
    return Sound(resample_poly(sound.samples, up, down, axis=0, window=_low_pass(max(up, down))), rate)


def fitted(sound: Sound, count: int) -> Sound:
    """Exactly `count` samples: cut, or continued by silence."""
    samples = sound.samples[:count]
    return Sound(np.pad(samples, ((0, count - len(samples)), (0, 0))), sound.rate)


@cache
def _low_pass(factor: int) -> np.ndarray:
    from scipy.signal import firwin

    taps: np.ndarray = firwin(2 * _HALF_TAPS * factor + 1, 1 / factor, window=("kaiser", _KAISER))
    return taps
