"""Records of float32 without any header, as KITTI and nuScenes have them: recognised by their values."""

import math
import struct
from itertools import pairwise

KITTI = ("x", "y", "z", "intensity")
NUSCENES = (*KITTI, "ring")
_SEEN = 240  # bytes that both kinds of records fill
_RINGS = 128
_FAR = 1000.0  # metres


def columns_of(head: bytes) -> tuple[str, ...] | None:
    """The names of the columns in a file of which `head` are the first 256 bytes; None if it is no such file."""
    if len(head) < _SEEN:
        return None
    values = struct.unpack(f"<{_SEEN // 4}f", head[:_SEEN])
    if not all(math.isfinite(value) and abs(value) < _FAR for value in values):
        return None
    if _is_kitti(values):
        return KITTI
    return NUSCENES if _is_nuscenes(values) else None


def _is_kitti(values: tuple[float, ...]) -> bool:
    """Whether every coordinate is a whole number of millimetres, every intensity one of hundredths up to 1."""
    rows = [values[i : i + 4] for i in range(0, len(values), 4)]
    far = sum(abs(row[0]) + abs(row[1]) > 1 for row in rows)
    return far == len(rows) and all(
        0 <= row[3] <= 1 and _on_grid(row[3], 100) and all(_on_grid(value, 1000) for value in row[:3]) for row in rows
    )


def _on_grid(value: float, parts: int) -> bool:
    return bool(struct.unpack("<f", struct.pack("<f", round(value * parts) / parts))[0] == value)


def _is_nuscenes(values: tuple[float, ...]) -> bool:
    """Whether intensities are whole numbers below 256, and rings count upwards."""
    rows = [values[i : i + 5] for i in range(0, len(values), 5)]
    rings = [row[4] for row in rows]
    steps = [b - a for a, b in pairwise(rings)]
    return (
        all(ring == int(ring) and 0 <= ring < _RINGS for ring in rings)
        and sum(step == 1 for step in steps) >= len(steps) - 1
        and all(0 <= row[3] < 256 and row[3] == int(row[3]) for row in rows)
        and any(row[0] != rows[0][0] for row in rows)
    )
