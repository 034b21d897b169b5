"""What a training of a text model is told; importing it needs no torch."""

from dataclasses import dataclass
from typing import Literal

from lacodec.errors import BadInput
from lacodec.training.options import RunOptions, says


@dataclass(frozen=True)
class TextTrainOptions(RunOptions):
    """A training of text models. Its defaults suit one thread of a CPU."""

    average: float = says(0.998, "decay of the averaged weights (the ones that are saved)")
    report: int = says(50, "steps between lines of the curve")
    save: float = says(10.0, "minutes between checkpoints, each with a validation")
    batch: int = says(8, "windows in a step (of each process, with torchrun)")
    length: int = says(512, "pieces in a window")
    matrix_rate: float = says(0.03, "learning rate of the matrices, which learn by Muon")
    embedding_rate: float = says(8e-3, "learning rate of the embedding")
    other_rate: float = says(6e-3, "learning rate of everything else")
    quantise_from: float = says(0.85, "part of the run after which the network is simulated as integers")
    unwrapped: float = says(0.12, "part of the windows with each paragraph on one line")
    other_share: float = says(0.22, "part of the windows that come from the text of --other, if given")
    judged: int = says(300_000, "maximum bytes of each held-out text to judge")
    clock: Literal["wall", "processor"] = says("wall", "meaning of minutes: elapsed time, or processor time of all threads")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.batch > 0 and self.length > 0 and self.judged > 0):
            raise BadInput("batch, length and judged must be above 0")
        if not (0 < self.matrix_rate < 1 and 0 < self.embedding_rate < 1 and 0 < self.other_rate < 1):
            raise BadInput("learning rates must be between 0 and 1")
        if not (0 <= self.unwrapped < 1 and 0 <= self.other_share < 1 and self.unwrapped + self.other_share < 1):
            raise BadInput("unwrapped and other_share must be from 0 to 1, together below 1")
        self.check_choice("clock", "wall", "processor")
