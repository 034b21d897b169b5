"""Kernels of `splits`: the bits of floats as integers in the order of the floats."""

import numpy as np

from lacodec.kernels.jit import kernel

U = np.uint64


@kernel
def order_floats(bits, dropped, top, full, out):  # type: ignore[no-untyped-def]
    """out[i] = bits[i] >> dropped; then the sign bit, `top`, is flipped in positive numbers, `full` in negative ones."""
    shift = bits.dtype.type(dropped)
    for i in range(U(len(bits))):
        value = bits[i] >> shift
        out[i] = value ^ (full if value & top else top)


@kernel
def disorder_floats(latents, dropped, top, full):  # type: ignore[no-untyped-def]
    """The inverse of `order_floats`, in place."""
    shift = latents.dtype.type(dropped)
    for i in range(U(len(latents))):
        value = latents[i]
        latents[i] = (value ^ (top if value & top else full)) << shift


@kernel
def scale(q, size, inverse, out):  # type: ignore[no-untyped-def]
    """out[i] = q[i] / size if `inverse`, else q[i] * size, in doubles, then rounded to the type of `out`."""
    if inverse:
        for i in range(U(len(q))):
            out[i] = np.float64(q[i]) / size
    else:
        for i in range(U(len(q))):
            out[i] = np.float64(q[i]) * size
