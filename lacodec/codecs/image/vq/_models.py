"""The models of codec `image.vq`: found by path or id, decoded once per process."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.codecs import model_files
from lacodec.errors import LacodecError, MissingDependency, MissingModel

if TYPE_CHECKING:
    from lacodec.models.vq.model import VectorModel

SHIPPED = Path(__file__).parent / "f16.lac"
_named: dict[bytes, Path] = {}  # by id, where models came from


def chosen(path: str | None) -> "VectorModel":
    """The model in a file, or the shipped one; raises BadInput, UnsupportedFile or CorruptFile."""
    return _by_path(SHIPPED if path is None else path)


def by_id(wanted: bytes) -> "VectorModel":
    """The model that a file was coded with: shipped, known to this process, or named by LACODEC_MODELS; raises MissingModel."""
    for path in [SHIPPED, *filter(None, [_named.get(wanted)]), *model_files.users_files()]:
        try:
            model = _by_path(path)
        except (LacodecError, OSError):
            if path == SHIPPED:
                raise
            continue  # a user's folder may hold other files
        if model.id == wanted:
            return model
    raise MissingModel(
        f"needs the model {wanted.hex()[:16]}..., which is not installed; set {model_files.VARIABLE} to its file or folder"
    )


def _by_path(path: str | os.PathLike[str]) -> "VectorModel":
    model = _load(*model_files.as_it_is(path))
    _named[model.id] = Path(path).absolute()
    return model


@cache
def _load(path: str, changed: int, size: int) -> "VectorModel":
    try:
        from lacodec.models.vq.model import unpack
    except ImportError as error:
        raise MissingDependency("codec image.vq needs torch; install it with: pip install 'lacodec[learned]'") from error

    return unpack(model_files.read_arrays(path))
