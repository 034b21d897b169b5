"""The payload of a chunk: blocks of arrays, column by column, and the bytes between them.

    payload = bytes of others, runs, run, run, ... | size, others (`others`), if there are any | columns of all runs
    run     = others before it, element, dimensions, each of them
    element = its bytes, columns, column, column, ...        0: as in the run before
    column  = offset, u8 type + 16 if big-endian, axes, (count, bytes between two) ...
    columns = for each run, for each column: size, a payload of `columns`

Numbers are LEB128.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from lacodec.codecs.arrays._elements import MAX_AXES, MAX_COLUMNS, TYPES, Column, Element, column_view, element_of
from lacodec.codecs.arrays._plan import MAX_DIMENSIONS, MAX_RUNS, Run
from lacodec.codecs.arrays.others import decode_others, encode_others
from lacodec.codecs.columns import payload as columns
from lacodec.codecs.columns.bound import Bound
from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.arrays.dtypes import named

Unembed = Callable[[bytes, int], bytes]
"""That many bytes from a payload of codec `bytes`."""

_SWAPPED = 16


@dataclass(frozen=True)
class Encoding:
    """How chunks are encoded. embed: the payload of codec `bytes` for bytes at an effort; unembed: its inverse."""

    effort: int
    session: Session
    bound: Bound | None
    embed: Callable[[bytes, int], bytes]
    unembed: Unembed


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of a payload: where it begins in the chunk, its elements and their number on each axis."""

    offset: int
    element: Element
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.element.size * prod(self.shape)


def encode_payload(data: memoryview, runs: tuple[Run, ...], how: Encoding) -> tuple[bytes, Any]:
    """(payload, what it decodes to) for the bytes of a plan. With a bound, the second is a copy that is within it."""
    blocks, between = list(_blocks(runs)), bytearray()
    out, at, before = Writer(), 0, None
    described = Writer()
    for block in blocks:
        described.number(block.offset - at)
        between += data[at : block.offset]
        at = block.offset + block.size
        _write_element(described, block.element, before)
        before = block.element
        described.number(len(block.shape))
        described.numbers(list(block.shape))
    between += data[at:]
    out.number(len(between))
    out.number(len(blocks))
    out.write(described.data)
    if between:
        _piece(out, encode_others(bytes(between), how.effort, how.embed))
    restored: Any = data if how.bound is None else bytearray(data)
    for block in blocks:
        for column in block.element.columns:
            _piece(out, _encode_column(data, block, column, how, restored))
    return out.data, restored


def decode_payload(payload: bytes | memoryview, size: int, unembed: Unembed) -> np.ndarray:
    """The u8[size] bytes of a chunk; raises CorruptFile."""
    reader = Reader(memoryview(payload), 0)
    others, blocks = _read_blocks(reader, size)
    out = np.empty(size, np.uint8)
    if others:
        between, at, taken = decode_others(bytes(reader.take(reader.number())), others, unembed), 0, 0
        for start, stop in [(block.offset, block.offset + block.size) for block in blocks] + [(size, size)]:
            out[at:start] = np.frombuffer(between[taken : taken + start - at], np.uint8)
            taken, at = taken + start - at, stop
    for block in blocks:
        for column in block.element.columns:
            piece = reader.take(reader.number())
            view = column_view(out.data, block.offset, block.shape, block.element.size, column)
            if not (view.flags.c_contiguous and view.flags.aligned and view.dtype.isnative):
                view[...] = _decode_column(piece, block, column, unembed)
            else:
                columns.decode(piece, np.dtype(f"<{column.kind}"), view.shape, unembed=unembed, out=view.view(f"<{column.kind}"))
    if len(reader.rest()):
        raise CorruptFile("its payload is longer than it should be")
    return out


def most_memory(payload: bytes, size: int) -> int:
    """Bytes that decoding the columns of a payload takes, beyond those of the chunk: they are decoded one after the other."""
    reader, most = Reader(memoryview(payload), 0), 0
    try:
        others, blocks = _read_blocks(reader, size)
        if others:
            reader.take(reader.number())
        for block in blocks:
            for column in block.element.columns:
                piece = reader.take(reader.number())
                most = max(most, columns.memory(column.size * prod(block.shape), piece))
    except CorruptFile:
        pass  # decoding ends at the same place, and reports it
    return most


def _blocks(runs: tuple[Run, ...]) -> Iterator[_Block]:
    at = 0
    for run in runs:
        if run.entry is not None:
            yield _Block(at, element_of(named(run.entry.descr)), run.shape)
        at += run.size


def _encode_column(data: memoryview, block: _Block, column: Column, how: Encoding, restored: Any) -> bytes:
    """The payload of one column; with a bound, `restored` gets what it decodes to."""
    view = column_view(data, block.offset, block.shape, block.element.size, column)
    values = np.require(view, f"<u{column.width}", ["C", "A"]).view(f"<{column.kind}")
    if how.bound is not None and column.kind[0] == "f":
        coded = columns.encode(values, effort=how.effort, session=how.session, bound=how.bound)
        found = columns.decode(coded, values.dtype, values.shape, unembed=how.unembed)
        if how.bound.holds(values, found):
            column_view(restored, block.offset, block.shape, block.element.size, column)[...] = found.view(f"<u{column.width}")
            return coded
    return columns.encode(values, effort=how.effort, session=how.session)


def _decode_column(piece: memoryview, block: _Block, column: Column, unembed: Unembed) -> np.ndarray:
    shape = (*block.shape, *column.counts)
    values = columns.decode(piece, np.dtype(f"<{column.kind}"), shape, unembed=unembed)
    return values.reshape(shape).view(f"<u{column.width}")


def _write_element(out: Writer, element: Element, before: Element | None) -> None:
    if element == before:
        out.number(0)
        return
    out.number(element.size)
    out.number(len(element.columns))
    for column in element.columns:
        out.number(column.offset)
        out.write(bytes([TYPES.index(column.kind) + _SWAPPED * column.swapped]))
        out.number(len(column.axes))
        for count, step in column.axes:
            out.numbers([count, step])


def _read_blocks(reader: Reader, size: int) -> tuple[int, list[_Block]]:
    """(bytes between blocks, the blocks), which make up `size` bytes."""
    others, count = reader.number(), reader.number()
    if count > MAX_RUNS:
        raise CorruptFile(f"it claims {count} arrays; at most {MAX_RUNS} are possible")
    blocks: list[_Block] = []
    left, at, element = others, 0, None
    for _ in range(count):
        gap = reader.number()
        element = _read_element(reader, element, size)
        shape = _read_shape(reader, size)
        block = _Block(at + gap, element, shape)
        left, at = left - gap, block.offset + block.size
        if left < 0 or at > size:
            raise CorruptFile("its arrays do not fit into its decoded size")
        blocks.append(block)
    if at + left != size:
        raise CorruptFile("its arrays do not make up its decoded size")
    return others, blocks


def _read_element(reader: Reader, before: Element | None, most: int) -> Element:
    size = reader.number()
    if not size and before is not None:
        return before
    count = reader.number()
    if not 0 < size <= most or not 0 < count <= MAX_COLUMNS:
        raise CorruptFile("an array has elements of an impossible size")
    element = Element(size, tuple(_read_column(reader, size) for _ in range(count)))
    element.check()
    return element


def _read_column(reader: Reader, size: int) -> Column:
    offset, kind, axes = reader.number(), reader.take(1)[0], reader.number()
    if kind & ~_SWAPPED >= len(TYPES) or axes > MAX_AXES:
        raise CorruptFile("a column has an unknown type; if a newer lacodec wrote it, update")
    found = tuple((reader.number(), reader.number()) for _ in range(axes))
    if offset > size or any(not 0 < count <= size or step > size for count, step in found):
        raise CorruptFile("a column has an impossible place")
    return Column(offset, TYPES[kind & ~_SWAPPED], bool(kind & _SWAPPED), found)


def _read_shape(reader: Reader, most: int) -> tuple[int, ...]:
    count = reader.number()
    shape = tuple(reader.number() for _ in range(count)) if 0 < count <= MAX_DIMENSIONS else ()
    if not shape or not all(0 < n <= most for n in shape):
        raise CorruptFile("an array has an impossible shape")
    return shape


def _piece(out: Writer, data: bytes) -> None:
    out.number(len(data))
    out.write(data)
