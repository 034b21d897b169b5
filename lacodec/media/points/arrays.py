"""Arrays of numpy as point clouds: structured ones, and [n, k]."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lacodec.errors import BadInput, CorruptFile, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.arrays.dtypes import named
from lacodec.media.arrays.memory import arrays_of
from lacodec.media.arrays.npy import read
from lacodec.media.arrays.value import Arrays
from lacodec.media.points.value import Columns, PointCloud

_NAMES = ("x", "y", "z", "intensity", "ring")


def cloud_in(source: Source) -> PointCloud:
    """The points in an .npy file; raises UnsupportedFile."""
    return _cloud(read(source))


def cloud_of(value: Any) -> PointCloud:
    """The points in an array, as the .npy file that numpy would write; raises UnsupportedFile or BadInput."""
    if not isinstance(value, np.ndarray):
        raise BadInput(f"a {type(value).__name__} is no point cloud; pass an array, a PointCloud, a path, or the bytes of a file")
    return _cloud(arrays_of(np.ascontiguousarray(value)))


def sequence_of(frames: Sequence[Any]) -> PointCloud:
    """Frames with the same columns, clouds or arrays, as one .npy file of their records; raises BadInput."""
    clouds = [frame if isinstance(frame, PointCloud) else cloud_of(frame) for frame in frames]
    if len({cloud.columns for cloud in clouds}) != 1:
        raise BadInput("frames of a sequence need the same columns, and there must be one at least")
    made = cloud_of(np.concatenate([cloud.records for cloud in clouds]))
    return replace(made, frames=tuple(len(cloud) for cloud in clouds))


def _cloud(arrays: Arrays) -> PointCloud:
    (entry,) = arrays.entries
    dtype = named(entry.descr)
    try:
        if dtype.names is not None and len(entry.shape) == 1:
            columns = Columns(tuple(dtype.names), tuple(dtype[name].str for name in dtype.names))
            count = entry.shape[0]
        elif len(entry.shape) == 2 and entry.order == "C":
            count, width = entry.shape
            names = (_NAMES[:width] + tuple(f"c{i}" for i in range(len(_NAMES), width)))[:width]
            columns = Columns(names, (dtype.str,) * width)
        else:
            raise UnsupportedFile(f"{arrays.source.name}: an array {list(entry.shape)} of {dtype} is no list of points")
    except CorruptFile as error:
        raise UnsupportedFile(f"{arrays.source.name}: its array has columns of types that points do not have") from error
    if columns.size != dtype.itemsize * (1 if dtype.names else columns.size // dtype.itemsize):
        raise UnsupportedFile(f"{arrays.source.name}: its records have gaps")
    return PointCloud(arrays.source, "npy", columns, entry.offset, count)
