"""The options of `lacodec train pc`."""

from dataclasses import dataclass

from lacodec.errors import BadInput
from lacodec.models.circuits.circuit import MOST_NEIGHBOURS, MOST_STATES
from lacodec.training.options import says

TREES = ("information", "rows")


@dataclass(frozen=True)
class CircuitOptions:
    """A circuit and its training. Raises BadInput."""

    states: int = says(16, f"hidden states of each pixel, up to {MOST_STATES}: more learn more, from more pictures")
    tree: str = says("information", "what joins pixels: information, or rows, one after another, which share all chances", "KIND")
    neighbours: int = says(1, f"known pixels, besides the tree, that each pixel depends on, up to {MOST_NEIGHBOURS}")
    parts: int = says(4, "parts that the values of such a neighbour are told apart by")
    rounds: int = says(8, "times that all pictures are gone through")
    batch: int = says(2000, "pictures between two changes of the circuit")
    smoothing: float = says(0.5, "weight of the mean of all states in one state, in pictures", "X")
    context_smoothing: float = says(2.0, "weight of the mean of all contexts in one context, in pictures", "X")
    move_smoothing: float = says(0.1, "weight of an even distribution of the state that follows, in pictures", "X")
    seed: int = says(0, "seed of all random numbers")

    def __post_init__(self) -> None:
        if self.tree not in TREES:
            raise BadInput(f"tree must be {' or '.join(TREES)}, not {self.tree!r}")
        if not 1 <= self.states <= MOST_STATES:
            raise BadInput(f"states must be from 1 to {MOST_STATES}, not {self.states}")
        if not 0 <= self.neighbours <= MOST_NEIGHBOURS or not 2 <= self.parts <= 16:
            raise BadInput(f"neighbours must be from 0 to {MOST_NEIGHBOURS}, parts from 2 to 16")
        if self.rounds < 1 or self.batch < 1 or min(self.smoothing, self.context_smoothing, self.move_smoothing) <= 0:
            raise BadInput("rounds, batch and the smoothing weights must be above 0")
