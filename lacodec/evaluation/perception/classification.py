"""Image classification by MobileNet v2, another TensorFlow Lite model or EfficientNet: agreement of classes and probabilities."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.perception import efficientnet
from lacodec.evaluation.perception.task import Metric, Score, Task
from lacodec.evaluation.perception.tflite import PictureModel

_CENTRE = 0.875  # of each side: how the published accuracies of MobileNet are measured
_STEPS = 256  # between the probabilities 0 and 1 of quantised models


class Classifier(Protocol):
    """A picture of the `size` (height, width), uint8[height, width, 3] -> probabilities float64[classes] above 0, which sum to 1.

    `how`: in words. `id`: changes with the weights and the package's version.
    """

    size: tuple[int, int]
    how: str
    id: str

    def __call__(self, pixels: np.ndarray) -> np.ndarray: ...


class Quantised:
    """A classifier that is a TensorFlow Lite file.

    Its probabilities are multiples of 1/256, most of them 0; one such step is spread over all classes, so that KL is finite.
    """

    def __init__(self, model: Path) -> None:
        self._model = PictureModel(model)
        if len(self._model.output_shape) != 1:
            raise BadInput(f"{model}: gives {list(self._model.output_shape)} figures instead of one for each class")
        self.size = self._model.size
        self.how = f"{model.name} (ai-edge-litert)"
        self.id = self._model.id

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        found = self._model(pixels).astype(np.float64)
        smooth = found / found.sum() + 1 / (_STEPS * len(found))
        return np.asarray(smooth / smooth.sum())


class Classification(Task):
    """uint8[height, width, 3] -> probabilities float64[classes].

    The centre of the picture (7/8 of each side) is resized to the model's input without regard to its shape, as in the evaluation
    that came with MobileNet. The model is a TensorFlow Lite file, or "efficientnet-lite0".
    """

    name = "classification"
    kind = "pictures"
    metrics = (
        Metric("top-1", "pictures whose first class is that of the undecoded", "share"),
        Metric("kl", "KL divergence from the undecoded's class probabilities, in nats, mean over pictures", "distance"),
        Metric("accuracy", "pictures whose first class is the label's", "share"),
    )

    def __init__(self, model: Path) -> None:
        self._model: Classifier = efficientnet.EfficientNet() if str(model) == efficientnet.NAME else Quantised(model)
        self.how = f"classes by {self._model.how}, centre of {_CENTRE:g} of each side"
        self.id = f"classification {self._model.id}"

    def answer(self, thing: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, which sum to 1."""
        from PIL import Image

        height, width = thing.shape[:2]
        edge = (1 - _CENTRE) / 2
        box = (width * edge, height * edge, width * (1 - edge), height * (1 - edge))
        rows, columns = self._model.size
        picture = Image.fromarray(thing).resize((columns, rows), Image.Resampling.BILINEAR, box)
        return self._model(np.asarray(picture))

    def scores(self, original: np.ndarray, decoded: np.ndarray, label: str | None) -> Mapping[str, Score]:
        """Top-1 and KL; accuracy with a label, which is the number of a class, from 0."""
        found = {
            "top-1": Score(float(original.argmax() == decoded.argmax()), 1),
            "kl": Score(max(0.0, float(np.sum(original * np.log(original / decoded)))), 1),
        }
        if label is not None:
            if not label.isdigit() or int(label) >= len(decoded):
                raise BadInput(f"label {label!r} is no class of this model: 0 to {len(decoded) - 1}")
            found["accuracy"] = Score(float(int(decoded.argmax()) == int(label)), 1)
        return found
