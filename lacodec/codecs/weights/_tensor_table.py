"""The tensor table as the header keeps it: names, types, shapes and places, in columns, so that they shrink well.

Names are split at their numbers: `model.layers.11.up.weight` is the pattern `model.layers.#.up.weight` and [11]. Between names of
one kind often only one number differs, by one, so numbers are stored as differences to those of the name before.

    table = zlib of: tensors | size, patterns, one a line | size, names of the types, one a line | pattern of each name |
            numbers | type of each | dimensions of each | sizes of all dimensions | gap before each tensor |
            order of each (0 C, 1 F)
"""

import re
import zlib
from functools import lru_cache

from lacodec.codecs.fields import folded
from lacodec.codecs.pieces import Reader, Writer
from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.media.tensors.value import MAX_TENSORS, TensorEntry, size_of

_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]{0,8})(?![0-9])")
_MOST = 64 << 20  # bytes of a table


def pack_table(entries: tuple[TensorEntry, ...]) -> bytes:
    """The table of these tensors, in the order of their places."""
    patterns: dict[str, int] = {}
    kinds: dict[str, int] = {}
    columns: list[list[int]] = [[] for _ in range(7)]
    which, numbers, dtypes, dimensions, shapes, gaps, orders = columns
    before: list[int] = []
    at = 0
    for entry in entries:
        found = [int(text) for text in _NUMBER.findall(entry.name)]
        which.append(patterns.setdefault(_escaped(entry.name), len(patterns)))
        for position, number in enumerate(found):
            numbers.append(folded(number - (before[position] if position < len(before) else 0)))
        before = found or before
        dtypes.append(kinds.setdefault(entry.dtype, len(kinds)))
        dimensions.append(len(entry.shape))
        shapes += entry.shape
        gaps.append(entry.offset - at)
        orders.append(int(entry.order == "F"))
        at = entry.stop
    out = Writer()
    out.number(len(entries))
    out.piece("\n".join(patterns).encode("utf-8", "surrogatepass"))
    out.piece("\n".join(kinds).encode())
    for column in columns:
        out.numbers(column)
    return zlib.compress(out.data, 9)


@lru_cache(maxsize=16)
def unpack_table(data: bytes) -> tuple[TensorEntry, ...]:
    """The inverse of `pack_table`; raises CorruptFile."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, _MOST)
        if not unpacker.eof or unpacker.unused_data:
            raise CorruptFile("the tensor table is too long")
        return _read(Reader(text))
    except (zlib.error, UnicodeError, UnsupportedFile) as error:
        raise CorruptFile(f"the tensor table is damaged ({error})") from error


def _read(reader: Reader) -> tuple[TensorEntry, ...]:
    count = reader.number()
    if count > MAX_TENSORS:
        raise CorruptFile(f"the tensor table claims {count} tensors; at most {MAX_TENSORS} are possible")
    patterns = bytes(reader.piece()).decode("utf-8", "surrogatepass").split("\n")
    kinds = bytes(reader.piece()).decode().split("\n")
    which = [reader.number() for _ in range(count)]
    if count and max(which) >= len(patterns):
        raise CorruptFile("the tensor table refers to a missing pattern")
    names, before = [], [0]
    for pattern in which:
        parts = _parts(patterns[pattern])
        found: list[int] = []
        for position in range(len(parts) - 1):
            found.append(reader.signed() + (before[position] if position < len(before) else 0))
        before = found or before
        names.append(parts[0] + "".join(f"{number}{part}" for number, part in zip(found, parts[1:], strict=True)))
    dtypes = [reader.number() for _ in range(count)]
    dimensions = [reader.number() for _ in range(count)]
    if count and (max(dtypes) >= len(kinds) or max(dimensions) > 64):
        raise CorruptFile("the tensor table has an impossible type or number of dimensions")
    shapes = [tuple(reader.number() for _ in range(n)) for n in dimensions]
    gaps = [reader.number() for _ in range(count)]
    orders = ["F" if reader.number() else "C" for _ in range(count)]
    reader.finish()
    entries, at = [], 0
    for name, kind, shape, gap, order in zip(names, dtypes, shapes, gaps, orders, strict=True):
        size = size_of(kinds[kind], shape, f"tensor {name!r}")
        entries.append(TensorEntry(name, kinds[kind], shape, at + gap, size, order))
        at += gap + size
    return tuple(entries)


def _escaped(name: str) -> str:
    """The pattern of a name: each number as #; a literal # or end of line is escaped with a backslash."""
    if "\\" not in name and "#" not in name and "\n" not in name:
        return _NUMBER.sub("#", name)
    parts = _NUMBER.split(name)
    return "#".join(part.replace("\\", "\\\\").replace("#", "\\s").replace("\n", "\\n") for part in parts)


def _parts(pattern: str) -> list[str]:
    """The texts around the numbers of a pattern."""
    texts = {"\\\\": "\\", "\\s": "#", "\\n": "\n"}
    return [re.sub(r"\\.", lambda found: texts.get(found[0], ""), part) for part in pattern.split("#")]
