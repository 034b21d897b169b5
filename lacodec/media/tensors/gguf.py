"""GGUF: magic, version, key-value pairs, a list of tensors, then their bytes, each aligned.

Numbers become tensors of their type; the blocks of quantised types become U8 [blocks, bytes of a block], whose columns (scales,
nibbles) each have their own statistics. Types that are not known stay as bytes.
"""

import struct
from typing import Any

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.tensors.value import MAX_TENSORS, TensorEntry, Tensors, place_of, size_of

MAX_HEADER = 64 << 20  # bytes
MAX_VALUES = 1 << 22  # strings in all its properties

PLAIN = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16"}
"""GGUF's number of a type that is not in blocks -> its name."""
_BLOCKS = {  # number of the type: (elements of a block, its bytes)
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    29: (256, 56),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by the number of its type
_CODES = dict(zip(_SIZES, ("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?", "<Q", "<q", "<d"), strict=True))
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_MAX_NESTING = 4


def read(source: Source) -> Tensors:
    """The tensors of a file; raises UnsupportedFile."""
    described, begin = _contents(source)
    entries = [entry for item in described if (entry := _entry(source.name, begin, *item)) is not None]
    return Tensors(source, "gguf", tuple(sorted(entries, key=lambda entry: (entry.offset, entry.stop))))


def missing(source: Source) -> str | None:
    """The first tensor that `read` leaves out, with its type; None if there is none."""
    unknown = next((item for item in _contents(source)[0] if item[2] not in PLAIN and item[2] not in _BLOCKS), None)
    return None if unknown is None else f"the tensor {unknown[0][:200]!r} is of GGUF type {unknown[2]}, which is not supported"


def tensors(source: Source) -> list["_Described"]:
    """(name, shape, number of the type, offset in the file) of each tensor, by offset; raises UnsupportedFile.

    The shape is that of the values, the axis that changes fastest last.
    """
    described, begin = _contents(source)
    return sorted(((name, shape, kind, begin + offset) for name, shape, kind, offset in described), key=lambda item: item[3])


def properties(source: Source) -> dict[str, Any]:
    """The key-value pairs of the header: numbers, booleans, strings, and lists of those; raises UnsupportedFile."""
    header = _Cursor(source)
    pairs = _counts(header)[1]
    found = {}
    for _ in range(pairs):
        key = header.string().decode("utf-8", "replace")
        found[key] = header.value(header.number("<I"))
    return found


def packed_properties(source: Source) -> bytes:
    """u64 number, then the key-value pairs of the header as they are; raises UnsupportedFile."""
    header = _Cursor(source)
    pairs = _counts(header)[1]
    begin = header.at
    for _ in range(pairs):
        header.string()
        header.skip_value(header.number("<I"))
    return struct.pack("<Q", pairs) + source.read(begin, header.at - begin)


_Described = tuple[str, tuple[int, ...], int, int]  # name, shape, number of the type, offset in the data


def _contents(source: Source) -> tuple[list[_Described], int]:
    """(the description of each tensor in the header, the start of their data)."""
    header = _Cursor(source)
    count, pairs = _counts(header)
    alignment = 32
    for _ in range(pairs):
        key, kind = header.string(), header.number("<I")
        if key == b"general.alignment" and kind == _UINT32:
            alignment = header.number("<I")
        else:
            header.skip_value(kind)
    if alignment == 0 or alignment & (alignment - 1):
        raise UnsupportedFile(f"{source.name}: an alignment of {alignment} bytes is not valid")
    described = [_described(header) for _ in range(count)]
    return described, -(-header.at // alignment) * alignment


def _counts(header: "_Cursor") -> tuple[int, int]:
    """(tensors, properties) from the start of a file."""
    header.take(4)
    version = header.number("<I")
    if version not in (2, 3):
        raise UnsupportedFile(f"{header.name}: GGUF version {version} is not supported (2 and 3, little-endian, are)")
    count, pairs = header.number("<Q"), header.number("<Q")
    if count > MAX_TENSORS or pairs > MAX_TENSORS:
        raise UnsupportedFile(f"{header.name}: claims {count} tensors and {pairs} properties")
    return count, pairs


def _described(header: "_Cursor") -> _Described:
    """One tensor; GGUF names the fastest dimension first."""
    name = header.string().decode("utf-8", "replace")
    dimensions = header.number("<I")
    if dimensions > 8:
        raise UnsupportedFile(f"{header.name}: tensor {name[:200]!r} has {dimensions} dimensions")
    shape = tuple(header.number("<Q") for _ in range(dimensions))[::-1]
    return name, shape, header.number("<I"), header.number("<Q")


def _entry(file: str, begin: int, name: str, shape: tuple[int, ...], kind: int, offset: int) -> TensorEntry | None:
    place = place_of(file, name)
    if kind in PLAIN:
        return TensorEntry(name, PLAIN[kind], shape, begin + offset, size_of(PLAIN[kind], shape, place))
    if kind not in _BLOCKS:
        return None
    elements, size = _BLOCKS[kind]
    number = size_of("U8", shape, place)
    if number % elements:
        raise UnsupportedFile(f"{place} has {number} elements in blocks of {elements}")
    return TensorEntry(name, "U8", (number // elements, size), begin + offset, number // elements * size)


class _Cursor:
    """Reads a header forwards, a piece at a time."""

    def __init__(self, source: Source) -> None:
        self.at = self._values = 0
        self.name = source.name
        self._source, self._end = source, min(source.size or 0, MAX_HEADER)
        self._piece, self._begin = b"", 0

    def take(self, n: int) -> bytes:
        """The next `n` bytes."""
        self._check(n)
        start = self.at - self._begin
        if not 0 <= start <= start + n <= len(self._piece):
            self._piece, self._begin, start = self._source.read(self.at, max(n, 1 << 20)), self.at, 0
        self.at += n
        data = self._piece[start : start + n]
        if len(data) < n:
            raise UnsupportedFile(f"{self.name}: changed while it was read")
        return data

    def number(self, code: str) -> int:
        """The next unsigned integer, as `struct` writes it."""
        return int(struct.unpack(code, self.take(struct.calcsize(code)))[0])

    def string(self) -> bytes:
        """The next string."""
        return self.take(self.number("<Q"))

    def value(self, kind: int, nesting: int = 0) -> Any:
        """The next value of this type."""
        if kind == _STRING:
            return self.string().decode("utf-8", "replace")
        if kind == _ARRAY and nesting < _MAX_NESTING:
            inner, count = self.number("<I"), self.number("<Q")
            self._values += self._check(count)
            if self._values > MAX_VALUES:
                raise UnsupportedFile(f"{self.name}: its properties have more than {MAX_VALUES} values")
            return [self.value(inner, nesting + 1) for _ in range(count)]
        if kind not in _CODES:
            raise UnsupportedFile(f"{self.name}: a property of the unknown type {kind} at offset {self.at}")
        return struct.unpack(_CODES[kind], self.take(_SIZES[kind]))[0]

    def skip_value(self, kind: int, nesting: int = 0) -> None:
        """Past a value."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise UnsupportedFile(f"{self.name}: its properties have more than {MAX_VALUES} strings")
        if kind == _STRING:
            self._skip(self.number("<Q"))
        elif kind == _ARRAY and nesting < _MAX_NESTING:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in _SIZES:
                self._skip(count * _SIZES[inner])
                return
            for _ in range(self._check(count)):  # each of them takes a byte at least
                self.skip_value(inner, nesting + 1)
        elif kind in _SIZES:
            self._skip(_SIZES[kind])
        else:
            raise UnsupportedFile(f"{self.name}: a property of the unknown type {kind} at offset {self.at}")

    def _skip(self, n: int) -> None:
        self.at += self._check(n)

    def _check(self, n: int) -> int:
        if n > self._end - self.at:
            raise UnsupportedFile(f"{self.name}: its header ends at offset {self._end}, inside a value of {n} bytes at {self.at}")
        return n
