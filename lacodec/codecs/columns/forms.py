"""Reading payloads: each form back into an array; `payload` lists them, `plan` writes them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import predict, splits
from lacodec.codecs.columns._fields import Reader, Writer
from lacodec.codecs.columns.bins import decode_bins
from lacodec.errors import CorruptFile

STORED, CONSTANT, PARTS, NUMBERS, MIXED, BYTES, BOUNDED, STEPS, MULTIPLES, DISTINCT, RUNS, GAPS, PLANES = range(13)

ORDER, SIGN_FIRST = range(2)
"""What NUMBERS is made of: integers in the order of the values, or the bits of the values."""

MAY_MIX = 128
"""Set in the first byte of a payload that may hold mixed nodes, which take much memory."""

MOST_DEPTH = 8  # nodes within nodes

Unembed = Callable[[bytes, int], bytes]
"""That many bytes from a payload of codec `bytes`."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Around:
    """What reading needs besides the payload.

    mixed: whether the payload says that it may hold mixed nodes. out: an array of one axis for the bits of the result, which some
    forms use.
    """

    unembed: Unembed
    mixed: bool = False
    out: NDArray[np.unsignedinteger] | None = None


def write_stored(values: NDArray[Any], out: Writer) -> None:
    """STORED, for any values."""
    out.write(bytes([STORED]))
    out.write(values.tobytes())


def read(reader: Reader, dtype: np.dtype[Any], shape: Shape, around: Around, depth: int = 0) -> NDArray[Any]:
    """The array of one node; raises CorruptFile."""
    if depth > MOST_DEPTH:
        raise CorruptFile("its forms are nested too deeply")
    form, n = reader.take(1)[0] & ~MAY_MIX, math.prod(shape)
    if form == STORED or not n:
        return np.frombuffer(reader.take(n * dtype.itemsize), dtype).reshape(shape)
    if form == CONSTANT:
        return np.full(shape, np.frombuffer(reader.take(dtype.itemsize), dtype)[0], dtype)
    if form == BYTES:
        data = around.unembed(bytes(reader.piece()), n * dtype.itemsize)
        if len(data) != n * dtype.itemsize:
            raise CorruptFile("the bytes of an array have another size")
        return np.frombuffer(data, dtype).reshape(shape)
    if form == PARTS:
        if len(shape) < 2:
            raise CorruptFile("an array without a second axis has no parts")
        out = np.empty(shape, dtype)
        for part in range(shape[-1]):
            out[..., part] = read(reader, dtype, shape[:-1], around, depth + 1)
        return out
    if form == BOUNDED:
        from lacodec.codecs.columns.bounded import decode_bounded  # searches in logs seldom need it

        return decode_bounded(reader.rest(), dtype, shape)
    if form == MIXED and around.mixed:
        return _mixed(reader, dtype, shape)
    if form == NUMBERS:
        return _numbers(reader, dtype, n, around.out if depth == 0 else None).reshape(shape)
    inner = _INNER.get(form)
    if inner is None:
        raise CorruptFile(f"form {form} is unknown; if a newer lacodec wrote it, update")
    return inner(reader, dtype, shape, lambda dtype, shape: read(reader, dtype, shape, around, depth + 1))


def _numbers(reader: Reader, dtype: np.dtype[Any], n: int, out: NDArray[np.unsignedinteger] | None) -> NDArray[Any]:
    dropped, order = _order(reader, dtype)
    steps = predict.read_steps(reader, n)
    latents = np.empty(n, f"u{dtype.itemsize}") if out is None else out
    decode_bins(reader, latents)
    return _values(predict.restored(latents, steps), dtype, dropped, order)


def _mixed(reader: Reader, dtype: np.dtype[Any], shape: Shape) -> NDArray[Any]:
    from lacodec.codecs.columns.mixed.payload import decode_mixed

    dropped, order = _order(reader, dtype)
    latents = decode_mixed(bytes(reader.piece()), np.dtype(f"u{dtype.itemsize}"), shape)
    return _values(latents, dtype, dropped, order)


def _order(reader: Reader, dtype: np.dtype[Any]) -> tuple[int, int]:
    dropped, order = divmod(reader.number(), 2)
    if dropped >= 8 * dtype.itemsize:
        raise CorruptFile("it drops all bits of its values")
    return dropped, order


def _values(latents: splits.Latents, dtype: np.dtype[Any], dropped: int, order: int) -> NDArray[Any]:
    if order == SIGN_FIRST:
        if dropped:
            latents <<= latents.dtype.type(dropped)
        return latents.view(dtype)
    return splits.unordered(latents, dtype, dropped)


Node = Callable[[np.dtype[Any], Shape], NDArray[Any]]


def _steps(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    base, step = reader.wide(), reader.wide()
    q = node(splits.check_width(reader.number(), dtype.itemsize), shape)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    mask = (1 << 8 * dtype.itemsize) - 1
    return (q.astype(unsigned) * unsigned.type(step & mask) + unsigned.type(base & mask)).view(dtype)


def _multiples(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    if dtype.kind != "f":
        raise CorruptFile("only floats are multiples of a float")
    inverse = bool(reader.number())
    factor = splits.Factor(float(np.frombuffer(reader.take(8), "<f8")[0]), inverse)
    base = reader.wide()
    q = node(splits.check_width(reader.number(), dtype.itemsize), shape).astype(np.uint64) + np.uint64(base)
    distance = node(np.dtype(f"u{dtype.itemsize}"), shape)
    near = factor.values(q.view(np.int64), dtype)
    return splits.unordered(splits.ordered(near) + distance, dtype) if distance.any() else near


def _distinct(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    count, n = reader.number(), math.prod(shape)
    if not 1 <= count <= n:
        raise CorruptFile(f"{count} different values cannot be among {n}")
    unsigned = np.dtype(f"u{dtype.itemsize}")
    values = node(unsigned, (count,))
    places = node(splits.check_width(reader.number(), dtype.itemsize), shape)
    if int(places.max()) >= count:
        raise CorruptFile("a place lies outside the list of different values")
    return splits.unordered(values[places], dtype)


def _runs(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    count, n = reader.number(), math.prod(shape)
    if not 1 <= count <= n:
        raise CorruptFile(f"{count} runs cannot be in {n} values")
    values = node(dtype, (count,))
    lengths = node(splits.check_width(reader.number(), 8 * dtype.itemsize * n // count), (count,)).astype(np.float64)
    if lengths.sum() + count != n:  # exact: both are far below 2**53, or the sum is wrong
        raise CorruptFile("its runs do not fill the array")
    return np.repeat(values, lengths.astype(np.int64) + 1).reshape(shape)


def _gaps(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    value = np.frombuffer(reader.take(dtype.itemsize), dtype)
    gaps = node(np.dtype(np.uint8), (math.prod(shape),)).astype(bool)
    bits = np.empty(len(gaps), f"u{dtype.itemsize}")
    bits[gaps] = splits.bits_of(value)[0]
    bits[~gaps] = splits.bits_of(node(dtype, (len(gaps) - int(gaps.sum()),)))
    return bits.view(dtype).reshape(shape)


def _planes(reader: Reader, dtype: np.dtype[Any], shape: Shape, node: Node) -> NDArray[Any]:
    out = np.empty((math.prod(shape), dtype.itemsize), np.uint8)
    for place in range(dtype.itemsize):
        out[:, place] = node(out.dtype, (len(out),))
    return out.reshape(-1).view(dtype).reshape(shape)


_INNER: dict[int, Callable[[Reader, np.dtype[Any], Shape, Node], NDArray[Any]]] = {
    STEPS: _steps,
    MULTIPLES: _multiples,
    DISTINCT: _distinct,
    RUNS: _runs,
    GAPS: _gaps,
    PLANES: _planes,
}
