"""Sounds made here, for listening and for measuring pre-echo: by name, 48 kHz stereo in 16 bits, the same on every run.

Nothing of them is recorded, so they may be published anywhere (CC0).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound

RATE_HZ = 48000


@dataclass(frozen=True)
class Made:
    """A sound, what it is, and the sample numbers where something begins out of silence (empty where that is not so)."""

    description: str
    sound: Sound
    onsets: tuple[int, ...] = ()


def names() -> list[str]:
    """The sounds there are."""
    return list(_MAKERS)


def make(name: str) -> Made:
    """The sound called `name`; raises BadInput, which lists them, if there is none."""
    if name not in _MAKERS:
        raise BadInput(f"no sound {name!r}; available: {', '.join(_MAKERS)}")
    return _MAKERS[name](np.random.default_rng(sum(name.encode())))


def _impulses(rng: np.random.Generator) -> Made:
    """Single samples on silence, of all heights and places in the stereo field."""
    samples = np.zeros((2 * RATE_HZ, 2))
    onsets = _irregular(rng, 12, 0.1, 0.2, len(samples))
    for onset in onsets:
        samples[onset] = rng.uniform(0.2, 0.9) * rng.choice([-1, 1]) * _panned(rng.uniform())
    return _made("single-sample impulses on silence", samples, onsets)


def _castanets(rng: np.random.Generator) -> Made:
    """Claps of a few wooden modes, a few milliseconds long, some of them in rolls."""
    samples = np.zeros((4 * RATE_HZ, 2))
    onsets: list[int] = []
    for start in _irregular(rng, 14, 0.15, 0.35, len(samples)):
        count = int(rng.choice([1, 1, 2, 4]))
        onsets += [start + k * round(0.045 * RATE_HZ) for k in range(count)]
    onsets = [onset for onset in onsets if onset < len(samples) - RATE_HZ // 10]
    for onset in onsets:
        times = np.arange(RATE_HZ // 25) / RATE_HZ
        clap = 0.6 * rng.normal(0, 1, len(times)) * np.exp(-times / 0.0008)
        for frequency in rng.uniform([1500, 2600, 4200, 7000], [2000, 3400, 5500, 9500]):
            clap += rng.uniform(0.3, 1) * np.sin(2 * np.pi * frequency * times) * np.exp(-times / rng.uniform(0.002, 0.006))
        samples[onset : onset + len(clap)] += 0.25 * rng.uniform(0.4, 1) * clap[:, None] * _panned(rng.uniform(0.2, 0.8))
    return _made("castanet-like clicks on silence", samples, onsets)


def _strings(rng: np.random.Generator) -> Made:
    """An arpeggio of plucked strings (Karplus and Strong, 1983), each in its place of the stereo field."""
    samples = np.zeros((5 * RATE_HZ, 2))
    for k, midi in enumerate([52, 59, 64, 68, 71, 76, 71, 68, 64, 59, 57, 64, 69, 73, 76, 81]):
        period = RATE_HZ / (440 * 2 ** ((midi - 69) / 12))
        start = round(0.25 * k * RATE_HZ)
        note = _plucked(rng, round(period), min(2 * RATE_HZ, len(samples) - start))
        samples[start : start + len(note)] += 0.3 * note[:, None] * _panned(0.2 + 0.6 * (midi - 52) / 29)
    return _made("an arpeggio of plucked strings", samples)


def _bells(rng: np.random.Generator) -> Made:
    """Inharmonic partials that ring for seconds: each line of the spectrum has to stay steady."""
    samples = np.zeros((5 * RATE_HZ, 2))
    for k, fundamental in enumerate([523.25, 392.0, 659.26, 440.0]):
        start = round(0.9 * k * RATE_HZ)
        times = np.arange(len(samples) - start) / RATE_HZ
        for ratio, level in (
            (0.5, 0.5),
            (1, 1),
            (1.19, 0.7),
            (1.5, 0.4),
            (2, 0.8),
            (2.51, 0.4),
            (3.01, 0.3),
            (4.1, 0.2),
            (5.4, 0.15),
        ):
            decay = 1.8 / ratio**0.7
            partial = level * np.sin(2 * np.pi * fundamental * ratio * times + rng.uniform(0, 6.28)) * np.exp(-times / decay)
            samples[start:] += 0.06 * partial[:, None] * _panned(rng.uniform(0.3, 0.7))
    return _made("bells", samples)


def _drums(rng: np.random.Generator) -> Made:
    """A bar of kick, snare and hats, twice."""
    samples = np.zeros((4 * RATE_HZ, 2))
    step = RATE_HZ // 8
    times = np.arange(RATE_HZ // 3) / RATE_HZ
    for k in range(31):
        parts = []
        if k % 8 in (0, 3, 6):
            parts.append((0.7 * np.sin(2 * np.pi * (50 * times + 6 * (1 - np.exp(-times / 0.03)))) * np.exp(-times / 0.12), 0.5))
        if k % 8 == 4:
            body = np.sin(2 * np.pi * 190 * times) * np.exp(-times / 0.06)
            parts.append((0.35 * body + 0.25 * rng.normal(0, 1, len(times)) * np.exp(-times / 0.09), 0.45))
        hiss = np.diff(rng.normal(0, 1, len(times) + 2), 2)
        parts.append((0.05 * hiss * np.exp(-times / (0.15 if k % 8 == 7 else 0.025)), 0.7))
        for wave, place in parts:
            end = min(k * step + len(wave), len(samples))
            samples[k * step : end] += wave[: end - k * step, None] * _panned(place)
    return _made("drums", samples)


def _voice(rng: np.random.Generator) -> Made:
    """Vowels of a sung voice: a pulse train with vibrato through three formants, in the middle, with a little breath."""
    count = 4 * RATE_HZ
    times = np.arange(count) / RATE_HZ
    pitch = 196 * 2 ** (np.floor(times / 0.8) * 2 / 12) * (1 + 0.012 * np.sin(2 * np.pi * 5.3 * times))
    phase = np.cumsum(pitch) / RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0) + 0.02 * rng.normal(0, 1, count)
    vowels = [(700, 1200, 2600), (400, 2000, 2700), (300, 2300, 3000), (450, 800, 2600), (350, 700, 2500)]
    samples = np.zeros(count)
    for k, formants in enumerate(vowels):
        part = slice(round(0.8 * k * RATE_HZ), round(0.8 * (k + 1) * RATE_HZ))
        places = np.arange(part.stop - part.start)
        envelope = np.minimum(1, np.minimum(places, len(places) - places) / 1500)
        for formant, width, level in zip(formants, (80, 100, 140), (1, 0.6, 0.3), strict=True):
            samples[part] += level * envelope * _resonance(pulses[part], formant, width)
    return _made("sung vowels, in the middle", np.repeat(0.3 * samples[:, None] / np.abs(samples).max(), 2, 1))


def _applause(rng: np.random.Generator) -> Made:
    """Hundreds of claps from everywhere: no two frames alike, both channels different."""
    samples = np.zeros((4 * RATE_HZ, 2))
    for onset in rng.integers(0, len(samples) - 2000, 1600):
        times = np.arange(1200) / RATE_HZ
        clap = _resonance(rng.normal(0, 1, 1200) * np.exp(-times / 0.004), rng.uniform(800, 2500), 900)
        samples[onset : onset + 1200] += 0.03 * clap[:, None] * _panned(rng.uniform())
    return _made("applause", samples)


_MAKERS: dict[str, Callable[[np.random.Generator], Made]] = {
    "impulses": _impulses,
    "castanets": _castanets,
    "strings": _strings,
    "bells": _bells,
    "drums": _drums,
    "voice": _voice,
    "applause": _applause,
}


def _made(description: str, samples: np.ndarray, onsets: list[int] | tuple[int, ...] = ()) -> Made:
    """In 16 bits, with a peak of 0.8."""
    integers = np.rint(samples * 0.8 / np.abs(samples).max() * 32768)
    return Made(description, Sound(integers / 32768, RATE_HZ), tuple(onsets))


def _irregular(rng: np.random.Generator, count: int, least_s: float, most_s: float, size: int) -> list[int]:
    places = np.cumsum(rng.uniform(least_s, most_s, count)) * RATE_HZ
    return [int(place) for place in places if place < size - RATE_HZ // 10]


def _panned(place: float) -> np.ndarray:
    """Weights of left and right, of equal power, for a place from 0 to 1."""
    return np.array([np.cos(place * np.pi / 2), np.sin(place * np.pi / 2)])


def _plucked(rng: np.random.Generator, period: int, count: int) -> np.ndarray:
    """A string: a period of noise, each next one the mean of neighbours in the one before."""
    rounds = [rng.uniform(-1, 1, period)]
    while len(rounds) * period < count:
        rounds.append(0.498 * (rounds[-1] + np.roll(rounds[-1], 1)))
    return np.concatenate(rounds)[:count] * np.minimum(1, (count - np.arange(count)) / 2000)


def _resonance(wave: np.ndarray, frequency: float, width: float) -> np.ndarray:
    """A wave through one resonance of `width` Hz: convolved with a decaying sine."""
    times = np.arange(min(len(wave), round(6 * RATE_HZ / width))) / RATE_HZ
    response = np.exp(-np.pi * width * times) * np.sin(2 * np.pi * frequency * times)
    size = 1 << int(len(wave) + len(response)).bit_length()
    product = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(response, size), size)
    return np.asarray(product[: len(wave)])
