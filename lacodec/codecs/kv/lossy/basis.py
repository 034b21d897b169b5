"""A basis: what calibration on one model tells about its caches, in a file of its own, a safetensors file.

layers.N.keys.matrix    F16 [groups, n, n], rows: what a step in each coefficient adds to n channels, apart from `units`
layers.N.keys.units     F32 [channels]: lengths of these rows; without a matrix, the steps of the channels
layers.N.keys.mean      F32 [channels]
layers.N.keys.scales    F32 [channels]: standard deviations of the coefficients, in units
and the same for values; metadata "lacodec.kv.basis": JSON of the model

One group is all heads of a layer together, as many groups as heads are one head each. Keys are those before the rotary embedding.
A file without matrices only says how fine channels should be: what it says is stored with the cache, which then does without it.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy.mixing_state import aligned_zeros
from lacodec.errors import BadInput, LacodecError
from lacodec.io.source import Source
from lacodec.media.kv.value import MOST_LAYERS, Model
from lacodec.media.tensors import safetensors
from lacodec.media.tensors.value import as_array

KEY = "lacodec.kv.basis"
_PARTS = ("keys", "values")
_MOST_CHANNELS = 1 << 13
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Transform:
    """Of the keys or values of one layer. matrix: f32[groups, n, n] with the units in it, or None; the others: f32[channels]."""

    units: Floats
    mean: Floats
    scales: Floats
    matrix: Floats | None = None

    @property
    def channels(self) -> int:
        """How many."""
        return len(self.units)

    def analysis(self, values: Floats) -> Floats:
        """Coefficients f32[rows, channels] of values f32[rows, channels]."""
        if self.matrix is None:
            return values / self.units
        groups, n, _ = self.matrix.shape
        apart, out = (values - self.mean).reshape(-1, groups, n), np.empty((len(values), groups, n), np.float32)
        for group, inverse in enumerate(self._inverse):
            np.matmul(apart[:, group], inverse, out=out[:, group])
        return out.reshape(len(values), -1)

    @cached_property
    def _inverse(self) -> Floats:
        assert self.matrix is not None
        return np.linalg.inv(self.matrix.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Basis:
    """Transforms of (keys, values) of each layer, for caches of one model."""

    layers: tuple[tuple[Transform, Transform], ...]
    model: Model = field(default_factory=Model)

    @property
    def has_matrices(self) -> bool:
        """Whether decoding needs it."""
        return any(part.matrix is not None for layer in self.layers for part in layer)

    def to_bytes(self) -> bytes:
        """The file."""
        head, body = [], []
        for number, layer in enumerate(self.layers):
            for name, part in zip(_PARTS, layer, strict=True):
                arrays: dict[str, tuple[str, Any]] = {}
                if part.matrix is not None:
                    units = part.units.reshape(part.matrix.shape[0], -1, 1)
                    arrays["matrix"] = "F16", (part.matrix / units).astype("<f2")
                for what in ("units", "mean", "scales"):
                    arrays[what] = "F32", getattr(part, what).astype("<f4")
                for what, (dtype, array) in arrays.items():
                    head.append((f"layers.{number}.{name}.{what}", dtype, tuple(array.shape), array.nbytes))
                    body.append(array.tobytes())
        return safetensors.build_header(head, {KEY: json.dumps(self.model.plain(), separators=(",", ":"))}) + b"".join(body)

    @classmethod
    def of_source(cls, source: Source) -> "Basis":
        """The basis in a file; raises BadInput for other files."""
        try:
            metadata, _, _ = safetensors.read_header(source)
            model = Model.of_plain(json.loads(metadata.get(KEY, "null")))
            entries = safetensors.read(source).entries
            found = {e.name: as_array(e.dtype, e.shape, source.read(e.offset, e.size)) for e in entries}
            count = 1 + max((int(name.split(".")[1]) for name in found), default=-1)
            if not 1 <= count <= MOST_LAYERS:
                raise BadInput(f"it has {count} layers")
            layers = [tuple(_transform(found, f"layers.{number}.{name}.") for name in _PARTS) for number in range(count)]
        except (LacodecError, ValueError, KeyError, IndexError, RecursionError) as error:
            raise BadInput(f"{source.name}: not a basis of KV caches, as lacodec.kv.calibrate makes it ({error})") from error
        return cls(tuple(layers), model)  # type: ignore[arg-type]


def _transform(found: dict[str, Any], place: str) -> Transform:
    units, mean, scales = (np.asarray(found[place + what], np.float32) for what in ("units", "mean", "scales"))
    channels = len(units)
    if units.shape != mean.shape or units.shape != scales.shape or units.ndim != 1 or channels > _MOST_CHANNELS:
        raise BadInput(f"{place}units, mean and scales have different shapes")
    if not all(np.isfinite(array).all() for array in (units, mean, scales)) or (units <= 0).any() or (scales < 0).any():
        raise BadInput(f"{place}units must be positive, and all numbers finite")
    matrix = found.get(place + "matrix")
    if matrix is None:
        return Transform(units, mean, scales)
    groups, n = matrix.shape[0], matrix.shape[-1] if matrix.ndim == 3 else 0
    if matrix.shape != (groups, n, n) or groups * n != channels:
        raise BadInput(f"{place}matrix has shape {list(matrix.shape)} for {channels} channels")
    made = aligned_zeros(4 * matrix.size).view(np.float32).reshape(matrix.shape)  # `synthesis` reads whole cache lines
    with np.errstate(all="ignore"):
        np.multiply(matrix.astype(np.float32), units.reshape(groups, n, 1), out=made)
    if not np.isfinite(made).all():
        raise BadInput(f"{place}matrix has numbers that are not finite")
    return Transform(units, mean, scales, made)
