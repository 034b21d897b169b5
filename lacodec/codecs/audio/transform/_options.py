"""The options of codec `audio.transform`, and what they mean for its parts."""

from dataclasses import dataclass, field
from typing import Any

from lacodec.codecs.audio.transform._setup import Rule
from lacodec.errors import BadInput

TUNES = ("ear", "snr")
_FOLLOW = {"ear": (190, 30, 18), "snr": (0, 0, 0)}  # slope, lift, tilt of `Rule`
_COARSEST, _FINEST = {"ear": 24, "snr": 116}, {"ear": -66, "snr": -16}  # eighths of an octave, at qualities 1 and 100
_PRICES = (0.1, 0.15, 0.1)


@dataclass(frozen=True)
class Options:
    quality: float = field(default=50.0, metadata={"help": "any number from 1 (smallest) to 100 (best)"})
    tune: str = field(default="ear", metadata={"help": "what errors should be small for: ear (they are masked) or snr"})
    target_kbps: float | None = field(
        default=None, metadata={"help": "choose the best quality within this many kilobits per second"}
    )
    target_snr: float | None = field(default=None, metadata={"help": "choose the lowest quality that reaches this many dB"})

    def __post_init__(self) -> None:
        if not _is_number(self.quality) or not 1 <= self.quality <= 100:
            raise BadInput(f"quality is {self.quality!r}; give a number from 1 to 100")
        if self.tune not in TUNES:
            raise BadInput(f"tune is {self.tune!r}; it must be one of {', '.join(TUNES)}")
        targets = [t for t in (self.target_kbps, self.target_snr) if t is not None]
        if len(targets) > 1 or not all(_is_number(t) and 0 < t < 100_000 for t in targets):
            raise BadInput("give only one target, above 0: target_kbps in kilobits per second or target_snr in dB")

    def settings(self) -> "Settings":
        """How to encode at the quality."""
        coarse, fine = _COARSEST[self.tune], _FINEST[self.tune]
        return Settings(self.tune, round(coarse + (fine - coarse) * (self.quality - 1) / 99))


@dataclass(frozen=True)
class Settings:
    """How sound is encoded: for what, and how coarsely (eighths of an octave)."""

    tune: str
    coarseness: int

    @property
    def rule(self) -> Rule:
        """How steps follow from levels."""
        return Rule(self.coarseness, *_FOLLOW[self.tune])

    @property
    def noise(self) -> int:
        """Of 16: noise in the place of what is not coded."""
        return 16 if self.tune == "ear" else 0

    @property
    def prices(self) -> tuple[float, float, float]:
        """Of a bit in squared steps; what rounding takes away from large coefficients, in steps; of a bit in squared levels."""
        return _PRICES


def coarsest(tune: str) -> int:
    """The coarseness of quality 1."""
    return _COARSEST[tune]


def finest(tune: str) -> int:
    """The coarseness of quality 100."""
    return _FINEST[tune]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
