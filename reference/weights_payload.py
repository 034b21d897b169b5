"""The payload of a chunk of codec `weights`: runs of bytes, cut into pieces, which are sorted into groups.

payload = u8 packed, size, runs, choices, group, group, ...       packed 1: the runs are a zlib stream
runs    = (bytes of the run, bytes of its pieces) ...             0: the run is one piece; the last piece may be shorter
choices = plane of u8: the group of each piece
group   = u8 kind, size, data                                     its content: its pieces one after the other
"""

import zlib
from collections.abc import Callable

from reference import bytes_codec
from reference.stream import Damaged, Stream, need
from reference.weights_blocks import read_blocks
from reference.weights_delta import read_delta
from reference.weights_filters import read_filters
from reference.weights_floats import read_floats
from reference.weights_planes import read_plane

STORED, BYTES, CONSTANT, ELEMENTS, FLOATS, HEAD, FEW, SPARSE, DELTA, BLOCKS, FILTERS = range(11)


def decode(payload: bytes, size: int, remake: Callable[[bytes], bytes], base: Callable[[], bytes]) -> bytes:
    """The content of a chunk. remake: makes what kind 5 stands for; base: gives the bytes that kind 8 refers to."""
    data = Stream(payload)
    pieces = _read_runs(data)
    need(sum(pieces) == size, "runs of another size than the chunk")
    choices = read_plane(data, len(pieces))
    parts: list[bytes] = [b""] * len(pieces)
    for group in range(max(choices, default=-1) + 1):
        mine = [i for i, choice in enumerate(choices) if choice == group]
        kind, coded = data.byte(), data.piece()
        total = sum(pieces[i] for i in mine)
        if kind == DELTA:
            like = base()
            begins = [sum(pieces[:i]) for i in mine]
            content = read_delta(Stream(coded), b"".join(like[at : at + pieces[i]] for at, i in zip(begins, mine, strict=True)))
        else:
            content = remake(coded) if kind == HEAD else _read_group(kind, Stream(coded), total)
        need(len(content) == total, "a group of another size than its pieces")
        for i in mine:
            parts[i], content = content[: pieces[i]], content[pieces[i] :]
    data.finish()
    return b"".join(parts)


def _read_runs(data: Stream) -> list[int]:
    """The bytes of each piece."""
    packed, runs = data.byte(), data.piece()
    numbers, pieces = Stream(zlib.decompress(runs) if packed else runs), []
    while numbers.left():
        run, piece = numbers.number(), numbers.number()
        need(run, "an empty run")
        pieces += [min(piece or run, run - at) for at in range(0, run, piece or run)]
    return pieces


def _read_group(kind: int, data: Stream, size: int) -> bytes:
    if kind == STORED:
        return data.rest()
    if kind == BYTES:
        return bytes_codec.decode(data.rest(), size)
    if kind == CONSTANT:
        unit = data.byte()
        need(unit in (1, 2, 4, 8) and size % unit == 0 and data.left() == unit, "a constant of an impossible size")
        return data.take(unit) * (size // unit)
    if kind == FLOATS:
        return read_floats(data, size)
    if kind == BLOCKS:
        return read_blocks(data, size)
    if kind == FILTERS:
        return read_filters(data, size)
    if kind not in (ELEMENTS, FEW, SPARSE):
        raise Damaged(f"a group has the unknown kind {kind}")
    width = data.byte()
    need(width and size % width == 0, "values of an impossible size")
    if kind == ELEMENTS:
        planes = [read_plane(data, size // width) for _ in range(width)]
        content = bytes(planes[i % width][i // width] for i in range(size))
    elif kind == FEW:
        listed = data.byte() + 1
        values = [data.take(width) for _ in range(listed)]
        numbers = read_plane(data, size // width)
        need(max(numbers, default=0) < listed, "a value that is not listed")
        content = b"".join(values[number] for number in numbers)
    else:
        content = _read_sparse(data, size, width)
    data.finish()
    return content


def _read_sparse(data: Stream, size: int, width: int) -> bytes:
    """A plane of bits, the lowest of a byte first, tells which values are not zero; those follow as floats."""
    count = size // width
    bits = read_plane(data, (count + 7) // 8)
    mask = [bits[i // 8] >> i % 8 & 1 for i in range(count)]
    floats = Stream(read_floats(Stream(data.piece()), sum(mask) * width))
    return b"".join(floats.take(width) if bit else bytes(width) for bit in mask)
