"""What `image.walloc` and `audio.walloc` share: their models, found by path, name or id, steps, and the payload of latents.

payload = one of `features`: one item, channels, rows, columns; sound has a row for each place in time, of one column
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

NESTED = {"features": 0}
_MOST = 127
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


def check_step(step: float | None) -> None:
    """Whether options may have it; raises BadInput."""
    if step is not None and not 0.0625 <= step <= 4096:
        raise BadInput(f"step must be from 0.0625 to 4096 of the model's steps, not {step!r}")


def in_sixteenths(step: float | None) -> int | None:
    """As files have it."""
    return None if step is None else round(16 * step)


def step_of(header: Header) -> int:
    """In sixteenths of the model's; raises CorruptFile."""
    step = header.metadata.get("step")
    if type(step) is not int or not 1 <= step <= 1 << 16:
        raise CorruptFile("the header does not give the step of the latents")
    return step


def encode(latents: "Latents", session: Session = DEFAULT) -> bytes:
    """The payload of latents i8[K, ...]."""
    import numpy as np

    return embed("features", latents.reshape(_item(latents.shape)).astype(np.int32), session)


def decode(payload: bytes, shape: tuple[int, ...], header: Header, session: Session = DEFAULT) -> "Latents":
    """The latents i8[shape]; raises CorruptFile."""
    import numpy as np

    numbers = unembed("features", payload, _item(shape), header, session)
    if np.abs(numbers).max(initial=0) > _MOST:
        raise CorruptFile("it has latents that no encoder makes")
    return numbers.astype(np.int8).reshape(shape)


def _item(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, *shape, 1) if len(shape) == 2 else (1, *shape)


_KINDS = {"image": "picture", "audio": "sound"}


def _by_path(path: str | os.PathLike[str]) -> "Transform":
    model = _load(*model_files.as_it_is(path))
    _named[model.id] = Path(path).absolute()
    return model


@cache
def _load(path: str, changed: int, size: int) -> "Transform":
    from lacodec.models.walloc.transform import Transform

    return Transform.from_arrays(model_files.read_arrays(path))
