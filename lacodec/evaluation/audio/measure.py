"""Rate-distortion curves of lossy audio codecs, from real files: (methods, clips, judges) -> one `Measured` per clip.

clip --method.encode, at each setting--> a file --method.decode--> sound --rate, length and place of the clip--> judges --> scores

The rate is 8 x the whole file's bytes / the clip's seconds. Curves are of single clips, since rates and scores differ too much
between clips for means of them to say anything; what is averaged are BD-rates (`lacodec.evaluation.bd_rate`).
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lacodec.errors import BadInput, LacodecError
from lacodec.evaluation.audio.alignment import SMALL, delay, shifted
from lacodec.evaluation.audio.judges import Judge, Verdict
from lacodec.evaluation.audio.sound import Sound, fitted, read_sound, resampled
from lacodec.evaluation.audio.verdicts import Verdicts
from lacodec.evaluation.bd_rate import Line


class Method(Protocol):
    """A method to measure: a `LossyAudioPeer`, or one of our codecs (`our_method`)."""

    @property
    def name(self) -> str:
        """Shown in tables and plots."""

    @property
    def how(self) -> str:
        """The call, in words."""

    @property
    def sweep(self) -> str:
        """The setting that trades bytes for quality."""

    @property
    def values(self) -> tuple[float, ...]:
        """The settings to measure on two channels and more."""

    @property
    def mono_values(self) -> tuple[float, ...]:
        """Those to measure on one channel."""

    @property
    def encode(self) -> Callable[[Sound, float], bytes]:
        """(sound, value) -> a file."""

    @property
    def decode(self) -> Callable[[bytes], Sound]:
        """A file -> sound, of any rate, at least as long."""


@dataclass(frozen=True)
class Sample:
    """One method at one setting on one clip: size of the file in bytes, verdicts by judge, wall-clock seconds.

    `lag`: by how many samples the decoded sound was late, before that was made good.
    """

    value: float
    size: int
    kbps: float
    lag: int
    verdicts: dict[str, Verdict]
    encode_s: float
    decode_s: float


@dataclass(frozen=True)
class Measured:
    """A measured clip: by method name, its samples in the order of the settings, or why there are none."""

    name: str
    rate: int
    channels: int
    seconds: float
    samples: dict[str, list[Sample]]
    failures: dict[str, str]

    def line(self, method: str, judge: str) -> Line:
        """The curve of a method: kbit/s and the running maximum of the judge's score; without points if it failed."""
        points = [(sample.kbps, sample.verdicts[judge].score) for sample in self.samples.get(method, [])]
        return Line.front(method, points)


def settings(method: Method, channels: int) -> tuple[float, ...]:
    """The settings that are measured on a clip of so many channels."""
    return method.mono_values if channels == 1 else method.values


def warm_up(methods: Sequence[Method]) -> None:
    """Let every method code a second of noise, so that no time that is measured later holds loading or compiling."""
    sound = Sound(np.random.default_rng(1).normal(0, 0.1, (44100, 2)), 44100)
    for method in methods:
        with contextlib.suppress(Exception):  # a method that fails is told when it is measured
            method.decode(method.encode(sound, method.values[0]))


def measure(
    methods: Sequence[Method],
    path: Path,
    judges: Sequence[Judge],
    verdicts: Verdicts,
    on_step: Callable[[int, int], None] = lambda done, of: None,
) -> Measured:
    """Every method at every setting on the clip in a file; `on_step` hears after each how many are done, of how many.

    Raises the errors of reading the file. A method that fails at a setting is left out, and `failures` says why.
    """
    original = read_sound(path)
    found: dict[str, list[Sample]] = {}
    failures: dict[str, str] = {}
    done, count = 0, sum(len(settings(method, original.channels)) for method in methods)
    for method in methods:
        rows: list[Sample] = []
        for value in settings(method, original.channels):
            if method.name not in failures:
                try:
                    rows.append(_sample(method, original, value, judges, verdicts))
                except LacodecError as error:
                    failures[method.name] = str(error)
                except Exception as error:  # every library has its own errors; all are reported
                    failures[method.name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
            done += 1
            on_step(done, count)
        if method.name not in failures:
            found[method.name] = rows
    return Measured(path.name, original.rate, original.channels, original.seconds, found, failures)


def restored(original: Sound, decoded: Sound) -> tuple[Sound, int]:
    """(a decoded sound with the rate, length and place of the original, by how many samples it was late).

    A few samples that are missing at the end, as Opus leaves out of some short sounds, are silence. Raises BadInput when channels
    or lengths do not match, or when it is out of place.
    """
    count = len(original.samples)
    at_rate = resampled(decoded, original.rate)
    if at_rate.channels != original.channels or len(at_rate.samples) < count - SMALL:
        raise BadInput(
            f"decoded to {len(at_rate.samples)} samples of {at_rate.channels} channels instead of {count} of {original.channels}"
        )
    sound = fitted(at_rate, count)
    lag = delay(original.samples, sound.samples)
    return Sound(shifted(sound.samples, lag), original.rate), lag


def _sample(method: Method, original: Sound, value: float, judges: Sequence[Judge], verdicts: Verdicts) -> Sample:
    start = time.perf_counter()
    data = method.encode(original, value)
    middle = time.perf_counter()
    decoded = method.decode(data)
    end = time.perf_counter()
    sound, lag = restored(original, decoded)
    return Sample(
        value=value,
        size=len(data),
        kbps=8 * len(data) / original.seconds / 1000,
        lag=lag,
        verdicts={judge.name: verdicts(judge, original, sound) for judge in judges},
        encode_s=middle - start,
        decode_s=end - middle,
    )
