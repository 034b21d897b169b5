"""The tasks by name, and a user's own: (name, model) -> a `Task`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from lacodec.errors import BadInput
from lacodec.evaluation.perception.classification import Classification
from lacodec.evaluation.perception.faces import FaceIdentity
from lacodec.evaluation.perception.notes import Notes
from lacodec.evaluation.perception.ocr import Reading
from lacodec.evaluation.perception.segmentation import Segmentation
from lacodec.evaluation.perception.separation import Separation
from lacodec.evaluation.perception.speaker import SpeakerIdentity
from lacodec.evaluation.perception.speech import SpeechRecognition
from lacodec.evaluation.perception.speech_quality import SpeechQuality
from lacodec.evaluation.perception.task import Task
from lacodec.evaluation.perception.tesseract import TesseractReading

WITH_FILE: dict[str, Callable[[Path], Task]] = {
    "classification": Classification,
    "segmentation": Segmentation,
    "separation": Separation,
}
"""Tasks whose model is a file of the user's."""

MAYBE_FILE: dict[str, Callable[[Path | None], Task]] = {"speech": SpeechRecognition}
"""Tasks whose package holds the model, and that may be given a file: a grammar."""

WITH_PACKAGE: dict[str, Callable[[], Task]] = {
    "ocr": Reading,
    "ocr-tesseract": TesseractReading,
    "faces": FaceIdentity,
    "speaker": SpeakerIdentity,
    "speech-quality": SpeechQuality,
    "notes": Notes,
}
"""Tasks whose package holds the model."""


def task(name: str, model: str | None) -> Task:
    """The task called `name`. Raises BadInput when there is none, or `model` is missing or out of place; MissingDependency."""
    if name in WITH_FILE:
        if model is None:
            raise BadInput(f"task {name} needs the file of a model: --task-model FILE")
        return WITH_FILE[name](Path(model))
    if name in MAYBE_FILE:
        return MAYBE_FILE[name](None if model is None else Path(model))
    if name in WITH_PACKAGE:
        if model is not None:
            raise BadInput(f"task {name} has the model of its package; leave out --task-model")
        return WITH_PACKAGE[name]()
    raise BadInput(f"unknown task {name!r}; known tasks: {', '.join([*WITH_FILE, *MAYBE_FILE, *WITH_PACKAGE])}")


def own_task(reference: str) -> Task:
    """The `Task` that the function of `my_module:build` returns; the module is sought in the present folder first.

    Raises BadInput when it cannot be imported, or returns something else. Errors of the module's own pass through.
    """
    module_name, colon, function = reference.partition(":")
    if not colon or not module_name or not function:
        raise BadInput(f"--task-model {reference}: without --task, name a function that builds one, such as my_module:build")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise BadInput(f"--task-model {reference}: there is no module {module_name}") from error
    finally:
        sys.path.pop(0)
    build = getattr(module, function, None)
    if not callable(build):
        raise BadInput(f"--task-model {reference}: {module_name} has no function {function}")
    found = build()
    if not isinstance(found, Task):
        raise BadInput(
            f"--task-model {reference}: returned {type(found).__name__} instead of a lacodec.evaluation.perception.task.Task"
        )
    return found
