"""Floating-point values back from their group (`_floats`): in one step if it has the most common form, else plane by plane."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader
from lacodec.codecs.weights import _open_kernel as opened
from lacodec.codecs.weights._floats import BLOCK, KINDS, Layout, addresses, fields_of, plane_size, read_layout, workspace
from lacodec.codecs.weights._floats_kernel import merge
from lacodec.codecs.weights._pieces import Part
from lacodec.codecs.weights._planes import decode_plane
from lacodec.entropy.rans_dispatch import readonly
from lacodec.entropy.segments import SEGMENT, decode_direct, decode_split, wide
from lacodec.errors import CorruptFile
from lacodec.kernels.scratch import scratch

_MOST_SEGMENTS = 1 << 10  # of a group that is decoded in one step


class _Room(threading.local):
    """The arguments that `open_floats` fills, except the words."""

    def __init__(self) -> None:
        self.numbers = np.empty(16, np.uint64)
        self.places = np.empty((2, 1 + opened.MOST_PLANES), np.uint64)
        self.padded = np.zeros((opened.MOST_PLANES, BLOCK), np.uint8)
        self.begins = np.empty(_MOST_SEGMENTS + 1, np.uint64)
        self.freqs = np.empty(256, np.uint32)
        self.lut = np.empty(1 << 14, np.uint32)
        self.codes = np.empty((1 << 14) + 4, np.uint8)
        self.spans = np.empty(256, np.uint32)
        self.look_ups = readonly(self.lut), readonly(self.codes), readonly(self.spans)


_room = _Room()


def decode_floats(data: memoryview, part: Part) -> None:
    """Fill the bytes of the part from a group; raises CorruptFile."""
    if not _decode_at_once(data, part):
        _decode_by_planes(data, part)


def _decode_at_once(data: memoryview, part: Part) -> bool:
    """False where the group has a rarer form, or is damaged, which the other way will tell."""
    room, array = _room, readonly(np.frombuffer(data, np.uint8))
    words = scratch(len(array) + len(array) % 2 + opened.MARGIN)
    if not opened.open_floats(
        array, np.uint64(part.size), room.numbers, room.places, room.padded, words, room.begins, room.freqs,
        room.lut, room.codes, room.spans,
    ):  # fmt: skip
        return False
    numbers = room.numbers.tolist()
    size, listed, first, coded = (numbers[name] for name in (opened.SIZE, opened.LISTED, opened.HIGHS, opened.CODED))
    codes = scratch(-(-coded // BLOCK) * BLOCK)
    begins = room.begins[: -(-coded // SEGMENT) + 1]
    lut, *split = room.look_ups
    ends = (*split, np.uint64(8), room.numbers[opened.FREQ_BITS], np.uint64(0))
    if numbers[opened.FITS]:
        _, problem = decode_direct(codes[:coded], words.view(np.uint16), begins, lut, *ends, wide())
    else:
        _, problem = decode_split(codes[:coded], words.view(np.uint16), begins, *ends, wide())
    if problem:
        return False
    room.places[:, 0] = codes.ctypes.data
    fields = fields_of(size, numbers[opened.DROP], numbers[opened.BITS], numbers[opened.SIGN])
    highs = array[first : first + 2 * listed].copy().view("<u2")
    return listed == _merged(part, room.places, fields, room.numbers, highs, size)


def _decode_by_planes(data: memoryview, part: Part) -> None:
    reader = Reader(data)
    layout, highs = read_layout(reader, part.size)
    n = part.size // layout.size
    codes = decode_plane(reader, plane_size(n, layout.code_bits))
    fields = layout.fields()
    planes = [decode_plane(reader, plane_size(n, width)) for width in fields[:, 0].tolist()]
    reader.finish()
    places, _kept = _places([codes, *planes], layout, n)
    if _merged(part, places, fields, layout.numbers(), highs.copy(), layout.size) != len(highs):
        raise CorruptFile("the number of its high bits does not match its values")


def _merged(part: Part, places: Any, fields: Any, numbers: Any, highs: Any, size: int) -> int:
    return int(
        merge(
            part.data, part.runs, part.choices, part.group, np.uint64(part.size // size), places, fields, numbers,
            readonly(highs), KINDS[size](0), *workspace(),
        )
    )  # fmt: skip


def _places(planes: list[NDArray[np.uint8]], layout: Layout, n: int) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """The places of `merge`, and the arrays that must live as long: kernels read whole blocks; the rest gets a padded copy."""
    begins = addresses(planes)
    if n % BLOCK == 0:
        return np.stack([begins, begins]), begins
    whole = n // BLOCK
    padded, widths = np.zeros((len(planes), BLOCK), np.uint8), [layout.code_bits, *layout.fields()[:, 0].tolist()]
    for row, plane, width in zip(padded, planes, widths, strict=True):
        rest = plane[whole * 8 * width :]
        row[: len(rest)] = rest
    tails = addresses(list(padded)) - np.array([whole * 8 * width for width in widths], np.uint64)
    return np.stack([begins, tails]), padded
