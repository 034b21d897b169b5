"""One option for each layer, the least error within a budget of bits: dynamic programme (L-GreCo, 2023) and Lagrangian.

bits, errors: [layers, options]
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from .coded import Matrix

Choice = NDArray[np.int64]
_HALVINGS = 60


def dynamic(bits: Matrix, errors: Matrix, budget: float, slots: int = 10000) -> Choice:
    """By the least error of the first layers within each of `slots` parts of the budget; options cost whole parts, rounded up."""
    costs = np.ceil(bits * (slots / budget) - 1e-9).astype(np.int64)
    least = np.zeros(slots + 1)
    chosen = np.zeros((len(bits), slots + 1), np.int64)
    for layer in range(len(bits)):
        reached = np.full((bits.shape[1], slots + 1), np.inf)
        for option, cost in enumerate(costs[layer]):
            if cost <= slots:
                reached[option, cost:] = least[: slots + 1 - cost] + errors[layer, option]
        chosen[layer], least = reached.argmin(0), reached.min(0)
    if not np.isfinite(least[slots]):
        raise ValueError("no options fit in the budget")
    left, out = slots, np.zeros(len(bits), np.int64)
    for layer in range(len(bits) - 1, -1, -1):
        out[layer] = chosen[layer, left]
        left -= costs[layer, out[layer]]
    return out


def lagrangian(bits: Matrix, errors: Matrix, budget: float) -> Choice:
    """The least error + price x bits in each layer, at the least price that fits."""
    every = np.arange(len(bits))
    low, high = -60.0, 60.0  # log2 of the price, relative to all errors and bits
    unit = errors.max() / bits.max()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        out = _at(bits, errors, unit * 2.0**middle)
        low, high = (low, middle) if bits[every, out].sum() <= budget else (middle, high)
    return _at(bits, errors, unit * 2.0**high)


def exhaustive(bits: Matrix, errors: Matrix, budget: float) -> Choice:
    """All choices tried."""
    every = np.arange(len(bits))
    choices = [np.array(choice) for choice in itertools.product(range(bits.shape[1]), repeat=len(bits))]
    return min((c for c in choices if bits[every, c].sum() <= budget), key=lambda c: float(errors[every, c].sum()))


def _at(bits: Matrix, errors: Matrix, price: float) -> Choice:
    return (errors + price * bits).argmin(1)
