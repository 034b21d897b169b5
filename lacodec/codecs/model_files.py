"""Weights of learned image codecs: found by profile, path or id, decoded once per process.

A model file is a `.lac` file of codec `weights`, as `lacodec train` writes. Shipped ones are in the
codec's folder as `<profile>.lac`; others are searched in the folders and files that LACODEC_MODELS names.
"""

import hashlib
import json
import math
import os
import re
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, LacodecError, MissingDependency, MissingModel, UnsupportedFile
from lacodec.kernels.store import store

if TYPE_CHECKING:
    from lacodec.models.image.model import ImageModel

VARIABLE = "LACODEC_MODELS"
DEVICE = "LACODEC_DEVICE"
"""The device of decoders unless the session sets it: "cpu" (the default), "cuda" or "cuda:1"."""
_SHIPPED = Path(__file__).parent / "image" / "learned"
_USUAL = "free"  # the profile of most files: no other model is loaded to decode them
_FOLDER, _REMEMBERED = "models-1", 1 << 26
"""Where decoded models are kept, in the folder of the kernels, and bytes of a model file up to which they are."""
_lock = threading.Lock()
_named: dict[bytes, Path] = {}  # by id, where models came from


@dataclass(frozen=True)
class LoadedModel:
    """A network in mode EXACT and the id of its arrays."""

    network: "ImageModel"
    id: bytes


def shipped() -> dict[str, Path]:
    """Profile -> file, of the models that come with the package."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.lac"))}


def by_profile(profile: str) -> LoadedModel:
    """A shipped model; raises MissingModel."""
    path = shipped().get(profile)
    if path is None:
        there = ", ".join(shipped()) or "none"
        raise MissingModel(
            f"no model of profile {profile!r} comes with this version (available: {there}); "
            "name a file of your own with --model PATH, in Python model=PATH"
        )
    return by_path(path)


def by_path(path: str | os.PathLike[str], device: str = "cpu") -> LoadedModel:
    """The model in a file, on a device; raises BadInput when it cannot be read, CorruptFile when it is damaged."""
    place = as_it_is(path)
    with _lock:  # so that threads do not load the same model twice
        loaded = _load(*place, device)
        _named[loaded.id] = Path(path).absolute()
        return loaded


def chosen(profile: str, path: str | None) -> LoadedModel:
    """The user's own model, or the shipped one of a profile."""
    return by_profile(profile) if path is None else by_path(path)


def by_id(wanted: bytes, device: str | None = None) -> LoadedModel:
    """The model that a file was coded with: a shipped one, one that LACODEC_MODELS names, or one that this process has loaded.

    Without the last, nothing coded with `--model` could be checked right after. Raises MissingModel.

    device: "cpu", "cuda" or "cuda:1"; None for the one in LACODEC_DEVICE. Raises BadInput if it does not exist.
    """
    device = _device(device)
    usual_first = sorted(shipped().values(), key=lambda path: path.stem != _USUAL)
    for path in [*usual_first, *users_files(), *filter(None, [_named.get(wanted)])]:
        try:
            loaded = by_path(path, device)
        except (LacodecError, OSError):
            if path.parent == _SHIPPED:
                raise
            continue  # a user's folder may hold other files
        if loaded.id == wanted:
            return loaded
    raise MissingModel(f"needs the model {wanted.hex()[:16]}..., which is not installed; set {VARIABLE} to its file or folder")


def _device(wanted: str | None) -> str:
    device = wanted or os.environ.get(DEVICE) or "cpu"
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", device):
        raise BadInput(f"device must be cpu, cuda or a numbered device such as cuda:1, not {device!r}")
    if device != "cpu":
        torch = _torch()
        there = torch.cuda.device_count()
        if (torch.device(device).index or 0) >= there:
            raise BadInput(f"device {device!r} is not available: torch sees {there} CUDA devices; use cpu")
    return device


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependency("codec image.learned needs torch; install it with: pip install 'lacodec[learned]'") from error
    return torch


def as_it_is(path: str | os.PathLike[str]) -> tuple[str, int, int]:
    """(absolute path, time of the last change, bytes), by which a model that was loaded is kept; raises BadInput."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise BadInput(f"{os.fspath(path)}: cannot be read ({error.strerror}); give the path of a model file") from error
    return os.path.abspath(path), stat.st_mtime_ns, stat.st_size


def users_files() -> list[Path]:
    """The files that LACODEC_MODELS names, or that are in its folders."""
    found = []
    for name in os.environ.get(VARIABLE, "").split(os.pathsep):
        path = Path(name)
        if name and path.is_dir():
            found += sorted([*path.glob("*.lac"), *path.glob("*.npz")])
        elif name:
            found.append(path)
    return found


@cache
def _load(path: str, changed: int, size: int, device: str) -> LoadedModel:
    _torch()
    from lacodec.models.image.model import model_id, unpack

    arrays = read_arrays(path)
    return LoadedModel(unpack(arrays, device), model_id(arrays))


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The arrays of a model file (or of an .npz file with the same arrays); raises UnsupportedFile or CorruptFile."""
    if os.fspath(path).endswith(".npz"):
        return _read_npz(path)
    if os.path.getsize(path) > _REMEMBERED:
        return _decoded(path)
    with open(path, "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()
    kept = store()
    arrays = _unpacked(kept.read(f"{_FOLDER}/{key}")) if kept else None
    if arrays is None:
        arrays = _decoded(path)
        if kept:
            kept.write(f"{_FOLDER}/{key}", _packed(arrays))
    elif kept:
        kept.use(_FOLDER)
    return arrays


def _packed(arrays: dict[str, Any]) -> bytes:
    """Decoded arrays as they are cached with the kernels: hash of the rest, a line that describes them, their bytes."""
    head = json.dumps([(name, array.dtype.str, array.shape) for name, array in arrays.items()]).encode()
    data = b"".join([head, b"\n", *(array.tobytes() for array in arrays.values())])
    return hashlib.sha256(data).digest() + data


def _unpacked(kept: bytes | None) -> dict[str, Any] | None:
    import numpy as np

    if kept is None or hashlib.sha256(kept[32:]).digest() != kept[:32]:
        return None
    arrays, at = {}, kept.index(b"\n", 32) + 1
    for name, dtype, shape in json.loads(kept[32:at]):
        count = math.prod(shape)
        arrays[name] = np.frombuffer(kept, dtype, count, at).reshape(shape)
        at += count * np.dtype(dtype).itemsize
    return arrays


def _decoded(path: str | os.PathLike[str]) -> dict[str, Any]:
    from lacodec.codecs.weights.codec import Weights
    from lacodec.container import Limits, stream
    from lacodec.io.source import FileSource
    from lacodec.media.tensors.files import TENSORS

    codec = Weights()
    with FileSource(path) as source:
        header, chunks = stream(source, Limits(max_size=1 << 30))
        if header.codec != codec.name or not codec.decodes(header.stream_version):
            raise UnsupportedFile(f"{os.fspath(path)}: is a .lac file of codec {header.codec!r}, not a model; give a model file")
        parts = (codec.decode_chunk(header, chunk) for chunk in chunks if chunk.covers)
        arrays = TENSORS.to_object(codec.assemble(header, parts))
    if not isinstance(arrays, dict):
        raise UnsupportedFile(f"{os.fspath(path)}: holds one array, not a model; give a model file")
    return arrays


def _read_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnsupportedFile(f"{os.fspath(path)}: cannot be read as a model ({error}); give a model file") from error
