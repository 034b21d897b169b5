"""Circuits, found by path or id and ready for the kernel; decoded once per process."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.codecs import model_files
from lacodec.errors import LacodecError, MissingModel

if TYPE_CHECKING:
    from lacodec.models.circuits.circuit import Circuit

_named: dict[bytes, Path] = {}  # by id, where circuits came from


def by_path(path: str | os.PathLike[str] | None) -> "Circuit":
    """The circuit in a model file; raises MissingModel without one, BadInput, UnsupportedFile or CorruptFile."""
    if path is None:
        raise MissingModel(
            "codec image.pc needs a circuit for pictures of this kind: train one with lacodec train pc, and name it "
            "with --model PATH, in Python model=PATH"
        )
    circuit = _load(*model_files.as_it_is(path))
    _named[circuit.id] = Path(path).absolute()
    return circuit


def by_id(wanted: bytes) -> "Circuit":
    """The circuit that a file was coded with: one that this process has loaded, or one that LACODEC_MODELS names.

    Raises MissingModel.
    """
    for path in [*filter(None, [_named.get(wanted)]), *model_files.users_files()]:
        try:
            circuit = by_path(path)
        except (LacodecError, OSError):
            continue  # a user's folder may hold other files
        if circuit.id == wanted:
            return circuit
    raise MissingModel(
        f"needs the circuit {wanted.hex()[:16]}..., which is not known here; set {model_files.VARIABLE} to its file or folder"
    )


@cache
def _load(path: str, changed: int, size: int) -> "Circuit":
    from lacodec.models.circuits.circuit import checked

    return checked(model_files.read_arrays(path), path)
