"""What surrounds the points of a sweep, for the kernel that codes their numbers."""

from typing import NamedTuple

import numpy as np


class Sides(NamedTuple):
    """What is known of the points besides their number."""

    near: np.ndarray  # int32[n, NEIGHBOURS]
    gaps: np.ndarray  # uint8[n]
    rings: np.ndarray  # uint8[n]
    told: np.ndarray  # int64[n, 2]: classes that contexts may use
    past: np.ndarray  # int64[n, 4]: numbers by the frame before: here, left, right, farther right; 0 where it tells none
