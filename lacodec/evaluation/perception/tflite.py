"""TensorFlow Lite models of one picture, by ai-edge-litert: uint8[height, width, 3] -> the first output."""

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.perception.task import digest, missing


class PictureModel:
    """A model file, ready to run on one thread.

    `size`: (height, width) of its input. `id`: a hash of the file, and the package's version.
    Raises MissingDependency, and BadInput for a file that is no such model.
    """

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise missing("ai-edge-litert, which runs TensorFlow Lite models,") from None
        if not path.is_file():
            raise BadInput(f"{path}: no such model file")
        try:
            self._interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BadInput(f"{path}: is no TensorFlow Lite model ({' '.join(str(error).split())})") from error
        (given, *others), (self._out, *_) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = tuple(map(int, given["shape"]))
        if others or given["dtype"] is not np.uint8 or len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
            raise BadInput(
                f"{path}: takes {given['dtype'].__name__}{list(shape)} instead of one picture, uint8[1, height, width, 3]"
            )
        self._in = given["index"]
        self.size = shape[1:3]
        self.id = f"{digest(path)} ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """The output without its first axis, as the model stores it. `pixels` has the model's `size`."""
        self._interpreter.set_tensor(self._in, pixels[None])
        self._interpreter.invoke()
        found: np.ndarray = self._interpreter.get_tensor(self._out["index"])[0]
        return found

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of the first output, without its first axis."""
        return tuple(map(int, self._out["shape"][1:]))
