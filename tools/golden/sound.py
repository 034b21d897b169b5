"""Sounds of codec `audio.transform`: those of `audio.lossless`, and others made of them, with loss.

The symbols must not change (the content hash in each chunk); samples may differ by one between machines.
"""

from pathlib import Path

import numpy as np

from lacodec.io.source import BytesSource
from lacodec.media.audio.sound import SOUND
from lacodec.media.audio.value import Audio
from tools.golden import audio

CODEC = "audio.transform"
SETTINGS = {"q20": {"quality": 20}, "q60": {"quality": 60}, "q95": {"quality": 95}, "snr70": {"quality": 70, "tune": "snr"}}
WANTED = [(setting, name) for setting in ("q20", "q60", "snr70") for name in ("mono", "stereo")]
WANTED += [("q60", "deep"), ("q60", "float"), ("q60", "triple"), ("q20", "long"), ("q95", "short")]
_LEAST_SNR = {"q20": -3.0, "q60": 10.0, "q95": 20.0, "snr70": 10.0}  # dB


def content(name: str) -> tuple[int, int, str, bool]:
    """(rate, channels, layout, whether the samples are about the same) of the sound called `name`."""
    value = sound(name)
    return value.rate, value.channels, value.layout, True


def sound(name: str) -> Audio:
    """The sound called `name`: three channels (`triple`), two chunks (`long`), fewer bytes as it is (`short`), or a file's."""
    if name in audio.SOUNDS:
        return SOUND.from_source(BytesSource(audio.content(name)))
    stereo = sound("stereo").samples
    if name == "triple":
        return Audio.from_samples(np.concatenate([stereo, stereo[::-1, :1]], 1).astype(np.int16), 44100)
    repeated = np.tile(stereo[:, :1], (28, 1)) if name == "long" else stereo[1000:1030]
    return Audio.from_samples(repeated.astype(np.int16), 8000)


def make(setting: str, name: str) -> bytes:
    """The sound called `name`, encoded."""
    import lacodec

    return lacodec.encode(sound(name), CODEC, **SETTINGS[setting])


def exact(setting: str, name: str) -> bool:
    """None: the choices of an encoder depend on the machine."""
    return False


def restored(path: Path) -> tuple[int, int, str, bool]:
    """What `content` gives."""
    import lacodec

    _, setting, name = path.stem.split("-")
    value = lacodec.decode(path)
    original = sound(name).samples.astype(float)
    error = np.square(value.samples - original).mean()
    close = bool(np.square(original).mean() > error * 10 ** (_LEAST_SNR[setting] / 10))
    return value.rate, value.channels, value.layout, close
