"""From a trained network to the integers of a model file. Needs torch; what comes out does not."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.kernels.byte_vector import SCALE_BITS
from lacodec.models.text.frozen import BIAS_BITS, LOGIT_UNIT, TAP_BITS, TOP
from lacodec.models.text.network import EMBEDDING_SCALE, WEIGHT_TOP, Block, Matrix, TextNetwork
from lacodec.models.text.ops import STREAM_UNIT

UNIT = 16  # activations count sixteenths
_LEAST_STEP = 2.0**-20


def freeze(network: TextNetwork) -> dict[str, NDArray[Any]]:
    """Arrays of a model file, see `frozen.shapes`; the merges of the pieces come beside them."""
    with_steps = _codes(network.embedding)
    arrays: dict[str, NDArray[Any]] = {"embedding": with_steps[0]}
    step = with_steps[1]
    arrays["embedding_scale"] = _fixed(step * EMBEDDING_SCALE * STREAM_UNIT, SCALE_BITS)
    bits = LOGIT_UNIT / np.log(2)
    arrays["head_scale"] = _fixed(step / UNIT * bits, SCALE_BITS)
    arrays["head_bias"] = _fixed(_numpy(network.bias) * bits, 0)
    taps = []
    for i, block in enumerate(network.blocks):
        taps.append(_fixed(_numpy(block.mixer.taps), TAP_BITS))
        for name, matrix, unit, worth in matrices_of(block):
            _put(arrays, f"{i}.{name}", matrix, unit, worth)
    arrays["taps"] = np.stack(taps)
    gate = np.arange(-TOP, TOP + 1) / UNIT
    sigmoid = 1 / (1 + np.exp(-gate))
    arrays["keep"] = _fixed(sigmoid, 16)
    arrays["take"] = _fixed(np.sqrt(1 - sigmoid * sigmoid), 16)
    arrays["silu"] = _fixed(gate * sigmoid, 12)
    arrays["power"] = _fixed(2.0 ** (-np.arange(LOGIT_UNIT) / LOGIT_UNIT), 24)
    return arrays


def matrices_of(block: Block) -> Iterator[tuple[str, Matrix, float, float]]:
    """A block's matrices with their names, what a sum counts relative to 1.0, and what one step of an input is worth in that."""
    for name, part in ("mixer.", block.mixer), ("", block):
        yield f"{name}inner", part.inner, UNIT, 1.0
        yield f"{name}outer", part.outer, STREAM_UNIT, STREAM_UNIT / UNIT


def _put(arrays: dict[str, NDArray[Any]], name: str, matrix: Matrix, unit: float, worth: float) -> None:
    codes, steps = _codes(matrix.weight.flatten(0, 1))
    arrays[name] = codes
    arrays[f"{name}.scale"] = _fixed(steps * worth, SCALE_BITS)
    arrays[f"{name}.bias"] = _fixed(_numpy(matrix.bias) * unit, BIAS_BITS)


def _codes(weight: Any) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    values = _numpy(weight)
    steps = np.maximum(np.abs(values).max(-1) / WEIGHT_TOP, _LEAST_STEP)
    return np.clip(np.rint(values / steps[:, None]), -WEIGHT_TOP, WEIGHT_TOP).astype(np.int8), steps


def _fixed(values: NDArray[np.float64], bits: int) -> NDArray[np.int32]:
    return np.clip(np.rint(values * 2.0**bits), -(2**31) + 1, 2**31 - 1).astype(np.int32)


def _numpy(tensor: Any) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.detach().double().cpu().numpy()
    return array
