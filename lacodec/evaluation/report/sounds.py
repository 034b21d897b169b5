"""Sounds to listen to: what codecs make of one at equal bytes -> players of equal loudness, spectrograms, a blind test (ABX).

Every version is embedded as FLAC of its decoded samples in 16 bits, so that browsers add nothing of their own.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from lacodec.evaluation.audio.sound import Sound

SHOWN_S = 8.0
"""Of a longer sound, the loudest passage of so many seconds is embedded."""

_COLUMNS, _ROWS = 480, 128
_FFT = 1024
_FLOOR = -100.0  # dB below full scale that are drawn black
# Sampled from Matplotlib's "inferno" (CC0).
_COLOURS = (
    (0, 0, 4),
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
    (252, 255, 164),
)


@dataclass(frozen=True)
class Version:
    """What a codec made of a sound: its name, how (setting, bytes, scores), and the sound."""

    name: str
    how: str
    sound: Sound


@dataclass(frozen=True)
class Group:
    """An original and rows of versions to compare with each other, each row with a heading."""

    title: str
    original: Sound
    rows: Sequence[tuple[str, Sequence[Version]]]


def section(group: Group) -> str:
    """The players of a group. All versions of it are made as loud as the quietest."""
    where = _loudest(group.original)
    original = Version("original", f"{group.original.seconds:.1f} s", group.original)
    cut = [(heading, [_cut(version, where) for version in versions]) for heading, versions in group.rows]
    first = _cut(original, where)
    quietest = min(loudness(version.sound) for version in (first, *(version for _, row in cut for version in row)))
    rows = "".join(
        f'<h4>{escape(heading)}</h4><div class="columns">{"".join(_figure(version, quietest) for version in row)}</div>'
        for heading, row in cut
    )
    shown = group.original.seconds - first.sound.seconds > 0.01
    part = f" <small>{first.sound.seconds:.1f} s from {where.start / group.original.rate:.1f} s on</small>" if shown else ""
    return (
        f'<section class="sound"><h3>{escape(group.title)}{part}</h3>'
        f'<div class="columns">{_figure(first, quietest)}</div>{rows}</section>'
    )


def loudness(sound: Sound) -> float:
    """K-weighted loudness in dB, without gates: ITU-R BS.1770-4, its two filters applied to the spectrum of the whole sound."""
    spectrum = np.fft.rfft(sound.samples, axis=0)
    power = np.square(np.abs(spectrum)) * _k_weight(len(sound.samples), sound.rate)[:, None]
    mean = 2 * float(power.sum()) / len(sound.samples) ** 2
    return -0.691 + 10 * np.log10(max(mean, 1e-12))


def _k_weight(count: int, rate: int) -> np.ndarray:
    """Gains of power at the frequencies of `rfft`; the standard's coefficients are for 48 kHz."""
    z = np.exp(-2j * np.pi * np.minimum(np.fft.rfftfreq(count, 1 / rate), 24000) / 48000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    pass_high = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.square(np.abs(shelf * pass_high))


def _loudest(sound: Sound) -> slice:
    """The passage to embed."""
    count = round(SHOWN_S * sound.rate)
    if len(sound.samples) <= count:
        return slice(0, len(sound.samples))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound.samples).sum(axis=1))])
    start = int(np.argmax(energy[count:] - energy[:-count]))
    return slice(start, start + count)


def _cut(version: Version, where: slice) -> Version:
    return replace(version, sound=Sound(version.sound.samples[where], version.sound.rate))


def _figure(version: Version, quietest: float) -> str:
    gain = quietest - loudness(version.sound)
    flac = _flac(Sound(version.sound.samples * 10 ** (gain / 20), version.sound.rate))
    told = f"{version.how}, level {gain:+.2f} dB" if abs(gain) >= 0.005 else version.how
    label = escape(f"{version.name}, {told}", quote=True)
    return (
        f'<figure data-name="{escape(version.name, quote=True)}"><figcaption><b>{escape(version.name)}</b>'
        f"<small>{escape(told)}</small></figcaption>"
        f'<div class="spectrogram"><img alt="spectrogram of {label}" src="data:image/webp;base64,{_spectrogram(version.sound)}">'
        f'<i></i></div><audio controls preload="metadata" aria-label="{label}" src="data:audio/flac;base64,{flac}"></audio>'
        "</figure>"
    )


def _flac(sound: Sound) -> str:
    import soundfile

    out = io.BytesIO()
    integers = np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(out, integers, sound.rate, format="FLAC", subtype="PCM_16")
    return base64.b64encode(out.getvalue()).decode()


def _spectrogram(sound: Sound) -> str:
    """The power of the mean of the channels: time to the right, frequency upwards from 0 to half the rate; a WebP in base64."""
    from PIL import Image

    samples = np.pad(sound.samples.mean(axis=1), (_FFT // 2, _FFT))
    starts = np.linspace(0, len(samples) - _FFT - _FFT // 2, _COLUMNS).astype(int)
    window = np.hanning(_FFT)
    frames = samples[starts[:, None] + np.arange(_FFT)] * window
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)[:, : _FFT // 2])) * (2 / window.sum()) ** 2
    rows = power.reshape(_COLUMNS, _ROWS, -1).max(axis=2).T[::-1]
    level = np.clip(1 - 10 * np.log10(rows + 1e-12) / _FLOOR, 0, 1)
    shades = np.rint(level * 63) / 63 * (len(_COLOURS) - 1)
    colours = np.stack([np.interp(shades, np.arange(len(_COLOURS)), channel) for channel in zip(*_COLOURS, strict=True)], axis=2)
    out = io.BytesIO()
    Image.fromarray(np.rint(colours).astype(np.uint8)).save(out, "WEBP", lossless=True, quality=80)
    return base64.b64encode(out.getvalue()).decode()
