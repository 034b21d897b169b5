"""The integer grid of codec `weights`, in the bytes of its sections: what the others are compared with."""

from unittest.mock import patch

import numpy as np

from lacodec.codecs.pieces import Writer
from lacodec.codecs.weights.quantised import _payload
from lacodec.codecs.weights.quantised.quantise import PRICE

from .coded import Matrix


def grid(weight: Matrix, step: float, price: float = PRICE) -> tuple[float, Matrix]:
    """(bits, restored) with this step and this price of a bit; tables, classes of rows and the stream are counted."""
    out = Writer()
    with patch.object(_payload, "PRICE", price):
        (made,) = _payload.encode_parts(out, [_payload.Part(np.ascontiguousarray(weight, np.float32), step)])
    return 8.0 * len(out), made.values()
