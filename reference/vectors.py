"""Sums of doubles in the order that the format wants: eight partial sums, added by halves. numpy only multiplies and adds here.

No operation is fused with another, and numpy's own sums, whose order is its own affair, are not used.
"""

import numpy as np

LANES = 8


def padded(n: int) -> int:
    """n, rounded up to whole vectors of eight."""
    return -(-n // LANES) * LANES


def running(terms: np.ndarray) -> np.ndarray:
    """((terms[0] + terms[1]) + terms[2]) + ..., along the first axis."""
    return np.add.accumulate(terms, axis=0)[-1]


def dot(x: np.ndarray, w: np.ndarray) -> float:
    """The sum of x[i] * w[i]; the length is a multiple of eight. It starts at 0.0, so no sum of zeros is negative."""
    return float(add_lanes(running((x * w).reshape(-1, LANES)) + 0.0))


def squared_distances(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    """For each row of eight numbers the sum of the squares of what it differs from w."""
    apart = rows - w
    return add_lanes((apart * apart).T)


def add_lanes(lanes: np.ndarray) -> np.ndarray:
    """The sum of eight lanes (the first axis): the upper half is added to the lower one until one is left."""
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    return lanes[0]
