"""Identity of faces by dlib's networks: which faces of the undecoded are found again, and how near they are to themselves."""

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.perception.onnx import package_folder
from lacodec.evaluation.perception.task import Metric, Score, Task, missing

_INSTALL = "pip install 'lacodec[faces]'"
_SAME = 0.6  # distance up to which dlib takes two faces for one person's
_OVERLAP = 0.3  # intersection by union from which a box is that of the same face


class Face(NamedTuple):
    """A face: its box (left, top, right, bottom) and embedding, float64[128]."""

    box: tuple[int, int, int, int]
    embedding: np.ndarray


class FaceIdentity(Task):
    """uint8[height, width, 3] -> the faces in it, found by dlib's detector, told apart by its network (Davis King, 2017)."""

    name = "faces"
    kind = "pictures"
    metrics = (
        Metric("same", f"faces of the undecoded that are found again with a distance of at most {_SAME}", "share"),
        Metric("face-distance", "distance of a face that is found again from itself, mean over faces", "distance"),
        Metric("found", "faces of the undecoded that are found again", "share"),
    )

    def __init__(self) -> None:
        if importlib.util.find_spec("dlib") is None:
            raise missing("dlib, which knows faces,", _INSTALL)
        import dlib

        folder = (
            package_folder("face_recognition_models", "face_recognition_models, the networks for faces,", _INSTALL) / "models"
        )
        self._detect: Any = dlib.get_frontal_face_detector()
        self._landmarks: Any = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._network: Any = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
        self.how = "faces by dlib and face_recognition_models"
        self.id = f"faces dlib {dlib.__version__} {importlib.metadata.version('face_recognition_models')}"

    def answer(self, thing: np.ndarray) -> list[Face]:
        """The faces; small ones are found in the picture at twice its size."""
        pixels = np.ascontiguousarray(thing)
        found = []
        for box in self._detect(pixels, 1):
            shape = self._landmarks(pixels, box)
            embedding = np.array(self._network.compute_face_descriptor(pixels, shape))
            found.append(Face((box.left(), box.top(), box.right(), box.bottom()), embedding))
        return found

    def scores(self, original: list[Face], decoded: list[Face], label: str | None) -> Mapping[str, Score]:
        """All where the undecoded has faces; there are no labels."""
        if label is not None:
            raise BadInput("faces knows no labels, it is compared with the undecoded")
        if not original:
            return {}
        distances = []
        for face in original:
            near = [other for other in decoded if _overlap(face.box, other.box) >= _OVERLAP]
            if near:
                distances.append(min(float(np.linalg.norm(face.embedding - other.embedding)) for other in near))
        found = {
            "same": Score(float(sum(one <= _SAME for one in distances)), len(original)),
            "found": Score(float(len(distances)), len(original)),
        }
        if distances:
            found["face-distance"] = Score(sum(distances), len(distances))
        return found


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection by union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
