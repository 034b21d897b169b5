"""Points in another order, where the user gives theirs up: along Morton's curve, if that is shorter."""

from collections.abc import Callable

import numpy as np

from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.media.points.value import PointCloud

_BITS = 21  # of each coordinate in the place on the curve
_SAMPLE = 1 << 15  # points that tell which order is shorter
_USUAL = (0.005, 0.995)  # of the coordinates: a few far away do not make the steps coarse
_AXES = ("x", "y", "z")


def reordered(value: PointCloud, cost: Callable[[np.ndarray], int]) -> PointCloud:
    """The same points along the curve, or as they are. cost: bytes that records take. In memory; raises BadInput."""
    _check(value)
    records = value.records
    found = records[np.argsort(places(records), kind="stable")]
    if cost(found[:_SAMPLE]) >= cost(records[:_SAMPLE]):
        return value
    source, end = value.source, value.source.size or 0
    made = b"".join((source.read(0, value.offset), found.tobytes(), source.read(value.stop, end - value.stop)))
    return PointCloud(BytesSource(made, source.name), value.format, value.columns, value.offset, value.count, value.form)


def places(records: np.ndarray) -> np.ndarray:
    """u64[n]: the place of each point on Morton's curve through all that are finite; others are at its end."""
    out, finite = np.zeros(len(records), np.uint64), np.ones(len(records), bool)
    for axis, name in enumerate(_AXES):
        values = records[name].astype(np.float64)
        good = np.isfinite(values)
        finite &= good
        low, high = np.quantile(values[good], _USUAL) if good.any() else (0.0, 0.0)
        with np.errstate(all="ignore"):
            unit = max((high - low) / ((1 << _BITS) - 1), 1.0 if records[name].dtype.kind != "f" else 0.0)
            steps = np.nan_to_num((values - low) / unit) if unit > 0 else np.zeros(len(values))
        out |= _spread(np.clip(steps, 0, (1 << _BITS) - 1).astype(np.uint64)) << np.uint64(axis)
    out[~finite] = np.iinfo(np.uint64).max
    return out


def _spread(values: np.ndarray) -> np.ndarray:
    """Every bit of 21 in the place of three."""
    out = values
    for shift, mask in ((32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F), (4, 0x10C30C30C30C30C3)):
        out = (out | (out << np.uint64(shift))) & np.uint64(mask)
    return (out | (out << np.uint64(2))) & np.uint64(0x1249249249249249)


def _check(value: PointCloud) -> None:
    name = value.source.name
    if value.frames:
        raise BadInput(f"{name}: its points belong to frames; leave out `any_order`")
    if not set(_AXES) <= set(value.columns.names):
        raise BadInput(f"{name}: has no columns x, y and z to order its points by; leave out `any_order`")
    if value.form.name == "text":
        raise BadInput(f"{name}: text keeps the order of its lines; leave out `any_order`")
    if value.format == "ply" and value.source.read(0, value.offset).count(b"\nelement ") > 1:
        raise BadInput(f"{name}: its faces refer to points by their order; leave out `any_order`")
    if value.format == "pcd" and _rows(value) > 1:
        raise BadInput(f"{name}: its points have rows and columns; leave out `any_order`")


def _rows(value: PointCloud) -> int:
    from lacodec.media.points.pcd_head import read_head

    return read_head(value.source).rows
