"""Tensors of torch in and out of `.lac` files, with the names and arguments of `safetensors.torch`."""

import importlib.util
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lacodec import api
from lacodec.errors import BadInput, MissingDependency, UnsupportedFile
from lacodec.io.output import atomic_file
from lacodec.media.tensors import safetensors
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.forms import dtype_of, restored, shape_of
from lacodec.media.tensors.memory import torch_name
from lacodec.media.tensors.torch_objects import View
from lacodec.media.tensors.value import DTYPES, TensorEntry, as_array
from lacodec.pipeline.tensor_file import TensorFile

Tensor = Any  # torch.Tensor, which mypy does not follow
Path_ = str | os.PathLike[str]


def require_device(device: Any) -> None:
    """Raise BadInput for a device that torch does not have on this machine."""
    torch = require_torch()
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise BadInput(
            f"device {str(device)!r} cannot be used on this machine ({reason[:200]}); device='cpu' always works"
        ) from error


def require_torch() -> Any:
    """The module torch; raises MissingDependency without it."""
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(f"torch tensors need torch ({error}); install lacodec[learned]") from error
    return torch


def load_file(filename: Path_, device: Any = "cpu", *, threads: int | None = None, base: Any = None) -> dict[str, Tensor]:
    """All tensors of a file by name, on `device`: of a `.lac` file, or a plain safetensors, npz, GGUF or PyTorch file.

    Tied weights of a PyTorch checkpoint are one tensor under several names; other tensors that share memory there, such as parts
    of others, are separate copies. `threads`: how many decode, by default one per core. On other devices than the CPU at most
    one tensor more is in memory, or on CUDA devices, which decode themselves, some hundred MB. `base`: the file that this one was
    saved as differences to: a path, an open Source, or several; it is read where something refers to it.
    Raises LacodecError: damaged file, no tensors, one that cannot be had (sparse, quantised, of a type that torch does not have),
    a base that is missing.
    """
    require_device(device)
    with TensorFile(filename, base=base) as file:
        return named_tensors(file, device, threads)


def save_file(
    arrays: Mapping[str, Any],
    filename: Path_,
    metadata: Mapping[str, str] | None = None,
    *,
    threads: int | None = None,
    **options: Any,
) -> None:
    """Write tensors (of torch, on any device, or numpy arrays) as the file that safetensors would write, coded by `weights`.

    A name that ends in ".safetensors" gives that file itself. An existing file is replaced. `options` are the codec's, such as
    effort=9, or base="other.safetensors" for differences to that file. Tensors that share memory are written separately.
    Raises BadInput, LacodecError.
    """
    if not isinstance(arrays, Mapping):
        raise BadInput(f"a {type(arrays).__name__} is not a dict of tensors; pass names too, as in model.state_dict()")
    value = safetensors.virtual(arrays, metadata)
    if Path(filename).suffix == ".safetensors":
        if options:
            raise BadInput(
                f"{filename}: a plain safetensors file has no option {', '.join(options)}; use a name in .lac, or save_coded"
            )
        with atomic_file(Path(filename), force=True) as out:
            for block in TENSORS.to_blocks(value):
                out.write(block)
        return
    api.encode_file(value.source, filename, "weights", threads=threads, force=True, **options)


class SafeOpen:
    """`safetensors.safe_open` for `.lac` files and plain ones: a context manager that decodes on demand."""

    def __init__(self, filename: Path_, framework: str = "pt", device: Any = "cpu", *, base: Any = None) -> None:
        """framework: "pt" for tensors of torch, "np" for numpy arrays; base: as for `load_file`.

        Raises LacodecError if the file cannot be opened.
        """
        if framework not in ("pt", "torch", "pytorch", "np", "numpy"):
            raise BadInput(f"framework {framework!r} is not supported; use 'pt' or 'np'")
        self._torch = framework[0] == "p" or framework == "torch"
        if self._torch:
            require_device(device)
        self._device = device
        self._file = TensorFile(filename, base=base)

    def keys(self) -> list[str]:
        """The names, sorted; raises UnsupportedFile, which names the tensor, if one cannot be read."""
        return sorted(self.offset_keys())

    def offset_keys(self) -> list[str]:
        """The names in the order of the file, which is the quickest to read."""
        named = self._file.named
        return [name for name in self._file.entries if name not in named.hidden] + [*named.views, *named.tied]

    def metadata(self) -> dict[str, str] | None:
        """The text by name that a safetensors file carries, None without."""
        return self._file.metadata()

    def get_tensor(self, name: str) -> Tensor:
        """One tensor; reads only its chunks. Raises BadInput for unknown names."""
        view = self._view(name)
        if view is not None:
            return viewed(self._file, view, self._device) if self._torch else self._file.array(view)
        entry = self._entry(name)
        return self._made(entry, entry.shape, self._file.data(entry))

    def get_slice(self, name: str) -> "Slice":
        """A tensor that is read when it is indexed."""
        view = self._view(name)
        if view is not None:
            return Slice(self, TensorEntry(name, view.dtype, view.shape, 0, 0), has_rows=False)
        entry = self._entry(name)
        form = {} if self._torch else self._file.form(entry.name)
        return Slice(self, replace(entry, shape=shape_of(entry, form)), has_rows="shape" not in form)

    def _view(self, name: str) -> View | None:
        """The tensor of this name, if it is not an entry."""
        if self._file.format != "torch":
            return None
        try:
            return self._file.named.views.get(name)
        except UnsupportedFile:
            if name not in self._file.entries:
                raise
            return None  # another tensor cannot be read

    def _entry(self, name: str) -> TensorEntry:
        if name not in self._file.entries and self._file.format == "torch":
            name = self._file.named.tied.get(name, name)
        entry = self._file.entry(name)
        if self._torch:
            require_plain(self._file, entry)
        return entry

    def rows(self, entry: TensorEntry, start: int, stop: int) -> Tensor:
        """Rows of a tensor in C order whose rows are whole bytes."""
        row = entry.size // entry.shape[0]
        return self._made(entry, (stop - start, *entry.shape[1:]), self._file.data(entry, start * row, stop * row))

    def _made(self, entry: TensorEntry, shape: tuple[int, ...], data: np.ndarray) -> Tensor:
        if self._torch:
            return to_tensor(TensorEntry(entry.name, entry.dtype, shape, 0, data.size, entry.order), data, self._device)
        form = {key: value for key, value in self._file.form(entry.name).items() if key in ("dtype", "shape")}
        return restored(as_array(entry.dtype, shape, data, entry.order), entry, form)

    def __enter__(self) -> "SafeOpen":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Slice:
    """A tensor of an open file; indexing it reads the rows that the first index names, and applies the rest to them."""

    def __init__(self, file: SafeOpen, entry: TensorEntry, has_rows: bool = True) -> None:
        """has_rows: whether rows may be read separately."""
        self._file, self._entry, self._has_rows = file, entry, has_rows

    def get_shape(self) -> list[int]:
        """Its shape."""
        return list(self._entry.shape)

    def get_dtype(self) -> str:
        """Its type as safetensors calls it, such as "BF16"."""
        return self._entry.dtype

    def __getitem__(self, key: Any) -> Tensor:
        entry = self._entry
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        rows = self._has_rows and entry.order == "C" and entry.shape and entry.shape[0] and entry.size % entry.shape[0] == 0
        if not rows or not isinstance(first, slice) or first.step not in (None, 1):
            return self._file.get_tensor(entry.name)[key]
        start, stop, _ = first.indices(entry.shape[0])
        found = self._file.rows(entry, start, max(start, stop))
        return found[(slice(None), *rest)] if rest else found


def named_tensors(file: TensorFile, device: Any, threads: int | None) -> dict[str, Tensor]:
    """All tensors of a file by all their names, on `device`; raises UnsupportedFile for one that cannot be had."""
    named = file.named  # reports errors before anything is decoded
    for entry in file.entries.values():
        require_plain(file, entry)
    found = all_tensors(file, device, threads)
    views = {name: viewed(file, view, device) for name, view in named.views.items()}
    tied = {name: found[known] for name, known in named.tied.items()}
    return {name: tensor for name, tensor in found.items() if name not in named.hidden} | views | tied


def require_plain(file: TensorFile, entry: TensorEntry) -> None:
    """Raise UnsupportedFile for an array of a type that torch does not have: records, text, times."""
    form = file.form(entry.name)
    if "dtype" in form and form.get("is") != "torch":
        dtype = dtype_of(entry, form)
        if dtype.newbyteorder("<") != as_array(entry.dtype, (0,), b"").dtype:
            raise UnsupportedFile(
                f"{file.path}: tensor {entry.name[:200]!r} is an array of {dtype}, which torch does not support; "
                "lacodec.decode or open return it as a numpy array"
            )


def all_tensors(file: TensorFile, device: Any, threads: int | None) -> dict[str, Tensor]:
    """The tensors of a file by name, on `device`; decoded there, where that is possible."""
    if file.for_device and has_kernels(device):
        return {entry.name: shaped(entry, data) for entry, data in file.all_on(device, threads)}
    return {entry.name: to_tensor(entry, data, device) for entry, data in file.all(threads)}


def has_kernels(device: Any) -> bool:
    """Whether Triton's kernels run on this device of torch."""
    return require_torch().device(device).type == "cuda" and importlib.util.find_spec("triton") is not None


def to_tensor(entry: TensorEntry, data: np.ndarray, device: Any = "cpu") -> Tensor:
    """The tensor in its bytes (uint8, writable, not copied on the CPU); raises UnsupportedFile for types that torch lacks."""
    return shaped(entry, require_torch().from_numpy(data)).to(device)


def shaped(entry: TensorEntry, data: Tensor) -> Tensor:
    """The tensor in its bytes (u8[...], not copied); raises UnsupportedFile for types that torch lacks."""
    torch = require_torch()
    dtype = _dtypes().get(entry.dtype)
    if dtype is None:
        raise UnsupportedFile(
            f"tensor {entry.name!r} is of type {entry.dtype}, which this torch ({torch.__version__}) does not support"
        )
    # torch calls the stride of an empty array 0 and then refuses to view it as anything else.
    flat = data.view(dtype) if len(data) else torch.empty(0, dtype=dtype, device=data.device)
    shape = entry.shape[::-1] if entry.order == "F" else entry.shape
    tensor = flat.reshape(shape)
    if entry.order == "F":
        tensor = tensor.permute(*range(len(shape))[::-1])
    return tensor


def viewed(file: TensorFile, view: View, device: Any = "cpu") -> Tensor:
    """A tensor of a PyTorch checkpoint that is not an entry: part of another, with gaps, or to be conjugated or negated."""
    torch = require_torch()
    dtype = _dtypes().get(view.dtype)
    if dtype is None:
        raise UnsupportedFile(
            f"tensor {view.name!r} is of type {view.dtype}, which this torch ({torch.__version__}) does not support"
        )
    if not view.span:
        return torch.empty(view.shape, dtype=dtype, device=device)
    data = file.data(TensorEntry(view.name, "U8", (view.span,), view.offset, view.span))
    tensor = torch.from_numpy(data).view(dtype).as_strided(view.shape, view.strides)
    try:
        tensor = tensor.conj().resolve_conj() if view.conjugated else tensor
        return (-tensor if view.negated else tensor).to(device)
    except RuntimeError as error:
        raise UnsupportedFile(
            f"{file.path}: tensor {view.name!r} cannot be negated or conjugated ({str(error)[:100]})"
        ) from error


@cache
def _dtypes() -> dict[str, Any]:
    torch = require_torch()
    found: Iterable[Any] = (value for value in vars(torch).values() if isinstance(value, torch.dtype))
    return {name: dtype for dtype in found if (name := torch_name(dtype)) in DTYPES}
