"""BD-rates of measured clips: one method against the best of others at each rate, clip by clip, and their mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from lacodec.errors import BadInput
from lacodec.evaluation.audio.judges import JUDGES
from lacodec.evaluation.audio.measure import Measured
from lacodec.evaluation.bd_rate import BdRate, Line
from lacodec.evaluation.envelope import bd_rate_of_best


@dataclass(frozen=True)
class Comparison:
    """What `method` needs against the best of `against`, by `judge`: by clip a BD-rate, or why there is none."""

    method: str
    against: tuple[str, ...]
    judge: str
    clips: dict[str, BdRate | str]

    @property
    def percents(self) -> list[float]:
        """The BD-rates of the clips that have one."""
        return [one.percent for one in self.clips.values() if isinstance(one, BdRate)]

    @property
    def mean(self) -> float | None:
        """Mean of `percents`; None when there are none."""
        return fmean(self.percents) if self.percents else None


def compare(
    clips: Sequence[Measured], method: str, against: Sequence[str], judge: str, rates: Mapping[str, tuple[float, float] | None]
) -> Comparison:
    """BD-rates of `method` over the qualities that `Judge.between` has and the best of `against` reaches within `rates`.

    rates: by the name of the clip, two rates in kbit/s, or None for all.
    """
    found: dict[str, BdRate | str] = {}
    for clip in clips:
        try:
            found[clip.name] = bd_rate_of_best(
                [_line(clip, name, judge) for name in against],
                _line(clip, method, judge),
                rates[clip.name],
                JUDGES[judge].between,
            )
        except BadInput as error:
            found[clip.name] = str(error)
    return Comparison(method, tuple(against), judge, found)


def _line(clip: Measured, method: str, judge: str) -> Line:
    if method in clip.failures:
        raise BadInput(f"{method} failed: {clip.failures[method]}")
    return clip.line(method, judge)
