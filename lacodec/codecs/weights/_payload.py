"""The payload of a chunk: its runs cut into pieces, and those sorted into groups that are coded together.

    payload = u8 packed (1: the runs are a zlib stream), size, runs | choices | group | group | ...
    runs    = (size of the run, size of its pieces; 0: the run is one piece) ...
    choices = a plane (`_planes`): u8 group of each piece, in the order of the bytes
    group   = u8 kind, size, data                           its content: its pieces one after the other

    kind 0  the bytes        1  a payload of codec `bytes`       2  u8 bytes of a unit, the one unit that all are
    kind 3  u8 bytes of an element, then a plane for each of its bytes, the lowest first
    kind 4  floating-point values (`_floats`)               5  the head of a safetensors file: its metadata as JSON, or nothing
    kind 6  few different values, 7 many zeros (`_repeats`)  8  differences to the values of a base (`_delta`)
    kind 9  blocks of quantised values (`_blocks`)          10  tensors of two values (`filters`)

Numbers are LEB128, sizes are of the data after them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._blocks import decode_blocks, encode_blocks
from lacodec.codecs.weights._chunks import FOREIGN, Plan
from lacodec.codecs.weights._cluster import exact
from lacodec.codecs.weights._delta import decode_delta, encode_delta
from lacodec.codecs.weights._floats import encode_floats
from lacodec.codecs.weights._floats_decode import decode_floats
from lacodec.codecs.weights._groups import Group, grouped
from lacodec.codecs.weights._pieces import Part, Pieces
from lacodec.codecs.weights._planes import decode_plane, encode_plane, entropy
from lacodec.codecs.weights._repeats import decode_few, decode_sparse, encode_few, encode_sparse
from lacodec.codecs.weights.filters.payload import Filters, decode_filters
from lacodec.container.types import CRITICAL, Chunk
from lacodec.entropy.rans_dispatch import readonly
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import chunk_memory, passing_memory

STORED, BYTES, CONSTANT, ELEMENTS, FLOATS, HEAD, FEW, SPARSE, DELTA, BLOCKS, FILTERS = range(11)
_UNITS = (1, 2, 4, 8)
_SAMPLE = 1 << 16  # bytes
_AGAIN = 0.97  # share of its own model's bytes that bits take with zstd where sequences come again and again
_MOST_SHORT = 2  # effort up to which short codes may be used

Embed = Callable[[bytes, int], bytes]
"""The payload of codec `bytes` for these bytes at an effort."""


@dataclass(frozen=True)
class Surroundings:
    """The context for decoding a payload; all members raise CorruptFile.

    remake: makes the head of a safetensors file from its metadata. base: gives the bytes that kind 8 refers to.
    unembed: that many bytes from a payload of codec `bytes`.
    """

    remake: Callable[[bytes], bytes]
    base: Callable[[], NDArray[np.uint8]]
    unembed: Callable[[bytes, int], bytes]


def encode_payload(
    data: bytes | memoryview,
    plan: Plan,
    effort: int,
    embed: Embed,
    head: bytes | None = None,
    base: NDArray[np.uint8] | None = None,
    tree: bool = True,
) -> bytes:
    """The payload for the bytes of a plan.

    head: the content of kind 5 if the first run can be made from it, else None. base: as many similar bytes. tree: whether
    filters of two values may be told from those that are like them, and not only from the one before.
    """
    with chunk_memory():
        array, out = readonly(np.frombuffer(data, np.uint8)), Writer()
        groups, pieces = grouped(array, plan.runs, effort, base)
        pieces.write(out)
        for number, group in enumerate(groups):
            if head is not None and number == 0:  # the first run is alone in its group
                out.write(bytes([HEAD]))
                out.piece(head)
            else:
                like = pieces.part(base, number).content() if base is not None and group.based else None
                part = pieces.part(array, number)
                if group.filters:
                    kind, coded = _encode_filters(part.content(), group, effort, embed, tree)
                else:
                    kind, coded = _encode_group(part, group, effort, embed, like)
                out.write(bytes([kind]))
                out.piece(coded)
        return out.data


def decode_payload(payload: bytes | memoryview, size: int, around: Surroundings) -> NDArray[np.uint8]:
    """The u8[size] bytes of a chunk; raises CorruptFile."""
    with chunk_memory():
        reader = Reader(payload)
        pieces = Pieces.read(reader, size)
        out = np.empty(size, np.uint8)
        for group in range(pieces.groups()):
            kind, data = reader.take(1)[0], reader.piece()
            with passing_memory():
                _decode_group_into(out, pieces, group, kind, data, around)
        reader.finish()
        return out


def _decode_group_into(
    out: NDArray[np.uint8],
    pieces: Pieces,
    group: int,
    kind: int,
    data: memoryview,
    around: Surroundings,
) -> None:
    part = pieces.part(out, group)
    if kind == FLOATS:
        decode_floats(data, part)
        return
    content = part.content() if part.whole else np.empty(part.size, np.uint8)
    if kind == DELTA:
        decode_delta(data, pieces.part(around.base(), group).content(), content)
    else:
        decode_group(kind, data, content, around)
    if not part.whole:
        part.fill(content)


def _encode_group(part: Part, group: Group, effort: int, embed: Embed, base: NDArray[np.uint8] | None) -> tuple[int, Any]:
    """(kind, data: bytes, an array of them or a Writer) for the content of one group: the shortest that comes into question."""
    if base is None and group.counts is not None and not group.repeats and not _constant_unit(part.head()):
        # The commonest case, without a copy.
        floats = encode_floats(part, group.mantissa, group.counts, group.extra, effort == 1, effort <= _MOST_SHORT)
        return (FLOATS, floats) if len(floats) < part.size else (STORED, part.content())
    array = part.content()
    unit = _constant_unit(array)
    if unit:
        return CONSTANT, bytes([unit]) + array[:unit].tobytes()
    found: list[tuple[int, Any]] = [(STORED, array)]
    if base is not None:
        mine, others = (np.frombuffer(part.tobytes(), f"<u{group.size}") for part in (array, base))
        return min((DELTA, encode_delta(mine, others, group.mantissa)), found[0], key=lambda item: len(item[1]))
    values = array.view(f"<u{group.size}") if group.size in (2, 4, 8) and len(array) % group.size == 0 else None
    if values is not None and not values.flags.aligned:
        values = values.copy()
    if group.counts is not None and values is not None:
        counts = exact(values, group.mantissa) if effort == 1 else group.counts
        found.append((FLOATS, encode_floats(Part.of(array), group.mantissa, counts, group.extra)))
        if group.repeats:
            found.append((SPARSE, encode_sparse(values, group.mantissa, counts, group.extra)))
    elif group.block:
        found.append((BLOCKS, encode_blocks(array, group.block)))
    elif group.dtype != FOREIGN:
        found.append((ELEMENTS, _encode_elements(array, group.size)))
    if values is not None and (group.repeats or group.counts is None):
        found.append((FEW, encode_few(values)))
    if group.repeats or group.dtype == FOREIGN or (group.counts is None and not group.block and _is_repetitive(array)):
        for more in (3, 5) if effort == 9 else (3,):
            found.append((BYTES, embed(array.tobytes(), more)))
    return min((item for item in found if item[1] is not None), key=lambda item: len(item[1]))


def _encode_filters(array: NDArray[np.uint8], group: Group, effort: int, embed: Embed, tree: bool) -> tuple[int, Any]:
    """(kind, data) for tensors of two values."""
    import zstandard

    filters = Filters(array, group.dtype, group.size, group.filters)
    found: list[tuple[int, Any]] = [(STORED, array), (FILTERS, filters.encode(tree))]
    shortest = min((item for item in found if item[1] is not None), key=lambda item: len(item[1]))
    packed = zstandard.ZstdCompressor(level=3).compress(filters.packed())
    if len(packed) < _AGAIN * len(shortest[1]):
        ways = [(BYTES, embed(array.tobytes(), more)) for more in ((3, 5) if effort == 9 else (3,))]
        shortest = min([shortest, *ways], key=lambda item: len(item[1]))
    return shortest


def _is_repetitive(array: NDArray[np.uint8]) -> bool:
    """Whether a sample of integers shrinks when sequences that come again are coded as such."""
    import zstandard

    begin = max(0, (len(array) - _SAMPLE) // 2)
    sample = array[begin : begin + _SAMPLE]
    packed = len(zstandard.ZstdCompressor(level=3).compress(sample.tobytes()))
    return packed < 0.97 * entropy(np.bincount(sample, minlength=256)) / 8


def decode_group(kind: int, data: memoryview, out: NDArray[np.uint8], around: Surroundings) -> None:
    """Fill out (u8, the content of a group) from its data, of any kind but DELTA; raises CorruptFile."""
    size = len(out)
    if kind == FLOATS:
        decode_floats(data, Part.of(out))
    elif kind == ELEMENTS:
        _decode_elements(data, out)
    elif kind == BLOCKS:
        decode_blocks(data, out)
    elif kind == FILTERS:
        decode_filters(data, out)
    elif kind == FEW:
        decode_few(data, out)
    elif kind == SPARSE:
        decode_sparse(data, out)
    elif kind == CONSTANT:
        unit = data[0] if len(data) else 0
        if unit not in _UNITS or len(data) != 1 + unit or size % unit:
            raise CorruptFile("a constant tensor has an impossible unit")
        out.reshape(-1, unit)[...] = np.frombuffer(data[1:], np.uint8)
    elif kind in (STORED, BYTES, HEAD):
        content = around.remake(bytes(data)) if kind == HEAD else bytes(data)
        if kind == BYTES:
            content = around.unembed(content, size)
        if len(content) != size:
            raise CorruptFile("a group and its pieces differ in size")
        out[...] = np.frombuffer(content, np.uint8)
    else:
        raise CorruptFile(f"a group has the unknown kind {kind}; if a newer lacodec wrote it, update")


def _constant_unit(array: NDArray[np.uint8]) -> int:
    """The smallest unit that the array repeats; 0 if none."""
    for unit in _UNITS:
        if len(array) % unit == 0 and (array[:unit] == array[-unit:]).all() and (array[unit:] == array[:-unit]).all():
            return unit
    return 0


def _encode_elements(array: NDArray[np.uint8], size: int) -> Writer:
    out = Writer()
    size = size if len(array) % size == 0 else 1
    out.write(bytes([size]))
    for place in range(size):
        encode_plane(out, np.ascontiguousarray(array[place::size]))
    return out


def _decode_elements(data: memoryview, out: NDArray[np.uint8]) -> None:
    reader = Reader(data)
    size = reader.take(1)[0]
    if not 1 <= size <= 16 or len(out) % size:
        raise CorruptFile("a group has elements of an impossible size")
    for place in range(size):
        out[place::size] = decode_plane(reader, len(out) // size)
    reader.finish()


def payload_of(chunk: Chunk, shared: Sequence[Chunk]) -> bytes:
    """The payload that gives a chunk's bytes: its own, or that of the shared section; raises CorruptFile for no such chunk."""
    if chunk.kind != CRITICAL or [stop - start for start, stop in chunk.covers] != [chunk.decoded_size]:
        raise CorruptFile("its decoded size contradicts the range it covers")
    return shared[0].payload if shared and not chunk.payload else chunk.payload


def no_base() -> Any:
    """Replaces the base if none is needed; raises CorruptFile."""
    raise CorruptFile("it refers to a base, but the header names none")


def memory_of_bytes(payload: bytes, size: int) -> int:
    """The memory of codec `bytes` for one group of a payload; without a payload, which may be anywhere, the maximum."""
    from lacodec.codecs.bytes.codec import Bytes

    if not payload:
        return Bytes(Bytes.Options(effort=9)).memory(size)
    reader, most = Reader(payload), 0
    try:
        pieces = Pieces.read(reader, size)
        for group in range(pieces.groups()):
            kind, data = reader.take(1)[0], reader.piece()
            if kind == BYTES:
                most = max(most, Bytes().memory(pieces.size(group), bytes(data[:2])))
    except CorruptFile:
        pass  # decoding ends at the same place, and reports it
    return most
