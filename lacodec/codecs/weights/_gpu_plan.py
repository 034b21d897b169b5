"""The work of `_gpu_kernel.py`, as tables, made on the host from payloads; this module checks every size that the kernel trusts.

    payload -> groups -> | floats of 2 or 4 bytes, codes in segments: rows of the tables, coded bytes for the device |
                         | the others: decoded here, bytes to be copied there                                        |

Which groups the device decodes is decided in `_floats_of`. They are nearly all of a model's bytes: the rest are small
tensors, integers, F64, constant and repeated values, and whole chunks with differences to a base.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader
from lacodec.codecs.weights._floats import Layout, plane_size, read_layout
from lacodec.codecs.weights._payload import DELTA, FLOATS, Surroundings, decode_group
from lacodec.codecs.weights._pieces import Pieces
from lacodec.codecs.weights._planes import SEGMENTS, decode_plane
from lacodec.entropy.segments import HEAD_WORDS, SEGMENT, Directory, check_tables, read_directory
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

Ints = NDArray[np.int64]
Kind = tuple[int, int, bool, int]
"""Variants with their own kernel: bytes of a value, parts of its fields, whether high bits are listed, codes in a symbol."""
SEGMENT_COLUMNS = 7
"""Of a segment: first word, words after its head, values, number of the first one in its group, its piece, group, symbols."""
GROUP = 5
"""The column of the group."""
GROUP_COLUMNS = 8 + 6 * 6
"""Of a group: bits of the table, its look-up, base, shift, sign of all values, pieces that begin within a step at most, list,
its room, and the parts of its fields."""
PART_COLUMNS = 6
"""Of a part: plane, then the values of `Layout.fields` for it."""
LIST_BITS = 40
"""Of a listed value's key, for its number in the group, below the number of the group."""

_ON_DEVICE = (2, 4)  # bytes of a value
_ALIGN = 16  # bytes
_SIGN_OF_ALL, SIGN_STORED = 1, 2  # `Layout.sign`
_NEVER = 1 << 62
_PIECES = 1 << 12  # of a payload, at least; beyond, they must have 64 bytes on average


@dataclass(frozen=True)
class Floats:
    """A group of values, coded: layout, the table of its codes, the places of their segments, high bits that are listed."""

    layout: Layout
    tables: Tables
    directory: Directory
    highs: NDArray[np.uint16]


class Plan:
    """Tables for any number of groups, whose values go to one array of bytes, from two: of 16-bit words, and of planes."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """Of the groups, for messages."""
        self._segments: dict[Kind, list[Ints]] = {}
        self._groups: list[list[int]] = []
        self._lookups: list[NDArray[np.uint8]] = []
        self._spans: list[NDArray[np.int32]] = []
        self._starts: list[Ints] = []
        self._shifts: list[Ints] = []
        self._listed: list[NDArray[Any]] = []  # by group: unsigned, as wide as its values
        self._looked = self._pieces = self._noted = 0

    def add(self, name: str, group: Floats, word: int, planes: list[int], begins: Ints, sizes: Ints) -> None:
        """A group whose stream begins at that word and whose parts at these bytes of the planes.

        begins, sizes: bytes of the result where its values lie one after the other; multiples of the bytes of a value.
        """
        layout, number = group.layout, len(self._groups)
        fields = layout.fields().astype(np.int64)
        halves = 8 // layout.code_bits
        self._segments.setdefault((layout.size, len(fields), len(group.highs) > 0, halves), []).append(
            self._rows(group.directory, word, number, sizes // layout.size, halves)
        )
        starts = np.cumsum(sizes // layout.size) - sizes // layout.size
        columns = [group.tables.freq_bits, self._looked, layout.base, layout.drop + layout.bits]
        columns += [
            (layout.sign == _SIGN_OF_ALL) << (8 * layout.size - 1),
            _crossings(starts, 64 * halves),
            self._noted,
            len(group.highs),
        ]
        for plane, field in zip(planes, fields.tolist(), strict=True):
            columns += [plane, *field]
        self._groups.append(columns + [0] * (GROUP_COLUMNS - len(columns)))
        self.names.append(name)
        lookup, spans = _look_ups(group.tables)
        self._lookups.append(lookup)
        self._spans.append(spans)
        self._starts += [starts, np.array([_NEVER])]  # no value lies beyond its group's last piece
        self._shifts += [begins // layout.size - starts, np.array([0])]
        highs = group.highs.astype(f"<u{layout.size}") << np.array(layout.drop + layout.bits, f"<u{layout.size}")
        self._listed.append(highs)
        self._looked += len(lookup)
        self._pieces += len(starts) + 1
        self._noted += len(highs)

    def _rows(self, directory: Directory, word: int, number: int, sizes: Ints, halves: int) -> Ints:
        """i64[segments, SEGMENT_COLUMNS] of a group; sizes: values in its pieces."""
        rows, ends = np.empty((len(directory), SEGMENT_COLUMNS), np.int64), np.cumsum(sizes)
        rows[:, 0] = word + directory.begins[:-1] // 2
        rows[:, 1] = np.diff(directory.begins) // 2 - HEAD_WORDS
        rows[:, 3] = np.arange(len(directory)) * SEGMENT * halves
        rows[:, 2] = np.minimum(ends[-1] - rows[:, 3], SEGMENT * halves)
        rows[:, 4] = self._pieces + np.searchsorted(ends, rows[:, 3], "right")
        rows[:, GROUP] = number
        rows[:, 6] = np.minimum(directory.count - np.arange(len(directory)) * SEGMENT, SEGMENT)
        return rows

    def launches(self) -> list[tuple[Kind, Ints]]:
        """Which kernel, and the rows of its segments."""
        return [(kind, np.concatenate(rows)) for kind, rows in self._segments.items()]

    def room(self) -> list[int]:
        """How many high bits each group lists."""
        return [len(highs) for highs in self._listed]

    def listed(self) -> list[tuple[int, Ints, NDArray[Any]]]:
        """(bytes of a value, positions among all that is listed, the high bits in their place), where any are listed."""
        ends, found = np.cumsum(self.room()), []
        for size in _ON_DEVICE:
            mine = [number for number, highs in enumerate(self._listed) if len(highs) and highs.itemsize == size]
            if mine:
                which = np.concatenate([np.arange(ends[number] - len(self._listed[number]), ends[number]) for number in mine])
                found.append((size, which, np.concatenate([self._listed[number] for number in mine])))
        return found

    def tables(self) -> tuple[NDArray[Any], ...]:
        """(groups, look-ups, spans, starts, shifts): the other arguments of the kernel."""
        groups = np.array(self._groups, np.int64).reshape(-1, GROUP_COLUMNS)
        parts = (self._lookups, self._spans, self._starts, self._shifts)
        return (groups, *(np.concatenate(part) for part in parts))


class Arena:
    """Coded bytes for the device, to be one array of `size` bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[tuple[int, Any]] = []

    def put(self, data: Any) -> int:
        """Append bytes; returns where they begin, a multiple of 16."""
        begin = self.size
        self._parts.append((begin, data))
        self.size += -(-len(data) // _ALIGN) * _ALIGN
        return begin

    def fill(self, out: NDArray[np.uint8]) -> None:
        """Copy them to out, u8[size]; between them it stays as it is."""
        for begin, data in self._parts:
            out[begin : begin + len(data)] = np.frombuffer(data, np.uint8)


def add_payload(
    plan: Plan, arena: Arena, name: str, payload: bytes, size: int, begin: int, around: Surroundings
) -> list[tuple[int, NDArray[np.uint8]]] | None:
    """Add the part that the device decodes of a payload of `size` bytes, whose place in the result is `begin`.

    Returns the part decoded on the host, as (place in the result, u8[...]), to be copied there before the kernels run; None when
    nothing is left for the device, or the payload needs a base. Raises CorruptFile.
    """
    reader = Reader(payload)
    pieces = Pieces.read(reader, size)
    if len(pieces.choices) > max(_PIECES, size // 64):
        return None
    coded = [(reader.take(1)[0], reader.piece()) for _ in range(pieces.groups())]
    reader.finish()
    places = _places(pieces)
    found = [_floats_of(kind, data, begin, *place) for (kind, data), place in zip(coded, places, strict=True)]
    if not any(found) or any(kind == DELTA for kind, _ in coded):
        return None
    on_host = [number for number, item in enumerate(found) if item is None]
    for item, (begins, sizes) in zip(found, places, strict=True):
        if item is not None:
            floats, stream, planes = item
            plan.add(name, floats, arena.put(stream) // 2, [arena.put(plane) for plane in planes], begins + begin, sizes)
    if not on_host:
        return []
    low = min(int(places[number][0].min()) for number in on_host if len(places[number][0]))
    high = max(int((places[number][0] + places[number][1]).max()) for number in on_host if len(places[number][0]))
    out = np.empty(size, np.uint8)
    for number in on_host:
        content = np.empty(pieces.size(number), np.uint8)
        decode_group(*coded[number], content, around)
        pieces.scatter(out, number, content)
    return [(begin + low, out[low:high])]


def _floats_of(kind: int, data: memoryview, begin: int, begins: Ints, sizes: Ints) -> tuple[Floats, memoryview, list[Any]] | None:
    """(group, its stream, its planes) if the device decodes it, else None; raises CorruptFile."""
    size = int(sizes.sum())
    if kind != FLOATS or not size:
        return None
    reader = Reader(data)
    layout, highs = read_layout(reader, size)
    unaligned = (begins + begin) % layout.size | sizes % layout.size
    if layout.size not in _ON_DEVICE or unaligned.any() or reader.take(1)[0] != SEGMENTS:
        return None
    count = size // layout.size
    tables, stream = reader.tables(), reader.piece()
    try:
        check_tables(tables)
    except BadInput as error:  # tables that no plane can have
        raise CorruptFile(str(error)) from None
    if len(tables) > 1:
        raise CorruptFile(f"a plane has {len(tables)} tables")
    directory = read_directory(stream, plane_size(count, layout.code_bits), len(stream))
    # The lower bits are usually not worth coding, and go to the device as they are; else they are decoded before.
    planes = [decode_plane(reader, plane_size(count, int(width))) for width in layout.fields()[:, 0]]
    reader.finish()
    return Floats(layout, tables, directory, highs), stream, planes


def _places(pieces: Pieces) -> list[tuple[Ints, Ints]]:
    """(begins, sizes) of the pieces of each group, in bytes; adjacent ones are merged."""
    runs = np.array(pieces.runs, np.int64).reshape(-1, 2)
    counts = -(-runs[:, 0] // runs[:, 1])
    sizes = np.repeat(runs[:, 1], counts)
    sizes[np.cumsum(counts) - 1] = runs[:, 0] - (counts - 1) * runs[:, 1]
    begins = np.cumsum(sizes) - sizes
    order = np.argsort(pieces.choices, kind="stable")
    ends = np.cumsum(np.bincount(pieces.choices, minlength=pieces.groups()))
    found = []
    for chosen in np.split(order, ends)[: pieces.groups()]:
        begin, size = begins[chosen], sizes[chosen]
        first = np.flatnonzero(np.append(True, begin[1:] != begin[:-1] + size[:-1])) if len(begin) else np.zeros(0, np.int64)
        found.append((begin[first], np.add.reduceat(size, first) if len(first) else size))
    return found


def _look_ups(tables: Tables) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """(u8[1 << freq_bits], the symbol of each slot; i32[256], frequency << 16 | start of each symbol) of one table."""
    freqs, values = tables.freqs.astype(np.int64), tables.values.astype(np.int64)
    spans = np.zeros(256, np.int32)
    spans[values] = freqs << 16 | tables.starts.astype(np.int64)
    return np.repeat(values.astype(np.uint8), freqs), spans


def _crossings(starts: Ints, step: int) -> int:
    """Maximum number of pieces that begin within that many values; the first one of all is not counted."""
    later = starts[1:]
    return int((np.searchsorted(later, later + step) - np.arange(len(later))).max()) if len(later) else 0
