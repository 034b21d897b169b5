"""EfficientNet-Lite0 in two parts, with the weights that its package carries (Apache-2.0)."""

import numpy as np
import torch
from torch import Tensor, nn

from lacodec.evaluation.perception import efficientnet

SIDE = efficientnet.SIDE
_BATCH = 20
_TOLD = (3, 5, 11, 15)  # blocks whose outputs `Features` gives


class Network(nn.Module):
    """Pictures u8[n, 224, 224, 3] -> logits f32[n, 1000], whole or split after some of the sixteen blocks; frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.net = efficientnet.network()
        self.register_buffer("_mean", torch.tensor(efficientnet.MEAN)[:, None, None])
        self.register_buffer("_deviation", torch.tensor(efficientnet.DEVIATION)[:, None, None])

    def head(self, pictures: np.ndarray, split: int) -> Tensor:
        """Activations f32[n, C, H, W] after `split` blocks."""
        values = self._stem(torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2) / 255)
        for block in self.net._blocks[:split]:
            values = block(values)
        return values

    def tail(self, values: Tensor, split: int) -> Tensor:
        """The logits; gradients pass through."""
        return self.later(values, split)[-1]

    def later(self, values: Tensor, split: int, after: tuple[int, ...] = (11, 15)) -> list[Tensor]:
        """Outputs of the blocks `after`, as far as they come later than `split`; the pooled features; the logits."""
        found = []
        for i, block in enumerate(self.net._blocks[split:], split + 1):
            values = block(values)
            if i in after:
                found.append(values)
        pooled = self.net._swish(self.net._bn1(self.net._conv_head(values))).mean((2, 3))
        return [*found, pooled, self.net._fc(pooled)]

    def features(self, pixels: Tensor, after: tuple[int, ...]) -> list[Tensor]:
        """Outputs of the blocks `after`, of f32[n, 3, h, w] of 0..1; then the pooled features and the logits."""
        return self.later(self._stem(pixels), 0, after)

    def logits(self, pictures: np.ndarray) -> Tensor:
        """f32[n, 1000]."""
        parts = [pictures[i : i + _BATCH] for i in range(0, len(pictures), _BATCH)]
        return torch.cat([self.tail(self.head(part, 0), 0) for part in parts])

    def classes(self, pictures: np.ndarray) -> np.ndarray:
        """i64[n]."""
        return self.logits(pictures).argmax(1).numpy()

    def _stem(self, pixels: Tensor) -> Tensor:
        values: Tensor = self.net._swish(self.net._bn0(self.net._conv_stem((pixels - self._mean) / self._deviation)))
        return values


class Features(nn.Module):
    """For `lacodec train image --task-network benchmarks.efficientnet:Features`: f32[n, 3, h, w] of 0..1 -> what layers give.

    Outputs of blocks 3, 5, 11 and 15, the pooled features and the logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self._network = Network()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        return self._network.features(pixels, _TOLD)
