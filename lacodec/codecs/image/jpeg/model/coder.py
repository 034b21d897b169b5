"""Frames in and out of the coefficient model.

payload = effort (1 byte), range-coded decisions: component by component, block by block in raster order; `fast_coder` has another
one for efforts 1 and 2
"""

from collections.abc import Sequence

import numpy as np

from lacodec.codecs.image.jpeg.frame import Component, Frame
from lacodec.codecs.image.jpeg.model import state as st
from lacodec.codecs.image.jpeg.model.blocks import code_rows
from lacodec.codecs.image.jpeg.model.fast_coder import FAST, decode_fast, encode_fast
from lacodec.codecs.image.jpeg.model.setup import SETUPS, for_component, new_state
from lacodec.entropy.mixing import CODE, HIGH, LOW, POSITION
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore, parts

_HEAD = 1
_READ_AHEAD = 2  # a decoder has read this much past the encoder's two last bytes
Geometry = tuple[int, int, Sequence[tuple[int, int, int, int]]]


def encode_frame(frame: Frame, effort: int, report: Report = ignore) -> bytes:
    """Code the coefficients of a frame. `report` is called with coefficients as they are coded."""
    arrays = [np.ascontiguousarray(component.coefficients) for component in frame.components]
    quants = [component.quant for component in frame.components]
    if effort in FAST:
        return encode_fast(arrays, quants, effort, report)
    room = sum(array.size for array in arrays) * 2 + 4096
    sampling = [(component.h, component.v) for component in frame.components]
    while (coded := _encode_mixed(arrays, quants, sampling, effort, room, report)) is None:
        room *= 4
    return coded


def _encode_mixed(
    arrays: list[np.ndarray], quants: list[np.ndarray], sampling: list[tuple[int, int]], effort: int, room: int, report: Report
) -> bytes | None:
    """None if it doesn't fit into `room` bytes."""
    s = new_state(SETUPS[effort], np.zeros(room, np.uint8), decoding=False)
    s.registers[HIGH] = 0xFFFFFFFF
    _code(s, arrays, quants, sampling, report)
    size = int(s.registers[POSITION])
    if size + 2 > room:
        return None
    tail = int(s.registers[HIGH]) >> 16
    return bytes([effort]) + bytes(s.stream[:size]) + tail.to_bytes(2, "big")


def decode_frame(data: bytes, geometry: Geometry, quants: Sequence[np.ndarray], report: Report = ignore) -> Frame:
    """The frame that `encode_frame` coded.

    geometry: width, height, and for each component block rows, block columns, h, v. quants: uint16[64] each, zigzag order.
    Raises `CorruptFile` if the data are invalid.
    """
    width, height, places = geometry
    arrays = [np.zeros((rows, columns, 64), np.int16) for rows, columns, _, _ in places]
    if data[:1] and data[0] in FAST:
        decode_fast(data, arrays, quants, report)
    else:
        _decode_mixed(data, arrays, quants, [(h, v) for _, _, h, v in places], report)
    parts_of = zip(arrays, quants, places, strict=True)
    return Frame(width, height, tuple(Component(array, quant, h, v) for array, quant, (_, _, h, v) in parts_of))


def _decode_mixed(
    data: bytes, arrays: list[np.ndarray], quants: Sequence[np.ndarray], sampling: list[tuple[int, int]], report: Report
) -> None:
    if len(data) < _HEAD + 2 or data[0] not in SETUPS:
        raise CorruptFile("its coefficient model has no valid head")
    stream = np.frombuffer(data, np.uint8, offset=_HEAD)
    s = new_state(SETUPS[data[0]], stream.copy(), decoding=True)
    s.registers[LOW], s.registers[HIGH] = 0, 0xFFFFFFFF
    s.registers[CODE] = int.from_bytes(stream[:4].tobytes().ljust(4, b"\0"), "big")
    s.registers[POSITION] = 4
    _code(s, arrays, quants, sampling, report)
    if int(s.registers[POSITION]) != stream.size + _READ_AHEAD:
        raise CorruptFile("its coefficient model does not end with its last block")


def _code(
    s: st.State, arrays: list[np.ndarray], quants: Sequence[np.ndarray], sampling: list[tuple[int, int]], report: Report
) -> None:
    h0, v0 = sampling[0]
    for index, (h, v) in enumerate(sampling):
        ratio = max(v0 // v, 1), max(h0 // h, 1)
        of = for_component(s, arrays, list(quants), index, ratio)
        for start, stop in parts(arrays[index].shape[0], arrays[index].size, report):
            code_rows(of, start, stop)
