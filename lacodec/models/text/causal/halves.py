"""Matrices in bfloat16 inside of a network in float32.

Reading the matrices takes most of a step's time, and they take half of it in half the bytes. Attention stays in float32, in
which torch is several times faster on CPUs.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def halve(network: nn.Module) -> None:
    """Keep the matrices of all plain linear layers, and embeddings that share theirs, in bfloat16; results stay in float32."""
    layers = [layer for layer in network.modules() if type(layer) is nn.Linear]
    shared = {id(layer.weight) for layer in layers}
    for module in network.modules():
        if isinstance(module, nn.Embedding) and id(module.weight) in shared:
            module.register_forward_hook(_widened)
    for layer in layers:
        layer.weight.data = layer.weight.data.to(torch.bfloat16)
        layer.forward = _Product(layer)


class _Product:
    def __init__(self, layer: nn.Linear) -> None:
        self._layer = layer

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x.to(torch.bfloat16), self._layer.weight).float()
        return y if self._layer.bias is None else y + self._layer.bias


def _widened(module: nn.Module, arguments: Any, result: Tensor) -> Tensor:
    return result.float()
