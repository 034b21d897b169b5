"""Semantic segmentation by a TensorFlow Lite model, such as DeepLab v3 of Pascal VOC: agreement of maps of classes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.perception.task import Metric, Score, Task
from lacodec.evaluation.perception.tflite import PictureModel

_GREY = 127  # what DeepLab sees beyond a picture


class Segmentation(Task):
    """uint8[height, width, 3] -> the class of each pixel at the model's resolution, int64[rows, columns].

    The picture is resized to fit the model's input in its own shape, and grey fills the rest, which is not scored.
    """

    name = "segmentation"
    kind = "pictures"
    metrics = (
        Metric("miou", "intersection by union with the undecoded's map, mean over the classes of both, then pictures", "share"),
        Metric("pixels", "pixels of the undecoded's class", "share"),
    )

    def __init__(self, model: Path) -> None:
        self._model = PictureModel(model)
        if len(self._model.output_shape) not in (2, 3):
            raise BadInput(f"{model}: gives {list(self._model.output_shape)} figures instead of a map of classes")
        self.how = f"maps of classes by {model.name} (ai-edge-litert)"
        self.id = f"segmentation {self._model.id}"

    def answer(self, thing: np.ndarray) -> np.ndarray:
        """The map of the picture's part of the input."""
        from PIL import Image

        rows, columns = self._model.size
        scale = min(rows / thing.shape[0], columns / thing.shape[1])
        height, width = (max(1, round(side * scale)) for side in thing.shape[:2])
        canvas = np.full((rows, columns, 3), _GREY, np.uint8)
        canvas[:height, :width] = np.asarray(Image.fromarray(thing).resize((width, height), Image.Resampling.BILINEAR))
        found = self._model(canvas)
        classes = found.argmax(axis=2) if found.ndim == 3 else found
        # A map may be coarser than the input.
        y, x = (
            -(-side * part // whole) for side, part, whole in zip(classes.shape, (height, width), (rows, columns), strict=True)
        )
        return classes[:y, :x].astype(np.int64)

    def scores(self, original: np.ndarray, decoded: np.ndarray, label: str | None) -> Mapping[str, Score]:
        """Both metrics; there are no labels."""
        if label is not None:
            raise BadInput("segmentation knows no labels, it is compared with the undecoded")
        overlaps = []
        for each in np.union1d(original, decoded):
            first, second = original == each, decoded == each
            overlaps.append(np.sum(first & second) / np.sum(first | second))
        return {"miou": Score(float(np.mean(overlaps)), 1), "pixels": Score(float(np.mean(original == decoded)), 1)}
