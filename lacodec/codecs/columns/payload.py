"""Numbers of one type <-> a payload: a tree of forms, the cheapest that samples of the values show.

    payload = node          node = u8 form, its data; the reader knows type and shape; 128 is added to the first form if there may
                            be mixed nodes

    0 STORED    the bytes of the elements               1 CONSTANT  one element
    2 PARTS     a node for each index of the last axis  3 NUMBERS   2 * bits dropped + order, steps (`predict`), bins (`bins`)
    4 MIXED     the number of NUMBERS, size, see `mixed`  5 BYTES     size, payload of codec `bytes`
    6 BOUNDED   see `bounded`                           7 STEPS     base, step, width, node of (value - base) / step
    8 MULTIPLES inverse, factor (f64), base, width, node of q - base, node of distances (see `splits`)
    9 DISTINCT  number, node of the sorted different values, width, node of the place of each value among them
    10 RUNS     number, node of the values of the runs, width, node of their lengths less 1
    11 GAPS     a value (NaN, say), node of u8: 1 where it is, node of all other values, on one axis
    12 PLANES   a node of u8 for each byte of the elements, the lowest first, on one axis

Nodes in a node are unsigned integers of `width` bytes where the type is not that of the node, or that of its bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, splits
from lacodec.codecs.columns._fields import Reader, Writer
from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.columns.plan import MIXING, Work
from lacodec.codecs.session import DEFAULT, Session
from lacodec.kernels.scratch import chunk_memory

_SMALL = 1 << 16  # bytes of an array that is also tried without loss, though it has a bound: few values may be kept in less
_LEAST_BOUND = 2.0**-900  # near the denormal numbers, which not every machine computes with
_HARD = 2  # times smaller than the array: where a bound does not gain this, it may cost more than to lose nothing

_PLAIN = (forms.STORED, forms.CONSTANT, forms.BOUNDED)

DTYPES = frozenset(
    f"{kind}{width}" for kind, width in (*((k, w) for k in "ui" for w in (1, 2, 4, 8)), ("f", 2), ("f", 4), ("f", 8))
)
"""Types of elements, as `numpy.dtype.str` names them after the byte order."""


def encode(array: NDArray[Any], *, effort: int = 5, session: Session = DEFAULT, bound: Bound | None = None) -> bytes:
    """The payload of an array: one of DTYPES, native, contiguous, of any shape. bound: the largest error of floats."""
    if bound is None or (bound.absolute is not None and bound.absolute < _LEAST_BOUND):
        return _lossless(array, effort, session)
    from lacodec.codecs.columns.bounded import encode_bounded

    data = bytes([forms.BOUNDED]) + encode_bounded(array, bound, effort=effort)
    if array.nbytes > _SMALL and len(data) * _HARD < array.nbytes:
        return data
    return min(data, _lossless(array, effort, session), key=len)


def _lossless(array: NDArray[Any], effort: int, session: Session) -> bytes:
    from lacodec.codecs.columns.choose import plan_for  # readers, which it would slow down, need none of it

    out = Writer()
    with chunk_memory():
        plan_for(array, Work(effort, session, plan_for)).write(out)
        data = out.data
    if len(data) > array.nbytes:
        return bytes([forms.STORED]) + array.tobytes()
    return bytes([data[0] | forms.MAY_MIX]) + data[1:] if effort >= MIXING and data[0] not in _PLAIN else data


def decode(
    payload: Any, dtype: np.dtype[Any], shape: tuple[int, ...], *, unembed: forms.Unembed, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """The array of this type and shape; raises CorruptFile. unembed: (payload of codec `bytes`, size) -> bytes.

    out: a contiguous array of this type and shape to be filled.
    """
    reader = Reader(payload)
    bits = None if out is None else splits.bits_of(out).reshape(-1)
    with chunk_memory():
        around = forms.Around(unembed, bool(_first(payload) & forms.MAY_MIX), bits)
        found = forms.read(reader, np.dtype(dtype), tuple(shape), around)
    reader.finish()
    if out is None:
        return found
    if not np.may_share_memory(found, out):
        out[...] = found
    return out


def memory(size: int, payload: bytes | memoryview | None = None, effort: int = 9) -> int:
    """Bytes needed to encode elements of `size` bytes in all with this effort, or to decode them from `payload`."""
    if effort >= MIXING if payload is None else _first(payload) & forms.MAY_MIX:
        from lacodec.codecs.columns.mixed.payload import memory_mixed

        return 12 * size + memory_mixed(size, 1)
    bounded = payload is None or _first(payload) == forms.BOUNDED
    return (40 if bounded else 12) * size + (16 << 20)


def _first(payload: Any) -> int:
    return memoryview(payload)[0] if len(payload) else 0
