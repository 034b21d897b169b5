"""What `image.walloc` and `audio.walloc` share: their models, found by path, name or id, and the payload of latents.

payload = one of `image.lossless` of a gray picture: the rows of channel 0, those of channel 1 ...; a latent of 0 is 128
"""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.codecs import model_files
from lacodec.codecs.embedded import embed, unembed
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel

if TYPE_CHECKING:
    from lacodec.models.walloc.transform import Latents, Transform

NESTED = {"image.lossless": 1, "bytes": 2}
_MIDDLE = 128
_named: dict[bytes, Path] = {}  # by id, where models came from


def shipped(kind: str) -> dict[str, Path]:
    """Name -> file, of the models of codec `<kind>.walloc` that come with the package."""
    return {path.stem: path for path in sorted((Path(__file__).parent / kind / "walloc").glob("*.lac"))}


def chosen(kind: str, name: str, path: str | None) -> "Transform":
    """The model in a file, or a shipped one; raises BadInput, UnsupportedFile or CorruptFile."""
    found = shipped(kind)
    if path is None and name not in found:
        raise BadInput(
            f"{name!r} is not one of the models that come with lacodec: {', '.join(found)}; or name a file with --model"
        )
    model = _by_path(path or found[name])
    if model.kind != _KINDS[kind]:
        raise BadInput(f"{path}: is a model for another kind of data")
    return model


def by_id(kind: str, wanted: bytes) -> "Transform":
    """The model that a file was coded with: shipped, known to this process, or named by LACODEC_MODELS; raises MissingModel."""
    own = list(shipped(kind).values())
    for path in [*own, *filter(None, [_named.get(wanted)]), *model_files.users_files()]:
        try:
            model = _by_path(path)
        except (LacodecError, OSError):
            if path in own:
                raise
            continue  # a user's folder may hold other files
        if model.id == wanted and model.kind == _KINDS[kind]:
            return model
    raise MissingModel(
        f"needs the model {wanted.hex()[:16]}..., which is not installed; set {model_files.VARIABLE} to its file or folder"
    )


def encode(latents: "Latents", effort: int, session: Session = DEFAULT) -> bytes:
    """The payload of latents i8[K, ...]."""
    import numpy as np

    gray = (latents.astype(np.int16) + _MIDDLE).astype(np.uint8)
    return embed("image.lossless", (gray.reshape(-1, latents.shape[-1], 1), 8), session, effort=effort)


def decode(payload: bytes, shape: tuple[int, ...], header: Header, session: Session = DEFAULT) -> "Latents":
    """The latents i8[shape]; raises CorruptFile."""
    import numpy as np

    rows = 1
    for size in shape[:-1]:
        rows *= size
    gray = unembed("image.lossless", payload, ((rows, shape[-1], 1), 8), header, session)
    latents = (gray.astype(np.int16) - _MIDDLE).astype(np.int8).reshape(shape)
    if (latents == -_MIDDLE).any():
        raise CorruptFile("it has latents that no encoder makes")
    return latents


_KINDS = {"image": "picture", "audio": "sound"}


def _by_path(path: str | os.PathLike[str]) -> "Transform":
    model = _load(*model_files.as_it_is(path))
    _named[model.id] = Path(path).absolute()
    return model


@cache
def _load(path: str, changed: int, size: int) -> "Transform":
    from lacodec.models.walloc.transform import Transform

    return Transform.from_arrays(model_files.read_arrays(path))
