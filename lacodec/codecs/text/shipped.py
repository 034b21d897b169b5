"""Language models of text: the one that comes with the package, and files of your own, found by path or id."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lacodec.codecs import model_files
from lacodec.errors import BadInput, LacodecError, MissingModel
from lacodec.models.text.language import Language, language

SHIPPED = Path(__file__).with_name("small.lac")
_named: dict[bytes, Path] = {}  # by id, where models came from


@dataclass(frozen=True)
class LoadedLanguage:
    """A model ready for the kernels, the SHA-256 of its arrays, and the bytes of its file."""

    language: Language
    id: bytes
    size: int


def by_path(path: str | os.PathLike[str]) -> LoadedLanguage:
    """The model in a file; raises BadInput when it cannot be read, CorruptFile when it is damaged or something else."""
    place = model_files.as_it_is(path)
    if os.path.isdir(path):
        raise BadInput(f"{os.fspath(path)}: is a folder without the config.json of a model; give a file of lacodec train text")
    loaded = _load(*place)
    _named[loaded.id] = Path(path).absolute()
    return loaded


def by_id(beginning: bytes) -> LoadedLanguage:
    """The model whose id begins so: the shipped one, one that this process has loaded, or one that LACODEC_MODELS names.

    Raises MissingModel.
    """
    for path in [SHIPPED, *_named.values(), *model_files.users_files()]:
        try:
            loaded = by_path(path)
        except (LacodecError, OSError):
            if path == SHIPPED:
                raise
            continue  # a user's folder may hold other files
        if loaded.id.startswith(beginning):
            return loaded
    raise MissingModel(
        f"needs the language model {beginning.hex()}..., which is not installed; set {model_files.VARIABLE} to its file or folder"
    )


@cache
def _load(path: str, changed: int, size: int) -> LoadedLanguage:
    arrays = model_files.read_arrays(path)
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return LoadedLanguage(language(arrays), digest.digest(), size)
