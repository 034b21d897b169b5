"""How far decoded pictures are from their originals, as a training counts it: on the scale of squared errors of 0..255.

All take (original, decoded) float32[n, 3, h, w] of 0..255 and weights float32[n, 1, h, w] of 0..1 or None, how much each place
counts, and give float32[n]. A place of weight 0.1 is coded as if the picture were of a tenth of the quality's weight there.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from lacodec.models.image.similarity import structural
from lacodec.training.pyramid import perceptual

Distortion = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def squared(original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error."""
    error = (original - decoded).square()
    return (error if weights is None else error * weights).mean((1, 2, 3))


def together(parts: Sequence[Distortion]) -> Distortion:
    """The sum of several."""

    def total(original: Tensor, decoded: Tensor, weights: Tensor | None = None) -> Tensor:
        return sum((part(original, decoded, weights) for part in parts[1:]), parts[0](original, decoded, weights))

    return total


DISTORTIONS: dict[str, Distortion] = {"mse": squared, "ms-ssim": structural, "perceptual": perceptual}
"""The distortion that `--loss` names."""
