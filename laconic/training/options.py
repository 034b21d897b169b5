"""What a recipe of a training says: typed, with defaults that suit a GPU; the command derives its flags from it."""

from dataclasses import dataclass, field
from typing import Literal

from laconic.errors import BadInput


def _says(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True)
class TrainOptions:
    """One training run. Lengths of phases are parts of the whole run, be it counted in steps or minutes."""

    minutes: float | None = field(default=None, metadata=_says("stop after so many minutes of training, resumed ones included"))
    steps: int | None = field(default=None, metadata=_says("stop after so many steps"))
    batch: int = field(default=16, metadata=_says("crops in a step"))
    crop: int = field(default=256, metadata=_says("pixels a side of a crop, a multiple of 64"))
    rate: float = field(default=4e-4, metadata=_says("learning rate of the entropy networks"))
    transform_rate: float = field(default=2e-4, metadata=_says("learning rate of the transforms"))
    entropy_first: float = field(default=0.03, metadata=_says("part of the run in which only entropy networks learn"))
    noise_until: float = field(default=0.15, metadata=_says("part of the run after which rates are of rounded latents"))
    quantise_from: float = field(
        default=0.75, metadata=_says("part of the run after which entropy networks are simulated as integers")
    )
    average: float = field(default=0.999, metadata=_says("decay of the averaged weights, which are what is kept"))
    precision: Literal["bfloat16", "float32"] = field(default="bfloat16", metadata=_says("of most multiplications"))
    seed: int = field(default=0, metadata=_says("of crops, qualities and noise"))
    report: int = field(default=100, metadata=_says("steps between lines of the curve"))
    save: float = field(default=5.0, metadata=_says("minutes between checkpoints, each with a validation"))

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise BadInput("give either minutes or steps, to say how long the training is")
        if (self.minutes is not None and not self.minutes > 0) or (self.steps is not None and not self.steps > 0):
            raise BadInput("a training needs more than 0 minutes or steps")
        if not (self.batch > 0 and self.crop > 0 and self.crop % 64 == 0 and self.report > 0):
            raise BadInput(f"batch {self.batch}, crop {self.crop}, report {self.report}: above 0, and a crop of whole 64s")
        if not (0 < self.rate < 1 and 0 < self.transform_rate < 1 and 0 <= self.average < 1 and self.save > 0):
            raise BadInput("learning rates and the decay of the average lie between 0 and 1")
        if self.precision not in ("bfloat16", "float32"):
            raise BadInput(f"precision is {self.precision!r}; bfloat16 or float32")
