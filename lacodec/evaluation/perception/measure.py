"""What coding costs a model: (task, settings, files) -> a `Measured`: real bytes, and scores of each file at each setting.

thing --setting.encode--> a file --setting.decode--> decoded --task.answer--> compared with the answer to the thing, and the label
"""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.errors import BadInput, LacodecError
from lacodec.evaluation.audio.sound import Sound, read_sound
from lacodec.evaluation.perception.kept import Kept, Sample
from lacodec.evaluation.perception.settings import Setting
from lacodec.evaluation.perception.task import Kind, Task
from lacodec.evaluation.rate_distortion import read_rgb


@dataclass(frozen=True)
class File:
    """A measured file: its pixels or seconds; the undecoded against itself; a sample for each setting."""

    name: str
    extent: float
    original: Sample
    samples: list[Sample]


@dataclass(frozen=True)
class Measured:
    """The files that were measured at all settings, and what could not be."""

    files: list[File]
    problems: list[str]


def read(path: Path, kind: Kind) -> Any:
    """The picture (8-bit RGB) or the sound in a file; raises BadInput and the errors of reading."""
    return read_rgb(path) if kind == "pictures" else read_sound(path)


def is_picture(path: Path) -> bool:
    """Whether Pillow takes a file for a picture, by its first bytes."""
    from PIL import Image

    try:
        with Image.open(path):
            return True
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def is_sound(path: Path) -> bool:
    """Whether a file is a sound that we read, by its first bytes."""
    from lacodec.media.audio.files import AUDIO

    with path.open("rb") as file:
        return AUDIO.sniff(file.read(12))


def is_mono(paths: Sequence[Path]) -> bool:
    """Whether all sounds that can be read have one channel."""
    import soundfile

    channels = set()
    for path in paths:
        try:
            channels.add(soundfile.info(path).channels)
        except soundfile.SoundFileError:  # which is told when it is read
            continue
    return channels == {1}


def measure(
    task: Task,
    settings: Sequence[Setting],
    paths: Sequence[Path],
    labels: Mapping[str, str],
    kept: Kept,
    on_step: Callable[[Path, int], None] = lambda path, done: None,
) -> Measured:
    """The task on every file at every setting; `labels` by file name; `on_step` hears how many settings are done, from 0.

    A file that cannot be read, or that a codec fails on, is left out, and `problems` says why. Raises BadInput when none is left.
    """
    files, problems = [], []
    for path in paths:
        try:
            files.append(_measured(task, settings, path, labels.get(path.name), kept, on_step))
        except LacodecError as error:
            problems.append(str(error))
    if not files:
        raise BadInput("; ".join(problems) or "nothing to measure")
    return Measured(files, problems)


def _measured(
    task: Task, settings: Sequence[Setting], path: Path, label: str | None, kept: Kept, on_step: Callable[[Path, int], None]
) -> File:
    on_step(path, 0)
    thing = read(path, task.kind)
    asked = _Asked(task, thing, label, kept)
    samples = []
    for done, setting in enumerate(settings, 1):
        try:
            samples.append(asked.about(setting))
        except LacodecError as error:
            raise BadInput(f"{path.name} left out: {setting.method}, {setting.label}: {error}") from error
        on_step(path, done)
    extent = thing.seconds if isinstance(thing, Sound) else float(thing.shape[0] * thing.shape[1])
    return File(path.name, extent, asked.about(None), samples)


class _Asked:
    """The task on one thing; the model sees the undecoded only when something is not known yet."""

    def __init__(self, task: Task, thing: Any, label: str | None, kept: Kept) -> None:
        self._task, self._thing, self._label, self._kept = task, thing, label, kept
        self._hash = _hash(thing)
        self._answer: list[Any] = []

    def about(self, setting: Setting | None) -> Sample:
        """At a setting; None is the undecoded, whose size is not asked for."""
        key = self._kept.key(self._task, setting, self._hash, self._label)
        known = self._kept.get(key)
        if known is None:
            known = self._new(setting)
            self._kept.put(key, known)
        return known

    def _new(self, setting: Setting | None) -> Sample:
        if not self._answer:
            self._answer.append(self._task.answer(self._thing))
        original = self._answer[0]
        if setting is None:
            return Sample(0, dict(self._task.scores(original, original, self._label)))
        try:
            data = setting.encode(self._thing)
            decoded = setting.decode(data, self._thing)
        except LacodecError:
            raise
        except Exception as error:  # every library has its own errors; all are reported
            raise BadInput(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
        return Sample(len(data), dict(self._task.scores(original, self._task.answer(decoded), self._label)))


def _hash(thing: Any) -> str:
    out = io.BytesIO()
    array, rate = (thing.samples, thing.rate) if isinstance(thing, Sound) else (thing, 0)
    np.save(out, array, allow_pickle=False)
    return hashlib.sha256(f"{rate} ".encode() + out.getbuffer()).hexdigest()[:32]
