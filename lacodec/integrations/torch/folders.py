"""A checkpoint as a folder: shards, the index that says which tensor is where, and small files; each as it is or `.lac`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacodec import api
from lacodec.codecs.references import Reference
from lacodec.errors import BadInput, CorruptFile
from lacodec.integrations.torch.files import Tensor, named_tensors, require_device
from lacodec.pipeline.references import opened_references
from lacodec.pipeline.tensor_file import TensorFile

CODED = ".lac"
MAX_SMALL = 64 << 20
"""Bytes of an index or a configuration, at most."""

_USUAL = ("model.safetensors", "pytorch_model.bin")  # the first of which there are files counts
_INDEX = ".index.json"


def load_folder(
    folder: str | os.PathLike[str], device: Any = "cpu", *, threads: int | None = None, base: Any = None
) -> dict[str, Tensor]:
    """All tensors of a checkpoint by name, on `device`: of the shards that its index names, or of its only file of weights.

    Those are .safetensors files, or .bin files of PyTorch (which are not unpickled) where there are none.
    Every shard is opened, and every name looked up, before any is decoded. `base`: what the shards were stored as differences to:
    a folder, a file, or several. Raises BadInput for missing shards, CorruptFile for damaged ones and those that lack a tensor.
    """
    require_device(device)
    with opened_references(base) as bases:
        return _loaded(Path(folder), device, threads, bases)


def _loaded(folder: Path, device: Any, threads: int | None, bases: Sequence[Reference]) -> dict[str, Tensor]:
    shards = shards_of(folder)
    for path, names in shards.items():
        with TensorFile(path, base=bases) as file:
            named = file.named
            there = (file.entries.keys() - named.hidden) | named.tied.keys() | named.views.keys()
            lacking = sorted(set(names or ()) - there)
            if lacking:
                raise CorruptFile(
                    f"{path}: lacks the tensor {lacking[0]!r}, which the index lists for it ({len(lacking)} in all); "
                    "fetch this shard again"
                )
    found: dict[str, Tensor] = {}
    for path, names in shards.items():
        with TensorFile(path, base=bases) as file:
            made = named_tensors(file, device, threads)
        found |= made if names is None else {name: made[name] for name in names}
    return found


def shards_of(folder: Path) -> dict[Path, list[str] | None]:
    """The files with tensors, in the order of the index, each with the names that it must have (None: all that it has)."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: is not a folder; use load_file for a single file")
    present = sorted({path.name.removesuffix(CODED) for path in folder.iterdir() if path.is_file()})
    for usual in _USUAL:
        suffix = Path(usual).suffix
        indexes = [name for name in present if name.endswith(suffix + _INDEX)]
        weights = [name for name in present if name.endswith(suffix)]
        if indexes or weights:
            break
    index = usual + _INDEX if usual + _INDEX in indexes else indexes[0] if len(indexes) == 1 else None
    if index is None and indexes:
        raise BadInput(f"{folder}: has several indexes ({', '.join(indexes)}); keep only the right one")
    if index is None:
        single = usual if usual in weights else weights[0] if len(weights) == 1 else None
        if single is None:
            raise BadInput(f"{folder}: has {len(weights)} {suffix} files but no index; give one file, or add the index")
        return {find(folder, single): None}
    shards: dict[Path, list[str] | None] = {}
    for shard, names in _weight_map(folder, index).items():
        try:
            shards[find(folder, shard)] = names
        except BadInput as error:
            raise BadInput(
                f"{folder}: {index} names the shard {shard!r}, which is missing; fetch it, or the whole checkpoint"
            ) from error
    return shards


def find(folder: Path, name: str) -> Path:
    """The file of this name in a folder, coded or not; raises BadInput when there is neither."""
    for path in folder / f"{name}{CODED}", folder / name:
        if path.is_file():
            return path
    raise BadInput(f"{folder}: has neither {name} nor {name}{CODED}")


def read_small(folder: Path, name: str) -> bytes:
    """The bytes of a small file in a folder, decoded if need be."""
    path = find(folder, name)
    if path.suffix == CODED:
        data = api.decode(path, max_size=MAX_SMALL)
        if not isinstance(data, bytes):
            raise CorruptFile(f"{path}: should hold {name} but holds something else")
        return data
    if path.stat().st_size > MAX_SMALL:
        raise BadInput(f"{path}: is larger than {MAX_SMALL >> 20} MiB")
    return path.read_bytes()


def _weight_map(folder: Path, index: str) -> dict[str, list[str]]:
    """Names of tensors by shard."""
    try:
        found = json.loads(read_small(folder, index))["weight_map"]
        pairs = list(found.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFile(f"{folder / index}: is not the index of a checkpoint: it has no valid weight_map ({error})") from error
    shards: dict[str, list[str]] = {}
    for name, shard in pairs:
        if not isinstance(shard, str) or shard != Path(shard).name or shard in ("", ".", ".."):
            raise CorruptFile(
                f"{folder / index}: puts {name[:200]!r} in {str(shard)[:80]!r}, which is not the name of a file in this folder"
            )
        shards.setdefault(shard, []).append(name)
    return shards
