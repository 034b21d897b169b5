"""The form of a model of codec `image.vq`: sizes of its networks, as stored with its weights."""

import dataclasses
import json
from dataclasses import dataclass

from lacodec.errors import CorruptFile
from lacodec.models.image.options import ModelOptions

BOOKS = (8, 64, 256, 1024, 4096)
"""Sizes of the nested books."""
RESIDUAL = 1024
"""Words of the second layer's book, for what words of the largest one leave."""
LEVELS = len(BOOKS) + 1
"""What a vector can be told by: a word of each book, or one of the largest and one of the second layer's."""
PATCH = 16
"""Pixels a side that a vector stands for."""
_MOST = 1024


@dataclass(frozen=True)
class VectorOptions:
    """vector: numbers of a vector. latents: channels of the transforms. coarse, fine: blocks at 1/16 and at 1/8, of the analysis
    and of the synthesis; *_inner: channels inside those. concealed: channels of the network
    that guesses lost vectors."""

    vector: int = 32
    latents: int = 320
    analysis_coarse: int = 2
    analysis_fine: int = 8
    synthesis_coarse: int = 6
    synthesis_fine: int = 8
    coarse_inner: int = 192
    fine_inner: int = 128
    concealed: int = 64

    def __post_init__(self) -> None:
        sizes = dataclasses.asdict(self)
        if (
            not all(type(size) is int and 0 <= size <= _MOST for size in sizes.values())
            or self.latents % 4
            or 0
            in (
                self.vector,
                self.latents,
                self.concealed,
            )
        ):
            raise CorruptFile("the model file gives impossible sizes of its networks")

    def of_analysis(self) -> ModelOptions:
        """For the transform of `image.learned`."""
        return self._transform(self.analysis_coarse, self.analysis_fine)

    def of_synthesis(self) -> ModelOptions:
        """For the transform of `image.learned`."""
        return self._transform(self.synthesis_coarse, self.synthesis_fine)

    def _transform(self, coarse: int, fine: int) -> ModelOptions:
        return ModelOptions(
            self.latents, coarse=coarse, fine=fine, coarse_inner=self.coarse_inner, fine_inner=self.fine_inner
        )  # fmt: skip

    def to_json(self) -> bytes:
        """For a model file."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "VectorOptions":
        """Raises CorruptFile."""
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise CorruptFile("the model file does not give the sizes of its networks") from error
