"""The payload of a chunk: its runs, sorted into groups that are coded together.

payload = size, runs | group | group | ...              numbers are LEB128; sizes are those of what follows
runs    = (size of the run, its group) ...              in the order of the bytes; groups are numbered as they first occur
group   = u8 kind, size, data                           its content: its runs one after the other

kind 0  the bytes        1  a payload of codec `bytes`       2  u8 bytes of a unit, the one unit that all are
kind 3  u8 bytes of an element, then a plane (`_planes`) for each of its bytes, the lowest first
kind 4  floating-point values (`_floats`)               5  the head of a safetensors file: its metadata as JSON, or nothing
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laconic.codecs.bytes.codec import Bytes
from laconic.codecs.weights._floats import MANTISSAS, decode_floats, encode_floats
from laconic.codecs.weights._numbers import Reader, Writer
from laconic.codecs.weights._plan import FOREIGN, Plan, Run
from laconic.codecs.weights._planes import decode_plane, encode_plane
from laconic.errors import CorruptFile
from laconic.media.tensors import DTYPES

STORED, BYTES, CONSTANT, ELEMENTS, FLOATS, HEAD = range(6)
_UNITS = (1, 2, 4, 8)
_SMALL = 1 << 16  # bytes of a tensor below which it shares tables with others
_FOREIGN_EFFORT = 3

Remake = Callable[[bytes], bytes]
"""Makes the head of a safetensors file from its metadata; raises CorruptFile."""


@dataclass
class _Group:
    dtype: str
    runs: list[int]  # their numbers


def encode_payload(data: bytes, plan: Plan, effort: int, head: bytes | None = None) -> bytes:
    """The payload for the bytes of a plan. head: what kind 5 stores when the first run can be made from it, else None."""
    groups, which = _grouped(plan.runs)
    begins = [0]
    for run in plan.runs:
        begins.append(begins[-1] + run.size)
    runs, out = Writer(), Writer()
    for run, number in zip(plan.runs, which, strict=True):
        runs.number(run.size)
        runs.number(number)
    out.piece(runs.data)
    for group in groups:
        content = _content(data, [(begins[i], begins[i + 1]) for i in group.runs])
        kind, coded = (HEAD, head) if head is not None and group.runs == [0] else _encode_group(content, group.dtype, effort)
        out.write(bytes([kind]))
        out.piece(coded)
    return out.data


def decode_payload(payload: bytes, size: int, remake: Remake) -> NDArray[np.uint8]:
    """The u8[size] bytes of a chunk; raises CorruptFile."""
    reader = Reader(payload)
    runs = _read_runs(reader, size)
    count = max((group for _, group in runs), default=-1) + 1
    out = np.empty(size, np.uint8)
    begins = np.cumsum([0, *(run for run, _ in runs)]).tolist()
    places: list[list[slice]] = [[] for _ in range(count)]
    for number, (_, group) in enumerate(runs):
        places[group].append(slice(begins[number], begins[number + 1]))
    for place in places:
        kind, data = reader.take(1)[0], reader.piece()
        if len(place) == 1:
            _decode_group(kind, data, out[place[0]], remake)
            continue
        content = np.empty(sum(part.stop - part.start for part in place), np.uint8)
        _decode_group(kind, data, content, remake)
        at = 0
        for part in place:
            out[part] = content[at : at + part.stop - part.start]
            at += part.stop - part.start
    reader.finish()
    return out


def _grouped(runs: tuple[Run, ...]) -> tuple[list[_Group], list[int]]:
    """The groups, and the number of the group of each run."""
    groups: list[_Group] = []
    shared: dict[str, int] = {}
    which = []
    for number, run in enumerate(runs):
        alone = run.size >= _SMALL or (run.dtype == FOREIGN and number == 0)
        if alone or run.dtype not in shared:
            if not alone:
                shared[run.dtype] = len(groups)
            groups.append(_Group(run.dtype, []))
            which.append(len(groups) - 1)
        else:
            which.append(shared[run.dtype])
        groups[which[-1]].runs.append(number)
    return groups, which


def _content(data: bytes, parts: list[tuple[int, int]]) -> bytes | memoryview:
    view = memoryview(data)
    if len(parts) == 1:
        return view[parts[0][0] : parts[0][1]]
    return b"".join(view[begin:end] for begin, end in parts)


def _encode_group(content: bytes | memoryview, dtype: str, effort: int) -> tuple[int, bytes]:
    """(kind, data) for one group."""
    array = np.frombuffer(content, np.uint8)
    if not len(array):
        return STORED, b""
    unit = _constant_unit(array)
    if unit:
        return CONSTANT, bytes([unit]) + array[:unit].tobytes()
    floats = {"C64": "F32", "C128": "F64"}.get(dtype, dtype)
    if floats in MANTISSAS:
        size, mantissa = MANTISSAS[floats]
        kind, data = FLOATS, encode_floats(_aligned(array, size), mantissa, effort)
    elif dtype == FOREIGN:
        kind, data = BYTES, Bytes(Bytes.Options(effort=_FOREIGN_EFFORT)).encode_block(bytes(content))
    else:
        kind, data = ELEMENTS, _encode_elements(array, max(1, DTYPES[dtype] // 8))
    return (kind, data) if len(data) < len(array) else (STORED, array.tobytes())


def _decode_group(kind: int, data: memoryview, out: NDArray[np.uint8], remake: Remake) -> None:
    size = len(out)
    if kind == FLOATS:
        decode_floats(data, out)
    elif kind == ELEMENTS:
        _decode_elements(data, out)
    elif kind == CONSTANT:
        unit = data[0] if len(data) else 0
        if unit not in _UNITS or len(data) != 1 + unit or size % unit:
            raise CorruptFile("a constant tensor has an impossible unit")
        out.reshape(-1, unit)[...] = np.frombuffer(data[1:], np.uint8)
    elif kind in (STORED, BYTES, HEAD):
        content = remake(bytes(data)) if kind == HEAD else bytes(data)
        if kind == BYTES:
            content = Bytes().decode_block(content, size)
        if len(content) != size:
            raise CorruptFile("a group decodes to another size than its runs have")
        out[...] = np.frombuffer(content, np.uint8)
    else:
        raise CorruptFile(f"a group has the unknown kind {kind}; if a newer laconic wrote it, update")


def _read_runs(reader: Reader, size: int) -> list[tuple[int, int]]:
    """(size, group) of each run."""
    data = Reader(reader.piece())
    runs, groups, left = [], 0, size
    while len(data):
        run, group = data.number(), data.number()
        if group > groups or run > left:
            raise CorruptFile("its list of runs contradicts itself")
        groups = max(groups, group + 1)
        left -= run
        runs.append((run, group))
    if left:
        raise CorruptFile("its runs do not add up to its size")
    return runs


def _constant_unit(array: NDArray[np.uint8]) -> int:
    """The smallest unit that the array repeats, 0 for none."""
    for unit in _UNITS:
        if len(array) % unit == 0 and (array[:unit] == array[-unit:]).all() and (array[unit:] == array[:-unit]).all():
            return unit
    return 0


def _aligned(array: NDArray[np.uint8], size: int) -> NDArray[np.unsignedinteger]:
    """The array as little-endian values at an address that fits them."""
    values = array.view(f"<u{size}")
    return values if values.flags.aligned else values.copy()


def _encode_elements(array: NDArray[np.uint8], size: int) -> bytes:
    out = Writer()
    size = size if len(array) % size == 0 else 1
    out.write(bytes([size]))
    for place in range(size):
        encode_plane(out, np.ascontiguousarray(array[place::size]))
    return out.data


def _decode_elements(data: memoryview, out: NDArray[np.uint8]) -> None:
    reader = Reader(data)
    size = reader.take(1)[0]
    if not 1 <= size <= 16 or len(out) % size:
        raise CorruptFile("a group has elements of an impossible size")
    for place in range(size):
        out[place::size] = decode_plane(reader, len(out) // size)
    reader.finish()
