"""What is measured: codecs at their settings -> a `Setting` each, which turns a picture or a sound into a file and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lacodec.evaluation.audio.measure import Method as SoundMethod
from lacodec.evaluation.audio.measure import restored
from lacodec.evaluation.audio.sound import Sound
from lacodec.evaluation.rate_distortion import Method as PictureMethod

Values = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Setting:
    """One codec at one setting. `method` names the curve that it is a point of, `how` the call in words."""

    method: str
    label: str
    how: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes, Any], Any]
    """(the file, the undecoded) -> the decoded; of a sound, at the rate, length and place of the undecoded."""


def of_pictures(methods: Sequence[PictureMethod], values: Values) -> list[Setting]:
    """Each method at its settings, or at those of `values` by its name; each variant is a curve of its own."""
    return [
        _picture(one, value, variant) for one in methods for variant in one.variants for value in values.get(one.name, one.values)
    ]


def of_sounds(methods: Sequence[SoundMethod], values: Values, mono: bool) -> list[Setting]:
    """The same of sounds. `mono`: whether all are, so that the settings for one channel apply."""
    return [
        _sound(one, value)
        for one in methods
        for value in values.get(one.name, one.mono_values if mono else one.values)
    ]  # fmt: skip


def _picture(method: PictureMethod, value: float, variant: str) -> Setting:
    return Setting(
        method=f"{method.name} {variant}".strip(),
        label=f"{method.sweep} {value:g}",
        how=method.how,
        encode=lambda pixels: method.encode(pixels, value, variant),
        decode=lambda data, pixels: method.decode(data),
    )


def _sound(method: SoundMethod, value: float) -> Setting:
    def decode(data: bytes, original: Sound) -> Sound:
        return restored(original, method.decode(data))[0]

    return Setting(
        method=method.name,
        label=f"{method.sweep} {value:g}",
        how=method.how,
        encode=lambda sound: method.encode(sound, value),
        decode=decode,
    )
