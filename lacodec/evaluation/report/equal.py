"""Codecs at equal bytes: for one picture or sound, a setting of each -> files whose sizes differ by as little as they can.

Some codecs have only whole settings, whose files differ by some percent. One of these leads: its settings around the wanted one
are tried until all others come within `TOLERANCE` of its file.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lacodec.errors import BadInput

TOLERANCE = 0.01
"""Of the bytes: what counts as equal."""
_TRIES = 8
_STEPS = 400  # between the ends of a setting that may be any number


@dataclass(frozen=True)
class Choice:
    """A codec with one variant: the settings it may take, from one end to the other, and `encode(setting)` -> a file."""

    name: str
    settings: Sequence[float]
    encode: Callable[[float], bytes]


@dataclass(frozen=True)
class Matched:
    """A codec's file. `off`: by what part of the leader's bytes it differs from them."""

    name: str
    setting: float
    data: bytes
    off: float

    @property
    def equal(self) -> bool:
        """Whether the file counts as equal."""
        return abs(self.off) <= TOLERANCE


def settings_between(values: Sequence[float], whole: bool) -> list[float]:
    """All settings from the lowest to the highest of `values`: whole numbers, or `_STEPS` steps."""
    low, high = min(values), max(values)
    if whole:
        return [*range(int(low), int(high) + 1)]
    return [low + (high - low) * i / _STEPS for i in range(_STEPS + 1)] if high > low else [low]


def matched(leader: Choice, others: Sequence[Choice], wanted: float) -> list[Matched]:
    """The leader's file near the setting `wanted`, then those of the others, in order."""
    files = [_Files(choice) for choice in (leader, *others)]
    start = min(range(len(leader.settings)), key=lambda i: abs(leader.settings[i] - wanted))
    least = max((one.least for one in files[1:]), default=0)
    if len(files[0](start)) < least:  # some cannot do with so few bytes
        start = files[0].place_near(least)
    best: list[Matched] = []
    worst = math.inf
    for i in _outward(start, len(leader.settings)):
        found = _near(files[1:], len(files[0](i)), worst)
        if found is not None:
            worst = max((abs(one.off) for one in found), default=0.0)
            best = [Matched(leader.name, leader.settings[i], files[0](i), 0.0), *found]
        if worst <= TOLERANCE:
            break
    return best


def _near(files: "Sequence[_Files]", size: int, worst: float) -> list[Matched] | None:
    """Their files near a size; None as soon as one is as far off as `worst`. Those with few settings are asked first."""
    found: dict[int, Matched] = {}
    for place in sorted(range(len(files)), key=lambda i: files[i].count):
        found[place] = files[place].nearest(size)
        if abs(found[place].off) >= worst:
            return None
    return [found[place] for place in range(len(files))]


def _outward(start: int, count: int) -> list[int]:
    """Places around `start`: itself, the next, the one before, ..."""
    places = [start + (step + 1) // 2 * (1 if step % 2 else -1) for step in range(2 * _TRIES)]
    return [place for place in places if 0 <= place < count][:_TRIES]


class _Files:
    """The files of a codec, each made once; by the place of the setting."""

    def __init__(self, choice: Choice) -> None:
        if not choice.settings:
            raise BadInput(f"{choice.name} has no settings")
        self.count = len(choice.settings)
        self._choice = choice
        self._made: dict[int, bytes] = {}

    def __call__(self, place: int) -> bytes:
        if place not in self._made:
            self._made[place] = self._choice.encode(self._choice.settings[place])
        return self._made[place]

    @property
    def least(self) -> int:
        """Bytes of the smallest file, which is at one end of the settings."""
        return min(len(self(0)), len(self(len(self._choice.settings) - 1)))

    def nearest(self, size: int) -> Matched:
        """The file whose size is nearest."""
        place = self.place_near(size)
        data = self(place)
        return Matched(self._choice.name, self._choice.settings[place], data, len(data) / size - 1)

    def place_near(self, size: int) -> int:
        """Its place, by bisection: files grow from one end of the settings to the other."""
        low, high = 0, len(self._choice.settings) - 1
        grows = len(self(low)) <= len(self(high))
        while high - low > 1:
            middle = (low + high) // 2
            if (len(self(middle)) <= size) == grows:
                low = middle
            else:
                high = middle
        return min((low, high), key=lambda one: abs(len(self(one)) - size))
