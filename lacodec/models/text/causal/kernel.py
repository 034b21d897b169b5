"""Logits to integers, and bytes that narrow hypotheses down."""

from typing import NamedTuple

import numpy as np

from lacodec.kernels.jit import flat_kernel, inlined
from lacodec.models.text.hypotheses import LIVE, LOST, count_bytes, keep_continued, learn_follower
from lacodec.models.text.trie import Trie

UNIT = 1024
"""Logits are rounded to 1024ths of a bit before anything depends on them."""
MASS_BITS = 36
"""Masses of all pieces add up to about 2^36; the least one has 1."""
MEMORIES = 20
"""Readings that may be remembered at a time."""
_PER_NAT = UNIT / 0.6931471805599453
_LEAST = 40 * UNIT
_U = np.uint64


class Reader(NamedTuple):
    """What is remembered between bytes, beside what the model remembers. Fields as of `predict.Reader`."""

    state: np.ndarray  # int64[STATES]
    cumulative: np.ndarray  # uint64[memories, pieces + 1]
    live: np.ndarray  # int64[memories, 3]
    followers: np.ndarray  # int32[257, 256]
    tree: np.ndarray  # int64[512]


def powers() -> np.ndarray:
    """uint64[UNIT]: 2^(MASS_BITS - i / UNIT)."""
    return np.rint(2.0 ** (MASS_BITS - np.arange(UNIT) / UNIT)).astype(np.uint64)


@flat_kernel
def fill(logits: np.ndarray, ids: np.ndarray, power: np.ndarray, cumulative: np.ndarray) -> None:
    """float32[tokens] -> uint64[pieces + 1]: sums of the masses of pieces before each rank. Not a number counts as impossible."""
    top = np.float64(-3e38)
    for i in range(_U(ids.size)):
        value = np.float64(logits[_U(ids[i])])
        if value > top and value < 3e38:
            top = value
    total = _U(0)
    for i in range(_U(ids.size)):
        total += _mass(np.float64(logits[_U(ids[i])]), top, power)
    factor = (_U(1) << _U(62)) // max(total, _U(1))
    below = _U(0)
    for i in range(_U(ids.size)):
        cumulative[i] = below
        below += _U(1) + ((_mass(np.float64(logits[_U(ids[i])]), top, power) * factor) >> _U(62 - MASS_BITS))
    cumulative[_U(ids.size)] = below


@inlined
def _mass(value: np.float64, top: np.float64, power: np.ndarray) -> np.uint64:
    steps = (top - value) * _PER_NAT + 0.5
    if not (steps >= 0.0 and steps < np.float64(_LEAST)):
        return _U(0)
    below = _U(np.int64(steps))
    return power[below & _U(UNIT - 1)] >> (below // _U(UNIT))


@flat_kernel
def narrow(trie: Trie, reader: Reader, byte: int, begin: int) -> None:
    """Hypotheses from number `begin` on after a byte; those of which it is no continuation end. Weights do not add up yet."""
    reader.state[LIVE] = np.int64(keep_continued(trie, reader, np.uint8(byte), _U(begin)))


@flat_kernel
def conclude(trie: Trie, reader: Reader, byte: int, lost: int) -> None:
    """Learn what followed, with byte >= 0, and count the next one; `lost`: weight of what is not followed."""
    if byte >= 0:
        learn_follower(reader, byte)
    reader.state[LOST] = lost
    count_bytes(trie, reader)
