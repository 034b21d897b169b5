"""A whole model of codec `image.vq`, and its passage to and from arrays.

arrays: vq.options; weights as integers and a float32 step per row; other parameters and books in float16; predictors
"""

from dataclasses import dataclass

import numpy as np
import torch

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.models.image.model import model_id
from lacodec.models.vq.network import VectorNetwork
from lacodec.models.vq.options import BOOKS, RESIDUAL, VectorOptions
from lacodec.models.vq.predictor import Predictor

_OPTIONS, _RESIDUAL = "vq.options", "predict_residual"
_CODES, _STEPS = ".codes", ".steps"
_TOP, _SPREAD = 127, 24  # largest code of a weight, and standard deviation of a row's codes at most


@dataclass(frozen=True, eq=False)
class VectorModel:
    """The network, predictors by the size of their book, that of the second layer, and the id of the arrays."""

    network: VectorNetwork
    predictors: dict[int, Predictor]
    residual: Predictor
    id: bytes

    def layers(self, book: int, count: int) -> list[Predictor]:
        """The predictor of each layer."""
        return [self.predictors[book], self.residual][:count]


def pack(network: VectorNetwork, predictors: dict[int, Predictor], residual: Predictor) -> dict[str, np.ndarray]:
    """Arrays by name."""
    arrays = {_OPTIONS: np.frombuffer(network.options.to_json(), np.uint8)}
    for name, value in network.state_dict().items():
        array = value.detach().float().numpy()
        if array.ndim == 4:
            arrays.update(_pack_rows(name, array))
        else:
            arrays[name] = array.astype(np.float16)
    for size, predictor in predictors.items():
        arrays.update(predictor.arrays(f"predict{size}"))
    arrays.update(residual.arrays(_RESIDUAL))
    return arrays


def unpack(arrays: dict[str, np.ndarray]) -> VectorModel:
    """The model in `arrays`; raises UnsupportedFile if they are of something else, CorruptFile if they are invalid."""
    if _OPTIONS not in arrays:
        raise UnsupportedFile("this model is not one of codec image.vq")
    with torch.random.fork_rng(devices=[]):
        network = VectorNetwork(VectorOptions.from_json(arrays[_OPTIONS].tobytes()))
    with torch.no_grad():
        for name, value in network.state_dict().items():
            value.copy_(torch.from_numpy(_array(arrays, name, tuple(value.shape))))
    network.eval().requires_grad_(False)
    predictors = {size: Predictor.from_arrays(arrays, f"predict{size}") for size in BOOKS}
    for size, predictor in predictors.items():
        _check(predictor, size, 0)
    residual = Predictor.from_arrays(arrays, _RESIDUAL)
    _check(residual, RESIDUAL, BOOKS[-1])
    return VectorModel(network, predictors, residual, model_id(arrays))


def _check(predictor: Predictor, words: int, parents: int) -> None:
    if (len(predictor.last), predictor.parent_words) != (words, parents):
        found = f"{len(predictor.last)} words after {predictor.parent_words}"
        raise CorruptFile(f"the model has a predictor for {found}, not for {words} after {parents}")


def _pack_rows(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    rows = array.reshape(len(array), -1)
    steps = np.maximum(np.abs(rows).max(1) / _TOP, np.sqrt((rows**2).mean(1)) / _SPREAD)
    steps = np.maximum(steps, 1e-12).astype(np.float32)
    codes = np.rint(rows / steps[:, None]).clip(-_TOP, _TOP)
    return {name + _CODES: codes.astype(np.int8).reshape(array.shape), name + _STEPS: steps}


def _array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if len(shape) == 4:
        codes, steps = arrays.get(name + _CODES), arrays.get(name + _STEPS)
        if codes is None or steps is None or codes.shape != shape or steps.shape != shape[:1] or codes.dtype.kind != "i":
            raise CorruptFile(f"the model lacks {name}, or has it in another shape")
        return np.asarray(codes.astype(np.float32) * steps.astype(np.float32).reshape(-1, 1, 1, 1))
    array = arrays.get(name)
    if array is None or array.shape != shape or array.dtype.kind != "f":
        raise CorruptFile(f"the model lacks {name}, or has it in another shape")
    return array.astype(np.float32)
