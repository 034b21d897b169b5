"""A whole model of images, and its passage to and from arrays.

Trained form: float parameters, one state dict. Stored form (`pack`): the exact networks' integers, and the transforms as integers
with one scale per output channel; `unpack` makes a network that codes, in mode EXACT.
"""

import hashlib
import os

import numpy as np
import torch
from torch import Tensor, nn

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.kernels.fingerprint import machine
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.store import store
from lacodec.models.exact import ExactLayer, Mode, exactly, freeze, set_mode
from lacodec.models.image.entropy import EntropyModel, HyperAnalysis, Part
from lacodec.models.image.options import LEVELS, ModelOptions
from lacodec.models.image.transforms import Analysis, Synthesis

_OPTIONS, _ANSWER = "options", "known_answer"
_CODES, _STEPS = ".codes", ".steps"
_SETTINGS = ("ATEN_", "DNNL_", "KMP_", "LD_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTORCH_", "TORCH_")
"""Beginnings of the names of environment variables that may change how torch computes."""
_INNER = (127, 12)  # largest code, and standard deviation of a row's codes at most, of weights inside blocks
_LINEAR = (2047, 48)  # of the linear transforms: their errors are seen


class ImageModel(nn.Module):
    """Analysis, synthesis and entropy model."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        self.options = options
        self.stored: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # of a model that was unpacked: codes and steps of weights
        self.analysis, self.synthesis = Analysis(options), Synthesis(options)
        self.hyper_analysis = None if options.entropy == "factorized" else HyperAnalysis(options)
        self.entropy = EntropyModel(options)


def pack(model: ImageModel) -> dict[str, np.ndarray]:
    """Arrays by name. This freezes the exact networks, and their answer to a fixed question is stored with them."""
    freeze(model)
    modes = _modes(model)
    set_mode(model, Mode.EXACT)
    arrays = {_OPTIONS: np.frombuffer(model.options.to_json(), np.uint8), _ANSWER: _answer(model)}
    for layer, mode in modes.items():
        layer.mode = mode
        layer.prepare()
    arrays.update({f"entropy.{name}": value.cpu().numpy() for name, value in model.entropy.named_buffers()})
    for name, value in model.named_parameters():
        if name.startswith("entropy."):
            continue
        array = value.detach().float().cpu().numpy()
        if name.endswith("weight"):
            arrays.update(_pack_rows(name, array))
        else:
            arrays[name] = array if name.endswith("gain") else array.astype(np.float16)
    return arrays


def unpack(arrays: dict[str, np.ndarray], device: torch.device | str = "cpu", training: bool = False) -> ImageModel:
    """The model in `arrays`; raises CorruptFile if it is invalid, UnsupportedFile if this machine computes differently.

    training: also recover the parameters of the exact networks, and leave them in mode FLOAT.
    """
    if _OPTIONS not in arrays or _ANSWER not in arrays:
        raise CorruptFile("the model file does not hold an image model")
    with torch.random.fork_rng(devices=[]):  # not on the device "meta", for which torch imports its compiler: a second
        model = ImageModel(ModelOptions.from_json(arrays[_OPTIONS].tobytes()))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith("entropy."):
                parameter.copy_(torch.from_numpy(_array(arrays, name, tuple(parameter.shape))))
                if name.endswith("weight"):
                    model.stored[name] = arrays[name + _CODES], arrays[name + _STEPS]
    kinds = {torch.int8: np.int8, torch.int16: np.int16, torch.int32: np.int32}
    for name, layer in model.named_modules():
        if isinstance(layer, ExactLayer):
            for key, (kind, shape) in layer.integers().items():
                layer._put(key, torch.from_numpy(_exact_array(arrays, f"{name}.{key}", np.dtype(kinds[kind]), shape)))
            if training and hasattr(layer, "thaw"):
                layer.thaw()
    model.to(device)
    if not training:
        set_mode(model, Mode.EXACT)
        for name, _ in list(model.entropy.named_parameters()):
            owner, _, key = name.rpartition(".")
            model.entropy.get_submodule(owner).register_parameter(key, None)
        model.eval().requires_grad_(False)
        if not _right(model, arrays):
            raise UnsupportedFile(
                "this machine or this torch does not compute the model exactly: the result of its known answer test differs; "
                "try another version of torch, or the CPU"
            )
    return model


def model_id(arrays: dict[str, np.ndarray]) -> bytes:
    """The first 8 bytes of the SHA-256 of names, dtypes, shapes and values: it is most of a small picture's header."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        digest.update(f"{name}\0{little.dtype.str}\0{array.shape}\0".encode())
        digest.update(little.tobytes())
    return digest.digest()[:8]


def _answer(model: ImageModel) -> np.ndarray:
    """The answer of the exact networks to fixed hyper-latents and latents, as 32 bytes."""
    device = next(model.entropy.buffers()).device
    options, digest = model.options, hashlib.sha256()

    def question(*shape: int) -> Tensor:
        """Integers that look random, many of them large."""
        numbers = np.arange(np.prod(shape), dtype=np.uint64) * GOLDEN >> np.uint64(55)
        return torch.from_numpy(numbers.astype(np.float32) - 256).reshape(shape).to(device)

    latents = question(2, options.latents, 7, 10) * 16

    def coder(parts: list[Part]) -> list[Tensor]:
        for part in parts:
            for tensor in (part.means, part.scales):
                digest.update(tensor.to(torch.int32).cpu().numpy().astype("<i4").tobytes())
        return [part.of(latents) for part in parts]

    with exactly(device):
        level = torch.tensor([LEVELS // 3, LEVELS - 1], device=device)
        hyper = torch.floor(question(2, options.hyper_latents, 2, 3) / 16)
        coder([model.entropy.hyper_part(level, tuple(hyper.shape))])
        model.entropy.walk(hyper, level, (7, 10), coder)
    return np.frombuffer(digest.digest(), np.uint8)


def _right(model: ImageModel, arrays: dict[str, np.ndarray]) -> bool:
    """Whether the exact networks give the right answer on this machine.

    That they did is remembered for this model on this processor with this torch and its settings: asking takes as long as a
    picture. On GPUs it is asked each time.
    """
    kept = store() if next(model.entropy.buffers()).device.type == "cpu" else None
    settings = sorted((k, v) for k, v in os.environ.items() if k.startswith(_SETTINGS))
    asked = repr(
        (model_id(arrays).hex(), machine(), torch.__version__, torch.__config__.show(), torch.get_num_threads(), settings)
    )
    name = f"answers-1/{hashlib.sha256(asked.encode()).hexdigest()}"
    if kept and kept.read(name) == b"right":
        return True
    if not np.array_equal(_answer(model), arrays[_ANSWER]):
        return False
    if kept:
        kept.write(name, b"right")
    return True


def _modes(model: nn.Module) -> dict[ExactLayer, Mode]:
    return {layer: layer.mode for layer in model.modules() if isinstance(layer, ExactLayer)}


def _pack_rows(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Weights as integers and a float32 step per row."""
    top, spread = _LINEAR if name.endswith("linear.weight") else _INNER
    rows = array.reshape(len(array), -1)
    steps = np.maximum(np.abs(rows).max(1) / top, np.sqrt((rows**2).mean(1)) / spread)
    steps = np.maximum(steps, 1e-12).astype(np.float32)
    codes = np.rint(rows / steps[:, None]).clip(-top, top)
    kind = np.int8 if top < 128 else np.int16
    return {name + _CODES: codes.astype(kind).reshape(array.shape), name + _STEPS: steps}


def _array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("weight"):
        codes, steps = arrays.get(name + _CODES), arrays.get(name + _STEPS)
        if codes is None or steps is None or codes.shape != shape or steps.shape != shape[:1] or codes.dtype.kind != "i":
            raise CorruptFile(f"the model lacks {name}, or has it in another shape")
        return codes.astype(np.float32) * steps.astype(np.float32).reshape(-1, *[1] * (len(shape) - 1))
    array = arrays.get(name)
    if array is None or array.shape != shape or array.dtype.kind != "f":
        raise CorruptFile(f"the model lacks {name}, or has it in another shape")
    return array.astype(np.float32)


def _exact_array(arrays: dict[str, np.ndarray], name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    array = arrays.get(name)
    if array is None or array.dtype != dtype or array.shape != shape:
        raise CorruptFile(f"the model lacks {name}, or has it in another shape")
    return np.array(array)
