"""The integer grid of codec `weights`, in the bytes of its sections: what the others are compared with."""

import numpy as np

from lacodec.codecs.pieces import Writer
from lacodec.codecs.weights.quantised import _payload
from lacodec.codecs.weights.quantised._weighing import exponents_of, in_steps, triangle
from lacodec.codecs.weights.quantised.quantise import PRICE

from .coded import Matrix


def grid(weight: Matrix, step: float, price: float = PRICE, hessian: Matrix | None = None) -> tuple[float, Matrix]:
    """(bits, restored) with this step and this price of a bit; tables, classes of rows and the stream are counted.

    hessian: mean of x x^T, for steps by column and errors made good in later columns, as with `--calibrate`.
    """
    out, exponents, feedback = Writer(), None, None
    if hessian is not None:
        factors = triangle(hessian)
        exponents, _ = exponents_of(-np.log2(factors.diagonal))
        feedback = in_steps(factors, exponents)
    values = np.ascontiguousarray(weight, np.float32)
    (made,) = _payload.encode_parts(out, [_payload.Part(values, step, exponents, feedback=feedback)], False, price)
    return 8.0 * len(out), made.values()
