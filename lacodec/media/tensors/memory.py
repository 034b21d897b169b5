"""Arrays in memory as a `Source`: their bytes are made when they are read, one array at a time."""

import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from lacodec.errors import BadInput
from lacodec.io.source import Source
from lacodec.media.tensors.value import DTYPES, size_of

_NUMPY = {"b1": "BOOL", "c8": "C64", "c16": "C128"}
_TORCH = {
    "bfloat16": "BF16",
    "bool": "BOOL",
    "complex64": "C64",
    "complex128": "C128",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}
"""Names of torch's types that are not numpy's followed by bits."""
_KINDS = {"U": "uint", "I": "int", "F": "float"}


@dataclass(frozen=True)
class Item:
    """One array that is to become part of a file; `load` gives its bytes, little-endian and in C order, as uint8[size]."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int
    load: Callable[[], np.ndarray]

    @classmethod
    def of(cls, name: Any, value: Any) -> "Item":
        """The item for a numpy array or a torch tensor on any device; raises BadInput for others."""
        if not isinstance(name, str):
            raise BadInput(f"the name of a tensor must be a string, not {name!r}")
        if isinstance(value, np.ndarray | np.generic):
            require_array(f"tensor {name!r}", value)
            array = np.asarray(value)
            dtype = _numpy_name(array.dtype)
            load = lambda: _numpy_bytes(array)  # noqa: E731  (both are closures over the value, nothing more)
        elif is_tensor(value):
            require_strided(f"tensor {name!r}", value)
            dtype = torch_name(value.dtype)
            load = lambda: _torch_bytes(value, name)  # noqa: E731
        else:
            raise BadInput(f"tensor {name!r} is a {type(value).__name__}; give a numpy array or a torch tensor")
        if dtype not in DTYPES:
            raise BadInput(f"tensor {name!r} has elements of type {value.dtype}, which cannot be stored")
        shape = tuple(int(n) for n in value.shape)
        return cls(name, dtype, shape, size_of(dtype, shape), load)


class ArraySource(Source):
    """A head, then the bytes of the arrays in order. The array that was read last is kept."""

    def __init__(self, head: bytes, items: Sequence[Item], name: str = "<tensors>") -> None:
        self._head, self._items = head, items
        self._begins = list(accumulate((item.size for item in items), initial=len(head)))
        self._last: tuple[int, np.ndarray] | None = None
        self.size = self._begins[-1]
        self.name = name

    def read(self, offset: int, n: int) -> bytes:
        stop = min(offset + n, self._begins[-1])
        parts = [self._head[offset:stop]]
        at = max(offset, len(self._head))
        while at < stop:
            which = bisect_right(self._begins, at) - 1
            begin, end = self._begins[which], min(stop, self._begins[which + 1])
            parts.append(self._bytes(which)[at - begin : end - begin].tobytes())
            at = end
        return b"".join(parts)

    def _bytes(self, which: int) -> np.ndarray:
        last = self._last
        if last is None or last[0] != which:
            self._last = None  # so that two arrays are never in memory
            last = self._last = (which, self._items[which].load())
        return last[1]


def is_tensor(value: Any) -> bool:
    """Whether this is a tensor of torch, which is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def require_array(what: str, value: Any) -> None:
    """Raise BadInput for classes of arrays of which something would be lost, such as a mask."""
    if isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        raise BadInput(f"{what} is a {type(value).__name__}, and only its array would be kept; give np.asarray(it)")


def require_strided(what: str, tensor: Any) -> None:
    """Raise BadInput, saying why, for a tensor of torch that is no plain array of values."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        kind = "nested" if tensor.is_nested else "quantised" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")
        raise BadInput(f"{what} is a {kind} tensor, whose layout cannot be stored; give its parts, or a dense copy")
    if tensor.is_meta:
        raise BadInput(f"{what} is on the meta device and has no values")


def torch_name(dtype: Any) -> str:
    """Our name for a torch dtype, or one that is not in DTYPES."""
    name = str(dtype).removeprefix("torch.")
    return _TORCH.get(name) or name.replace("uint", "U").replace("int", "I").replace("float", "F")


def torch_dtype(name: str) -> Any:
    """The torch dtype of one of our names; raises BadInput when this torch has none."""
    import torch

    usual = {ours: theirs for theirs, ours in _TORCH.items()}
    dtype = getattr(torch, usual.get(name) or _KINDS.get(name[:1], "") + name[1:], None)
    if not isinstance(dtype, torch.dtype):
        raise BadInput(f"this torch has no type for {name} tensors; read the file as numpy arrays")
    return dtype


def _numpy_name(dtype: np.dtype[Any]) -> str:
    if dtype.kind not in "buifc":
        return str(dtype)
    kind = f"{dtype.kind}{dtype.itemsize}"
    return _NUMPY.get(kind) or (f"{dtype.kind.upper()}{8 * dtype.itemsize}" if dtype.kind in "uif" else kind)


def _numpy_bytes(array: np.ndarray) -> np.ndarray:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8)


def _torch_bytes(tensor: Any, name: str) -> np.ndarray:
    import torch

    try:
        values = tensor.detach().cpu().resolve_conj().resolve_neg()  # torch negates views lazily
        return np.asarray(values.contiguous().reshape(-1).view(torch.uint8).numpy())
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).split("\n")[0][:200]
        raise BadInput(f"tensor {name!r} cannot be stored ({reason}); give a plain dense copy") from error
