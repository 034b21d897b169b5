"""Measured clips and BD-rates as JSON has them: rounded, infinite figures as null."""

import math
from typing import Any

from lacodec.evaluation.audio.comparison import Comparison
from lacodec.evaluation.audio.measure import Measured, Sample

DEFINITIONS = {
    "kbps": "8 x bytes of the whole file / 1000 / seconds of the clip",
    "score": "mean over the signals: left, right and side (unless below -60 dB) of stereo, or mono; snr: all samples together",
    "seconds": "wall clock",
    "lag": "samples by which the decoded sound was late before that was made good",
    "bd_rate": "percent more bits than the best of `against` at equal score, pchip of log-rate over running maxima of scores",
}
"""What the figures mean."""


def clip_content(clip: Measured) -> dict[str, Any]:
    """A clip as JSON has it."""
    return {
        "name": clip.name,
        "rate": clip.rate,
        "channels": clip.channels,
        "seconds": clip.seconds,
        "methods": {name: [_point(sample) for sample in samples] for name, samples in clip.samples.items()},
        "failures": clip.failures,
    }


def comparison_content(found: Comparison) -> dict[str, Any]:
    """BD-rates as JSON has them."""
    clips = {name: {"problem": one} if isinstance(one, str) else _rounded(vars(one)) for name, one in found.clips.items()}
    facts = {"method": found.method, "against": found.against, "judge": found.judge, "mean": found.mean}
    return _rounded(facts) | {"clips": clips}


def _point(sample: Sample) -> dict[str, Any]:
    facts = {key: value for key, value in vars(sample).items() if key != "verdicts"}
    scores = {judge: _rounded({"score": one.score} | one.signals) for judge, one in sample.verdicts.items()}
    return _rounded(facts) | {"scores": scores}


def _rounded(facts: dict[str, Any]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 6) if math.isfinite(value) else None
        return value

    return {key: one(value) for key, value in facts.items()}
