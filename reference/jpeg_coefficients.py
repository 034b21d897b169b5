"""Coefficients of a JPEG: data, geometry, quantisers -> coefficients.

data = u8 effort, which chooses the model; what that has coded
"""

import numpy as np

from reference import jpeg_fast, jpeg_model, jpeg_pairs
from reference.jpeg_symbols import Symbols
from reference.stream import need

Place = tuple[int, int, int, int]


def decode(data: bytes, places: list[Place], quants: list[list[int]]) -> list[np.ndarray]:
    """int16[rows, columns, 64] for each component, zigzag order. places: rows, columns, h, v; quants in zigzag order."""
    need(data, "no coefficients")
    if data[0] not in (1, 2):
        return jpeg_model.decode(data, places, quants)
    coder, arrays = Symbols(data), []
    for index, (rows, columns, _, _) in enumerate(places):
        chroma = index in (1, 2)
        if data[0] == 1:
            arrays.append(jpeg_pairs.decode_component(coder, rows, columns, chroma))
        else:
            arrays.append(jpeg_fast.Component(coder, rows, columns, quants[index], chroma).out)
    coder.finish()
    return arrays
