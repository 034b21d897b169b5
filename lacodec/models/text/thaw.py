"""From the integers of a model file back to a network that can be trained further. Needs torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lacodec.kernels.byte_vector import SCALE_BITS
from lacodec.models.text.freeze import UNIT, matrices_of
from lacodec.models.text.frozen import BIAS_BITS, LOGIT_UNIT, TAP_BITS, checked
from lacodec.models.text.network import Matrix, TextNetwork


def thaw(arrays: Mapping[str, NDArray[Any]]) -> TextNetwork:
    """The network whose integers are `arrays`, the inverse of `freeze` but for rounding; raises CorruptFile."""
    network = TextNetwork(checked(arrays))
    steps = arrays["head_scale"] * (UNIT * np.log(2) / LOGIT_UNIT / 2.0**SCALE_BITS)
    _set(network.embedding, arrays["embedding"] * steps[:, None])
    _set(network.bias, arrays["head_bias"] * np.log(2) / LOGIT_UNIT)
    for i, block in enumerate(network.blocks):
        _set(block.mixer.taps, arrays["taps"][i] / 2.0**TAP_BITS)
        for name, matrix, unit, worth in matrices_of(block):
            _restore(arrays, f"{i}.{name}", matrix, unit, worth)
    return network


def _restore(arrays: Mapping[str, NDArray[Any]], name: str, matrix: Matrix, unit: float, worth: float) -> None:
    steps = arrays[f"{name}.scale"] / (2.0**SCALE_BITS * worth)
    _set(matrix.weight, (arrays[name] * steps[:, None]).reshape(matrix.weight.shape))
    _set(matrix.bias, arrays[f"{name}.bias"] / (2.0**BIAS_BITS * unit))


def _set(parameter: nn.Parameter, values: NDArray[np.float64]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
