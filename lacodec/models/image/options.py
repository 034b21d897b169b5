"""The form of an image model: sizes of its networks, as stored with its weights."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from lacodec.errors import BadInput, CorruptFile

PATCH = 16
"""Pixels a side for one position of the latents."""
HYPER = 4
"""Latent positions a side for one position of the hyper-latents."""
LEVELS = 65
"""Steps in which the exact networks know the quality."""
GROUPS = 4
"""Groups of channels; a step decodes another group at each place of a 2x2 square."""

Entropy = Literal["factorized", "hyperprior", "mean-scale", "context"]
ENTROPY = ("factorized", "hyperprior", "mean-scale", "context")
_DISTORTIONS = ("mse", "ms-ssim", "perceptual")
_MOST = 4096  # channels or blocks: limits the demands of a forged file


@dataclass(frozen=True)
class ModelOptions:
    """Sizes of a model.

    latents: channels at 1/16 (a multiple of 4). hyper_latents: channels at 1/64. width, blocks: of the entropy networks.
    coarse, fine: blocks of the transforms at 1/16 and 1/8; *_inner: channels inside those.
    entropy: "context" predicts in four steps; "mean-scale", "hyperprior" and "factorized" are simpler, for comparison.
    family: distributions of the latents (lacodec.entropy.distributions).
    low, high: distortion weights (bits per pixel for one unit of mean squared error, of 0..255) of quality 1 and 100.
    distortion: what the transforms were trained for: "mse", "ms-ssim" or "perceptual", the last two on the scale of the first.
    """

    latents: int = 320
    hyper_latents: int = 96
    width: int = 192
    blocks: int = 2
    coarse: int = 1
    coarse_inner: int = 192
    fine: int = 8
    fine_inner: int = 128
    entropy: Entropy = "context"
    family: str = "sparse-14"
    low: float = 0.001
    high: float = 0.15
    distortion: str = "mse"

    def __post_init__(self) -> None:
        sizes = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.type is int or f.type == "int"}
        for name, value in sizes.items():
            least = 0 if name in ("coarse", "fine") else 1
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
                raise BadInput(f"a model's {name} is {value!r}; give a whole number from {least} to {_MOST}")
        if self.latents % GROUPS or self.coarse + self.fine > 64 or self.blocks > 64:
            raise BadInput(f"a model needs latents that are a multiple of {GROUPS}, and at most 64 blocks")
        if self.entropy not in ENTROPY or self.family not in ("gaussian-14", "laplace-14", "mixture-14", "sparse-14"):
            raise BadInput(f"a model's entropy is {self.entropy!r}, its family {self.family!r}; which is unknown")
        if self.distortion not in _DISTORTIONS:
            raise BadInput(f"a model's distortion is {self.distortion!r}; which is unknown")
        if not 0 < self.low < self.high < 1e6:
            raise BadInput(f"a model's distortion weights are {self.low} and {self.high}; give 0 < low < high")

    def to_json(self) -> bytes:
        """The form that is stored: without the usual distortion, as models had it before there was another."""
        stored = dataclasses.asdict(self)
        if self.distortion == "mse":
            del stored["distortion"]
        return json.dumps(stored, separators=(",", ":")).encode()

    @staticmethod
    def from_json(data: bytes) -> "ModelOptions":
        """The inverse; raises CorruptFile."""
        try:
            return ModelOptions(**json.loads(data))
        except (ValueError, TypeError, RecursionError) as error:
            raise CorruptFile(f"the model does not give its sizes ({error})") from error


PROFILES = {
    "small": ModelOptions(),
    "base": ModelOptions(width=320, blocks=4, hyper_latents=128, coarse=6, coarse_inner=384, fine=14, fine_inner=384, high=0.15),
    "large": ModelOptions(width=512, blocks=6, hyper_latents=192, coarse=8, coarse_inner=640, fine=24, fine_inner=640, high=0.15),
}


def level_of(quality: float) -> int:
    """The level that the exact networks see, of a quality from 1 to 100."""
    return min(LEVELS - 1, max(0, int((quality - 1) / 99 * (LEVELS - 1) + 0.5)))


def distortion_weight(options: ModelOptions, t: float) -> float:
    """Bits per pixel that one unit of mean squared error is worth at t = (quality - 1) / 99."""
    return float(options.low * (options.high / options.low) ** t)
