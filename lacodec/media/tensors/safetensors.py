"""safetensors: u64 size of the header | JSON header | the tensors' bytes, without gaps.

Read strictly, as the format's own library does: all that it would refuse is refused, with the place. `virtual` goes the
other way: the file for arrays in memory, made while it is read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.tensors.memory import ArraySource, Item
from lacodec.media.tensors.value import DTYPES, TensorEntry, Tensors, place_of, size_of

MAX_HEADER = 100_000_000  # bytes; the format's own limit
MAX_TOKENS = 1 << 23  # commas and brackets in a header: bounds the memory that its JSON takes
METADATA = "__metadata__"


def read(source: Source) -> Tensors:
    """The tensors of a file; raises UnsupportedFile."""
    return read_all(source)[1]


def read_all(source: Source) -> tuple[dict[str, str], Tensors]:
    """(metadata, tensors) of a file, read forwards; raises UnsupportedFile."""
    metadata, header, begin = read_header(source)
    entries = sorted((_entry(source.name, name, what, begin) for name, what in header.items()), key=lambda e: (e.offset, e.stop))
    at, end = begin, source.size or 0
    for entry in entries:
        if entry.offset > at:
            raise UnsupportedFile(
                f"{source.name}: {entry.offset - at} bytes at offset {at} belong to no tensor (the next is {entry.name[:200]!r})"
            )
        at = max(at, entry.stop)
    tensors = Tensors(source, "safetensors", tuple(entries))
    if at != end:
        raise UnsupportedFile(f"{source.name}: {end - at} bytes at offset {at} belong to no tensor")
    return metadata, tensors


def read_header(source: Source) -> tuple[dict[str, str], dict[str, Any], int]:
    """(metadata, the description of each tensor by name, offset of the first tensor); raises UnsupportedFile."""
    name, end = source.name, source.size or 0
    size = int.from_bytes(source.read(0, 8), "little")
    if size > MAX_HEADER:
        raise UnsupportedFile(f"{name}: claims a header of {size} bytes; safetensors allows {MAX_HEADER}")
    if 8 + size > end:
        raise UnsupportedFile(f"{name}: claims a header of {size} bytes but the file has {end}; it is damaged or was cut off")
    text = source.read(8, size)
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_TOKENS:
        raise UnsupportedFile(f"{name}: its header has more than {MAX_TOKENS} values")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnsupportedFile(f"{name}: its header is not valid JSON ({error})") from error
    if not isinstance(header, dict):
        raise UnsupportedFile(f"{name}: its header is not a JSON object")
    metadata = header.pop(METADATA, None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise UnsupportedFile(f"{name}: {METADATA} in its header does not map strings to strings")
    return metadata, header, 8 + size


def virtual(arrays: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> Tensors:
    """The file that safetensors' own library would write for numpy arrays or torch tensors by name; raises BadInput.

    Each array is read when its bytes are, so memory stays at about one array more.
    """
    ranks = {dtype: rank for rank, dtype in enumerate(DTYPES)}
    items = [Item.of(name, value) for name, value in arrays.items()]
    items.sort(key=lambda item: (ranks[item.dtype], item.name.encode("utf-8", "surrogatepass")))
    head = build_header([(item.name, item.dtype, item.shape, item.size) for item in items], metadata)
    source = ArraySource(head, items)
    entries, at = [], len(head)
    for item in items:
        entries.append(TensorEntry(item.name, item.dtype, item.shape, at, item.size))
        at += item.size
    return Tensors(source, "safetensors", tuple(entries))


def build_header(tensors: list[tuple[str, str, tuple[int, ...], int]], metadata: Mapping[str, str] | None = None) -> bytes:
    """The first bytes of a file with these (name, dtype, shape, size in bytes), padded to a multiple of 8."""
    header: dict[str, Any] = {}
    if metadata is not None:
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in metadata.items()):
            raise BadInput("the metadata of a safetensors file must map strings to strings")
        header[METADATA] = dict(metadata)
    at = 0
    for name, dtype, shape, size in tensors:
        if name == METADATA:
            raise BadInput(f"a safetensors file cannot hold a tensor named {METADATA!r}; rename it")
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"a tensor's name or the metadata is not valid Unicode ({error})") from error
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise BadInput(f"the header for {len(tensors)} tensors would have {len(text)} bytes; safetensors allows {MAX_HEADER}")
    return len(text).to_bytes(8, "little") + text


def _entry(file: str, name: str, what: Any, begin: int) -> TensorEntry:
    """One tensor as the header describes it; raises UnsupportedFile."""
    place = place_of(file, name)
    if not isinstance(what, dict) or not {"dtype", "shape", "data_offsets"} <= set(what):  # the library skips other keys, too
        raise UnsupportedFile(f"{place}: its description must have dtype, shape and data_offsets")
    dtype, shape, offsets = what["dtype"], what["shape"], what["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list):
        raise UnsupportedFile(f"{place}: its dtype must be a string and its shape a list")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(n) is int for n in offsets):
        raise UnsupportedFile(f"{place}: its data_offsets must be two whole numbers")
    start, stop = offsets
    if not 0 <= start <= stop < 1 << 63:
        raise UnsupportedFile(f"{place}: its data_offsets [{start}, {stop}] are impossible")
    needed = size_of(dtype, tuple(shape), place)
    if needed != stop - start:
        raise UnsupportedFile(
            f"{place}: {dtype} {shape} needs {needed} bytes, its data_offsets [{start}, {stop}] hold {stop - start}"
        )
    return TensorEntry(name, dtype, tuple(shape), begin + start, stop - start)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"duplicate name {name[:200]!r}")
            seen.add(name)
    return found


def _refuse(constant: str) -> Iterator[Any]:
    raise ValueError(f"{constant} is not JSON")
