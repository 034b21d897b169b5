"""The tensor table of codec `weights`, in the header's metadata as `tensors`, and the head of a safetensors file made from it.

    table = zlib of: number of tensors | size, patterns, one a line | size, names of types, one a line | pattern of each name |
            numbers of each name | type of each | dimensions of each | all dimensions | gap before each | order of each

Columns are numbers (LEB128). A pattern is a name with `#` for each number; in it `\\s`, `\\n` and `\\\\` stand for `#`, a line
end and `\\`. The numbers of a name are stored (signed) as differences to those of the last name that had any, position by
position; before the first one that is 0.
"""

import json
import re
import zlib
from dataclasses import dataclass
from math import prod

from reference.stream import Stream, need

#: Bits of an element, by type.
BITS = {
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F32", "U32", "I32"), 32),
    **dict.fromkeys(("BF16", "F16", "U16", "I16"), 16),
    **dict.fromkeys(("F8_E5M2FNUZ", "F8_E4M3FNUZ", "F8_E8M0", "F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E3M2", "F6_E2M3"), 6),
    **dict.fromkeys(("F4", "U4", "I4"), 4),
    "C128": 128,
}


@dataclass(frozen=True)
class Tensor:
    """`size` bytes from `offset` in the file; order C, or F: the first dimension changes fastest."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: int
    order: str = "C"


def read_table(data: bytes) -> list[Tensor]:
    """The tensors in the order of their places."""
    reader = Stream(zlib.decompress(data))
    count = reader.number()
    patterns = reader.piece().decode("utf-8", "surrogatepass").split("\n")
    types = reader.piece().decode().split("\n")
    names, before = [], [0]
    which = [reader.number() for _ in range(count)]
    for number in which:
        parts = [_unescaped(part) for part in patterns[number].split("#")]
        last = before + [0] * len(parts)
        found = [reader.signed() + last[k] for k in range(len(parts) - 1)]
        before = found or before
        names.append(parts[0] + "".join(f"{value}{part}" for value, part in zip(found, parts[1:], strict=True)))
    dtypes = [types[reader.number()] for _ in range(count)]
    dimensions = [reader.number() for _ in range(count)]
    shapes = [tuple(reader.number() for _ in range(n)) for n in dimensions]
    gaps = [reader.number() for _ in range(count)]
    orders = ["F" if reader.number() else "C" for _ in range(count)]
    reader.finish()
    tensors, at = [], 0
    for name, dtype, shape, gap, order in zip(names, dtypes, shapes, gaps, orders, strict=True):
        need(dtype in BITS, f"the unknown type {dtype}")
        size = -(-prod(shape) * BITS[dtype] // 8)
        tensors.append(Tensor(name, dtype, shape, at + gap, size, order))
        at += gap + size
    return tensors


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda found: {"\\\\": "\\", "\\s": "#", "\\n": "\n"}.get(found[0], ""), text)


def safetensors_head(tensors: list[Tensor], stored: bytes) -> bytes:
    """Kind 5: the first bytes of a safetensors file with these tensors. stored: its `__metadata__` as JSON, or nothing.

    JSON without spaces; of strings only `"`, `\\` and characters below 32 are escaped, as in `\\n`, `\\u001f`; spaces up to
    a multiple of 8. Keys stay in the order in which they are stored.
    """
    header = {"__metadata__": json.loads(stored)} if stored else {}
    at = 0
    for tensor in tensors:
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, at + tensor.size]}
        at += tensor.size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def read_safetensors(data: bytes) -> list[Tensor]:
    """The tensors of a safetensors file, for a base."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = []
    for name, what in header.items():
        start, stop = what["data_offsets"]
        tensors.append(Tensor(name, what["dtype"], tuple(what["shape"]), 8 + size + start, stop - start))
    return sorted(tensors, key=lambda tensor: tensor.offset)
