"""Whether a Hadamard rotation of rows pays: it makes values Gaussian, so it costs what entropy coding gains from outliers."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised.quantise import count_classes, quantise
from lacodec.entropy.information import information

_STEP = 0.8  # in root mean squares: between two and three bits
_MOST = 256  # columns that are rotated together, at most
_WORTH = 0.005  # share of the bits that it must save


def pays(values: NDArray[np.float32]) -> int:
    """log2 of the columns to rotate together, 0 for none. values: f32[rows, columns] of root mean square 1."""
    columns = values.shape[1]
    size = min(_MOST, columns & -columns)
    if size < 16:
        return 0
    rotated = values.copy()
    kernels.rotate(rotated, size)
    return size.bit_length() - 1 if _bits(rotated) < (1 - _WORTH) * _bits(values) else 0


def _bits(values: NDArray[np.float32]) -> float:
    grids, base = quantise([values * np.float32(1 / _STEP)])
    counts = np.zeros((kernels.CLASSES, 2 * kernels.MOST + 1), np.int64)
    count_classes(grids, base, counts)
    return sum(float(information(line)) for line in counts)
