"""Sounds of codec `audio.transform`: those of `audio.lossless`, with loss.

The symbols must not change (the content hash in each chunk); samples may differ by one between machines.
"""

from pathlib import Path

import numpy as np

from tools.golden import audio

CODEC = "audio.transform"
SETTINGS = {"q20": {"quality": 20}, "q60": {"quality": 60}, "snr70": {"quality": 70, "tune": "snr"}}
WANTED = [(setting, name) for setting in SETTINGS for name in ("mono", "stereo")] + [("q60", "deep"), ("q60", "float")]
_LEAST_SNR = {"q20": -3.0, "q60": 10.0, "snr70": 10.0}  # dB


def content(name: str) -> tuple[int, int, str, bool]:
    """(rate, channels, layout, whether the samples are about the same) of the sound called `name`."""
    from lacodec.io.source import BytesSource
    from lacodec.media.audio.sound import SOUND

    value = SOUND.from_source(BytesSource(audio.content(name)))
    return value.rate, value.channels, value.layout, True


def make(setting: str, name: str) -> bytes:
    """The sound called `name`, encoded."""
    import lacodec

    return lacodec.encode(audio.content(name), CODEC, **SETTINGS[setting])


def exact(setting: str, name: str) -> bool:
    """None: the choices of an encoder depend on the machine."""
    return False


def restored(path: Path) -> tuple[int, int, str, bool]:
    """What `content` gives."""
    import lacodec
    from lacodec.io.source import BytesSource
    from lacodec.media.audio.sound import SOUND

    _, setting, name = path.stem.split("-")
    value = lacodec.decode(path)
    original = SOUND.from_source(BytesSource(audio.content(name))).samples.astype(float)
    error = np.square(value.samples - original).mean()
    close = bool(np.square(original).mean() > error * 10 ** (_LEAST_SNR[setting] / 10))
    return value.rate, value.channels, value.layout, close
